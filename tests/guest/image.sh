#!/usr/bin/env bash
# Makes what the guest boots: the release's stock kernel, an initrd, and the root file system as a disk image; prints
# their directory (vmlinuz, initrd.img, root.ext4). Made once, as rootfs.sh does, which gives the files of the root.
# Nothing is mounted. Wants root, and the network for the first time.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/guest/cache.sh
. "$here/cache.sh"

# What the guest's devices want: its disks and the shell outside; USB, HID, and USB over IP.
root_modules="virtio_pci virtio_blk ext4 crc32c_generic"
modules="$root_modules virtio_console virtio_rng autofs4 xhci_pci usbhid hid_generic vhci_hcd"
# Units that a test has no use for and that are slow under emulation.
unwanted="getty@.service serial-getty@.service ldconfig.service systemd-hwdb-update.service
    systemd-journal-catalog-update.service systemd-update-utmp.service systemd-update-utmp-runlevel.service
    systemd-pstore.service systemd-timesyncd.service apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer
    e2scrub_all.timer e2scrub_reap.service fstrim.timer"

# The first two are for the test itself: what is missing is best told at once.
need qemu-system-x86_64 setpriv apt-get dpkg flock sha256sum modprobe depmod mkfs.ext4 cpio gzip busybox
[[ $(dpkg --print-architecture) = amd64 ]] || die "the guest is an amd64 machine, and its binary is the host's"

# kernel_of: the package of the release's newest kernel, and its version.
kernel_of() {
    apt-cache depends linux-image-amd64 2>/dev/null | awk '$1 == "Depends:" && $2 ~ /^linux-image-[0-9]/ { print $2; exit }'
}
kernel=$(kernel_of)
if [[ -z $kernel ]]; then
    apt-get update >&2
    kernel=$(kernel_of)
fi
[[ -n $kernel ]] || die "apt knows no linux-image-amd64"
version=$(apt-cache policy "$kernel" | awk '$1 == "Candidate:" { print $2 }')
release=${kernel#linux-image-}

rootfs=$("$here/rootfs.sh")
entry=image-$({ cat "$here/image.sh"; cp -L "$(command -v busybox)" /dev/stdout; echo "$rootfs $kernel $version"; } | hash_of)
enter image
if there "$entry"; then
    forget image "$entry"
    echo "$cache/$entry"
    exit
fi
[[ $(id -u) = 0 ]] || die "making the image wants root"
echo "image.sh: making $entry: $kernel $version" >&2
work=$cache/image.making.d
done=$work/done root=$work/root initrd=$work/initrd
mkdir -p "$done" "$root" "$initrd"/{bin,modules,dev,proc,sys,new}

(cd "$work" && apt-get download --quiet -o APT::Sandbox::User=root "$kernel=$version" >&2)
dpkg -x "$work"/linux-image-*.deb "$work/kernel"
depmod -b "$work/kernel" "$release"
cp "$work/kernel/boot/vmlinuz-$release" "$done/vmlinuz"
# files_of MODULE...: their files and those of the modules they want, in the order to load them.
files_of() {
    local module
    for module in "$@"; do
        modprobe -d "$work/kernel" -S "$release" --show-depends "$module" | awk '$1 == "insmod" { print $2 }'
    done | awk '!seen[$0]++'
}

tar -xpf "$rootfs" -C "$root" --exclude './dev/*'
# shellcheck disable=SC2086 # a list of modules, to be split
files_of $modules | while read -r file; do
    install -D -m 644 "$file" "$root/${file#"$work/kernel"/}"
done
cp "$work/kernel/lib/modules/$release"/modules.{builtin,builtin.modinfo,order} "$root/lib/modules/$release/"
depmod -b "$root" "$release"

echo guest >"$root/etc/hostname"
: >"$root/etc/fstab"
echo 4f3c2b1a09f8e7d6c5b4a39281706f5e >"$root/etc/machine-id"
for unit in $unwanted; do
    ln -sf /dev/null "$root/etc/systemd/system/$unit"
done
ln -sf /usr/lib/systemd/system/multi-user.target "$root/etc/systemd/system/default.target"
# The test's way in: a root shell on a port of the machine, started when the port is there.
cat >"$root/etc/udev/rules.d/10-agent.rules" <<'END'
SUBSYSTEM=="virtio-ports", ATTR{name}=="agent", TAG+="systemd", ENV{SYSTEMD_WANTS}="agent.service"
END
cat >"$root/etc/systemd/system/agent.service" <<'END'
[Unit]
Description=Shell for the test outside
[Service]
ExecStart=/bin/bash --noprofile --norc
StandardInput=file:/dev/virtio-ports/agent
StandardOutput=file:/dev/virtio-ports/agent
StandardError=inherit
Environment=HOME=/root LC_ALL=C.UTF-8
END
truncate -s 640M "$done/root.ext4"
mkfs.ext4 -q -F -O ^has_journal -E lazy_itable_init=1 -d "$root" "$done/root.ext4"

# The initrd lays the files of the run, a tar on the second disk, over the root: they are there when systemd starts,
# as if installed before.
cp -L "$(command -v busybox)" "$initrd/bin/busybox"
# shellcheck disable=SC2086 # a list of modules, to be split
files_of $root_modules | while read -r file; do
    cp "$file" "$initrd/modules/"
    basename "$file" >>"$initrd/order"
done
cat >"$initrd/init" <<'END'
#!/bin/busybox sh
for tool in mount umount insmod sleep tar switch_root; do
    alias $tool="/bin/busybox $tool"
done
mount -t devtmpfs dev /dev
mount -t proc proc /proc
mount -t sysfs sys /sys
while read -r module; do insmod "/modules/$module"; done </order
while ! [ -b /dev/vda ] || ! [ -b /dev/vdb ]; do sleep 0.1; done
mount -t ext4 -o rw,noatime /dev/vda /new
tar -xf /dev/vdb -C /new
umount /proc /sys
mount -o move /dev /new/dev
exec /bin/busybox switch_root /new /lib/systemd/systemd
END
chmod +x "$initrd/init"
(cd "$initrd" && find . | cpio -o -H newc --quiet | gzip -1) >"$done/initrd.img"

mv "$done" "$cache/$entry"
rm -rf --one-file-system "$work"
forget image "$entry"
echo "$cache/$entry"
