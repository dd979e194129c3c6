//! The .deb from its first installation to its purge. One boot for all of it.

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
    assert!(said.contains("keynode user passwd admin"), "{said}");
    serves(&guest, "1.0.0");

    licence(&guest);
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

    a_disabled_node_stays_so(&guest);
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

fn a_disabled_node_stays_so(guest: &Container) {
    guest.sh("systemctl disable --now keynode").ok();
    guest
        .sh("apt-get install --yes --reinstall /srv/packages/keynode_1.0.1_amd64.deb 2>&1")
        .ok();
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
