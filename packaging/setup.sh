#!/bin/sh
# Installs what building, testing or measuring keynode needs, and nothing that is there already.
# usage: packaging/setup.sh build|test|bench
# Debian packages come through apt, with sudo when not root. Under CI=true a missing tool is a failure instead.
set -eu

purpose=${1:-}
case $purpose in
    build) wanted="cc" ;;
    test | bench) wanted="cc openssl curl" ;;
    *)
        echo "usage: $0 build|test|bench" >&2
        exit 2
        ;;
esac

# Each tool is looked for by what it does, not by the name of its package.
has() {
    case $1 in
        # A compiler without the C library's headers is there, and builds nothing.
        cc) echo '#include <stdio.h>' | cc -fsyntax-only -x c - 2>/dev/null ;;
        *) command -v "$1" >/dev/null 2>&1 ;;
    esac
}
package_of() {
    case $1 in
        cc) echo gcc libc6-dev ;;
        *) echo "$1" ;;
    esac
}

# rustup installs here; a shell opened before it ran does not know.
if ! command -v cargo >/dev/null 2>&1 && ! [ -x "${CARGO_HOME:-$HOME/.cargo}/bin/cargo" ]; then
    cat >&2 <<'END'
setup: cargo is missing. Install Rust, then run this again:
    curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs | sh
END
    exit 1
fi

missing=""
packages=""
for tool in $wanted; do
    if ! has "$tool"; then
        missing="$missing $tool"
        packages="$packages $(package_of "$tool")"
    fi
done
if [ -z "$missing" ]; then
    echo "setup: $purpose needs $wanted: all there"
    exit 0
fi

echo "setup: missing for $purpose:$missing"
if [ "${CI:-}" = true ]; then
    echo "setup: CI=true: a missing tool is a failure; the image needs:$packages" >&2
    exit 1
fi
by_hand="apt-get update && apt-get install --yes --no-install-recommends$packages"
if ! command -v apt-get >/dev/null 2>&1; then
    echo "setup: no apt-get here; install the like of these Debian packages:$packages" >&2
    exit 1
fi
if [ "$(id -u)" = 0 ]; then
    as_root=""
elif command -v sudo >/dev/null 2>&1; then
    as_root="sudo"
else
    printf 'setup: neither root nor sudo here. Run this as root, then again what you ran:\n    %s\n' "$by_hand" >&2
    exit 1
fi

echo "setup: installing:$packages"
# One line each way: apt says what it does by itself.
$as_root apt-get update
# shellcheck disable=SC2086 # a list of packages, to be split
$as_root env DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends $packages
for tool in $missing; do
    if ! has "$tool"; then
        echo "setup: $tool is still missing after the installation" >&2
        exit 1
    fi
done
echo "setup: done"
