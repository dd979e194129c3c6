# The cache of what the tests make once: sourced by root.sh, image.sh and built.sh, run by nobody.
# An entry's name holds a hash of what it was made from, so a change of that makes another entry.

cache=${KEYNODE_TEST_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/keynode-tests}

die() {
    echo "$(basename "$0"): $*" >&2
    exit 1
}

# Ends with a clear word unless these commands are there.
need() {
    local tool missing=""
    for tool in "$@"; do
        command -v "$tool" >/dev/null || missing="$missing $tool"
    done
    [[ -z $missing ]] || die "missing:$missing; packaging/setup.sh test installs what the tests need"
}

# hash_of: the name's part for what comes on the standard input.
hash_of() {
    sha256sum | cut -c1-16
}

# enter KIND: from here on nobody else makes this kind of entry, and what was left half-made is gone.
enter() {
    mkdir -p "$cache"
    exec 9>"$cache/$1.lock"
    flock 9
    rm -rf --one-file-system "$cache/$1".making.*
}

# there ENTRY: whether it is made; says that it was used.
there() {
    [[ -e $cache/$1 ]] && touch "$cache/$1"
}

# forget KIND ENTRY: removes the entries of the kind but this one that nobody used for a day. Two versions of the
# tree may be tested side by side, so younger ones stay.
forget() {
    find "$cache" -mindepth 1 -maxdepth 1 -name "$1-*" ! -name "$2" -mmin +1440 -exec rm -rf {} +
}
