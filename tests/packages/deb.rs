//! The .deb from its first installation to its purge. One boot for all of it.

use crate::console;
use crate::container::{Container, possible};
use crate::guest::{
    PACKAGES, boot, edit_settings, exists, licence, serves, sessions, sessions_are_kept, settings_are_kept,
    take_seat,
};

/// What an administrator types. There is no network: what the package depends on is in apt's cache.
fn install(guest: &Container, version: &str) -> String {
    guest
        .sh(&format!(
            "DEBIAN_FRONTEND=noninteractive apt-get install --yes {PACKAGES}/keynode_{version}_amd64.deb 2>&1"
        ))
        .ok()
}

#[test]
fn a_debian_package_lives_from_installation_to_purge() {
    if !possible() {
        return;
    }
    let guest = boot();
    assert!(!exists(&guest, "/usr/lib/x86_64-linux-gnu/libusb-1.0.so.0"));
    let said = install(&guest, "1.0.0");
    for word in ["keynode user passwd admin", "http://127.0.0.1:9098/console/"] {
        assert!(said.contains(word), "{said}");
    }
    serves(&guest, "1.0.0");

    licence(&guest);
    console::works(&guest);
    edit_settings(&guest);
    take_seat(&guest, "FIRST");
    take_seat(&guest, "SECOND");
    let before = sessions(&guest);
    assert_eq!(before.len(), 2);
    let process = guest.property("keynode", "MainPID");
    let said = install(&guest, "1.0.1");
    assert!(!said.contains("passwd"), "{said}");
    assert_ne!(guest.property("keynode", "MainPID"), process);
    sessions_are_kept(&before, &sessions(&guest));
    settings_are_kept(&guest);
    serves(&guest, "1.0.1");

    let said = guest.sh("apt-get remove --yes keynode 2>&1").ok();
    assert!(said.contains("stays in /var/lib/keynode"), "{said}");
    assert_eq!(guest.property("keynode", "ActiveState"), "inactive");
    assert!(!exists(&guest, "/usr/bin/keynode") && exists(&guest, "/var/lib/keynode/keynode.db"));
    settings_are_kept(&guest);

    install(&guest, "1.0.1");
    serves(&guest, "1.0.1");
    settings_are_kept(&guest);
    assert_eq!(sessions(&guest).len(), 2);

    a_masked_node_runs_on(&guest);
    a_disabled_node_stays_so(&guest);
    udev_looks_at_the_keys_again(&guest);
    a_package_goes_into_a_root_that_does_not_run(&guest);

    let said = guest.sh("apt-get purge --yes keynode 2>&1").ok();
    assert!(said.contains("/var/lib/keynode with its licences"), "{said}");
    for path in ["/etc/keynode", "/var/lib/keynode", "/usr/share/doc/keynode"] {
        assert!(!exists(&guest, path), "{path} is left");
    }
    let left = guest.sh(
        "find / -xdev -name '*keynode*' -not -path '/srv/*' -not -path '/var/log/*' -not -path '/proc/*'",
    );
    assert_eq!(left.ok(), "", "is left behind");
}

/// What the administrator forbade to start is not started, and not called broken either.
fn a_masked_node_runs_on(guest: &Container) {
    let process = guest.property("keynode", "MainPID");
    guest.sh("systemctl mask keynode").ok();
    let said = set_up_again(guest, "");
    assert!(
        said.contains("masked") && !said.contains("does not start"),
        "{said}"
    );
    assert_eq!(guest.property("keynode", "MainPID"), process);
    assert_eq!(guest.sh("systemctl is-enabled keynode").said.trim(), "masked");
    guest.sh("systemctl unmask keynode").ok();
}

/// Keys that are plugged in while the package is installed. No udev runs in a container: what would be said to it is written down.
fn udev_looks_at_the_keys_again(guest: &Container) {
    guest
        .sh(
            "mkdir /srv/bin && printf '#!/bin/sh\necho \"$@\" >>/srv/told\n' >/srv/bin/udevadm
             chmod +x /srv/bin/udevadm && mkdir -p /run/udev && touch /run/udev/control",
        )
        .ok();
    set_up_again(guest, "PATH=/srv/bin:$PATH");
    let told = guest.sh("rm /run/udev/control && cat /srv/told").ok();
    assert_eq!(
        told.lines().collect::<Vec<_>>(),
        [
            "control --reload",
            "trigger --subsystem-match=usb --subsystem-match=hidraw"
        ]
    );
}

/// Installs what is installed once more, in this environment. apt would give the scripts a PATH of its own.
fn set_up_again(guest: &Container, environment: &str) -> String {
    guest
        .sh(&format!(
            "{environment} dpkg --install {PACKAGES}/keynode_1.0.1_amd64.deb 2>&1"
        ))
        .ok()
}

fn a_disabled_node_stays_so(guest: &Container) {
    guest.sh("systemctl disable --now keynode").ok();
    set_up_again(guest, "");
    assert_eq!(guest.property("keynode", "ActiveState"), "inactive");
    assert_ne!(guest.sh("systemctl is-enabled keynode").code, Some(0));
}

/// As when an image is made: no systemd runs there, and none is asked.
fn a_package_goes_into_a_root_that_does_not_run(guest: &Container) {
    guest
        .sh(&format!(
            "mkdir -p /srv/image && cp -a /bin /etc /lib* /sbin /usr /var /srv/image/
             mkdir -p /srv/image/proc /srv/image/dev /srv/image/run /srv/image/tmp /srv/image{PACKAGES}
             cp {PACKAGES}/*.deb /srv/image{PACKAGES}
             chroot /srv/image apt-get purge --yes keynode
             rm -f /srv/image/usr/bin/systemd-sysusers /srv/image/usr/bin/systemd-tmpfiles
             chroot /srv/image userdel keynode-centre; chroot /srv/image userdel keynode
             chroot /srv/image apt-get install --yes {PACKAGES}/keynode_1.0.1_amd64.deb
             chroot /srv/image id keynode-centre | grep --quiet '(keynode)'
             test -L /srv/image/etc/systemd/system/multi-user.target.wants/keynode.service
             chroot /srv/image stat --format %G /etc/keynode/keynode.toml | grep --quiet --line-regexp keynode
             mkdir /srv/image/var/lib/keynode-centre && touch /srv/image/etc/keynode/vendor-pin
             chroot /srv/image apt-get purge --yes keynode
             test -e /srv/image/etc/keynode/vendor-pin && test -e /srv/image/etc/keynode/keynode.toml.before-removal
             test ! -e /srv/image/var/lib/keynode
             rm -rf /srv/image 2>&1"
        ))
        .ok();
}
