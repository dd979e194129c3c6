#!/usr/bin/env bash
# Makes the root file system that the tests with a real systemd boot, and prints the path of its tar.
set -euo pipefail
# shellcheck source=tests/guest/root.sh
. "$(dirname "$0")/root.sh"

packages=(
    systemd-sysv udev dbus kmod procps iproute2 # a system that boots
    libusb-1.0-0 libudev1 libgcc-s1             # what keynode links with
    usbip usbutils                              # the simulated dongle's way in, and lsusb
    curl jq openssl ca-certificates             # what the tests ask with
)
make_root rootfs --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*'
