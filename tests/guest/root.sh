# What the scripts share that make the root file systems of tests: sourced by them, run by nobody.

# shellcheck source=tests/guest/cache.sh
. "$(dirname "${BASH_SOURCE[0]}")/cache.sh"

# make_root KIND [OPTION...]: makes a Debian of the host's own release, for the host's binary runs in it, with what is in
# `packages`, and prints the path of its tar. Made once: the name holds a hash of the script that asks for it and of this
# one. The options are mmdebstrap's. Wants root, and the network for the first time.
make_root() {
    local kind=$1 suite arch entry making
    shift
    need mmdebstrap flock sha256sum
    suite=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
    [[ -n $suite ]] || die "/etc/os-release has no VERSION_CODENAME"
    arch=$(dpkg --print-architecture)

    entry=$kind-$suite-$arch-$({ cat "$0" "${BASH_SOURCE[0]}"; echo "$suite $arch"; } | hash_of).tar
    enter "$kind"
    if ! there "$entry"; then
        [[ $(id -u) = 0 ]] || die "making the root file system wants root"
        echo "$(basename "$0"): making $entry (a minute or two, once)" >&2
        making=$cache/$kind.making.tar
        # The tar is renamed when it is whole: being killed leaves no half entry behind, and mmdebstrap, which then lives
        # on, keeps the lock until it ends.
        mmdebstrap --quiet --variant=minbase --include="$(IFS=,; echo "${packages[*]}")" \
            --dpkgopt='path-exclude=/usr/share/locale/*' --dpkgopt='path-exclude=/usr/share/i18n/*' \
            "$@" "$suite" "$making" </dev/null >&2
        mv "$making" "$cache/$entry"
    fi
    forget "$kind" "$entry"
    echo "$cache/$entry"
}
