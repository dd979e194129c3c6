#!/usr/bin/env bash
# Makes the root file system that the tests with a real systemd boot, and prints the path of its tar. Made once: the
# name holds a hash of what it is made from. It is of the host's own release, for the host's binary runs in it.
# Wants root, and the network for the first time.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/guest/cache.sh
. "$here/cache.sh"

packages=(
    systemd-sysv udev dbus kmod procps iproute2 # a system that boots
    libusb-1.0-0 libudev1 libgcc-s1             # what keynode links with
    usbip usbutils                              # the simulated dongle's way in, and lsusb
    curl jq openssl ca-certificates             # what the tests ask with
)

need mmdebstrap flock sha256sum
suite=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
[[ -n $suite ]] || die "/etc/os-release has no VERSION_CODENAME"
arch=$(dpkg --print-architecture)

entry=rootfs-$suite-$arch-$({ cat "$here/rootfs.sh"; echo "$suite $arch"; } | hash_of).tar
enter rootfs
if ! there "$entry"; then
    [[ $(id -u) = 0 ]] || die "making the root file system wants root"
    echo "rootfs.sh: making $entry (a minute or two, once)" >&2
    making=$cache/rootfs.making.tar
    # The tar is renamed when it is whole: being killed leaves no half entry behind, and mmdebstrap, which then lives
    # on, keeps the lock until it ends.
    mmdebstrap --quiet --variant=minbase --include="$(IFS=,; echo "${packages[*]}")" \
        --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
        --dpkgopt='path-exclude=/usr/share/locale/*' --dpkgopt='path-exclude=/usr/share/i18n/*' \
        "$suite" "$making" </dev/null >&2
    mv "$making" "$cache/$entry"
fi
forget rootfs "$entry"
echo "$cache/$entry"
