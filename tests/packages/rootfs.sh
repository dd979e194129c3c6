#!/usr/bin/env bash
# Makes the root file system that packages are installed into, and prints the path of its tar: a fresh Debian, with what a
# package depends on waiting in apt's cache, so that `apt-get install` works without a network. Made once; wants root, and
# the network for that.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/guest/cache.sh
. "$here/../guest/cache.sh"

packages=(
    systemd-sysv udev dbus procps iproute2 # a system that boots
    curl jq ca-certificates                # what the tests ask with
    rpm                                    # the other kind of package
    python3-apt ansible-core               # the role
)
# What keynode's package depends on: not installed, only at hand.
awaited=(libusb-1.0-0)

need mmdebstrap flock sha256sum
suite=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
[[ -n $suite ]] || die "/etc/os-release has no VERSION_CODENAME"
arch=$(dpkg --print-architecture)

entry=packageroot-$suite-$arch-$({ cat "$here/rootfs.sh"; echo "$suite $arch"; } | hash_of).tar
enter packageroot
if ! there "$entry"; then
    [[ $(id -u) = 0 ]] || die "making the root file system wants root"
    echo "rootfs.sh: making $entry (a minute or two, once)" >&2
    making=$cache/packageroot.making.tar
    # The lists and the cache of apt stay, with the packages that are awaited and no others.
    mmdebstrap --quiet --variant=minbase --include="$(IFS=,; echo "${packages[*]}")" --skip=cleanup/apt \
        --dpkgopt='path-exclude=/usr/share/locale/*' --dpkgopt='path-exclude=/usr/share/i18n/*' \
        --customize-hook='chroot "$1" apt-get clean' \
        --customize-hook="chroot \"\$1\" apt-get install --yes --no-install-recommends --download-only ${awaited[*]}" \
        "$suite" "$making" </dev/null >&2
    mv "$making" "$cache/$entry"
fi
forget packageroot "$entry"
echo "$cache/$entry"
