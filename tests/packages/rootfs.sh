#!/usr/bin/env bash
# Makes the root file system that packages are installed into, and prints the path of its tar: a fresh Debian, with what a
# package depends on waiting in apt's cache, so that `apt-get install` works without a network.
set -euo pipefail
# shellcheck source=tests/guest/root.sh
. "$(dirname "$0")/../guest/root.sh"

packages=(
    systemd-sysv udev dbus procps iproute2 # a system that boots
    curl jq ca-certificates                # what the tests ask with
    rpm                                    # the other kind of package
    python3-apt ansible-core               # the role
)
# What keynode's package depends on: not installed, only at hand.
awaited=(libusb-1.0-0)

# The lists and the cache of apt stay, with the packages that are awaited and no others.
make_root packageroot --skip=cleanup/apt \
    --customize-hook='chroot "$1" apt-get clean' \
    --customize-hook="chroot \"\$1\" apt-get install --yes --no-install-recommends --download-only ${awaited[*]}"
