//! The .rpm, with Debian's rpm: nothing there resolves what it depends on, so that is checked by itself.

use crate::container::{Container, possible};
use crate::guest::{
    PACKAGES, boot, edit_settings, exists, licence, serves, sessions, sessions_are_kept, settings_are_kept,
    take_seat,
};

fn rpm(guest: &Container, what: &str) -> String {
    guest.sh(&format!("rpm --nodeps {what} 2>&1")).ok()
}

#[test]
fn an_rpm_package_lives_from_installation_to_removal() {
    if !possible() {
        return;
    }
    let guest = boot();
    // rpm knows nothing of what dpkg installed.
    guest.sh("apt-get install --yes libusb-1.0-0 2>&1").ok();
    let said = rpm(&guest, &format!("-i {PACKAGES}/keynode-1.0.0-1.x86_64.rpm"));
    assert!(said.contains("keynode user passwd admin"), "{said}");
    serves(&guest, "1.0.0");
    let needs = guest.sh("rpm --query --requires keynode").ok();
    for need in [
        "libusb-1.0.so.0()(64bit)",
        "libudev.so.1()(64bit)",
        "libc.so.6(GLIBC_2.",
    ] {
        assert!(needs.contains(need), "{needs}");
    }

    licence(&guest);
    edit_settings(&guest);
    take_seat(&guest, "FIRST");
    let before = sessions(&guest);
    let process = guest.property("keynode", "MainPID");
    rpm(&guest, &format!("-U {PACKAGES}/keynode-1.0.1-1.x86_64.rpm"));
    assert_ne!(guest.property("keynode", "MainPID"), process);
    sessions_are_kept(&before, &sessions(&guest));
    settings_are_kept(&guest);
    serves(&guest, "1.0.1");

    // One that the administrator stopped is not started by an upgrade.
    guest.sh("systemctl stop keynode").ok();
    rpm(
        &guest,
        &format!("-U --oldpackage {PACKAGES}/keynode-1.0.0-1.x86_64.rpm"),
    );
    assert_eq!(guest.property("keynode", "ActiveState"), "inactive");
    guest.sh("systemctl start keynode").ok();

    rpm(&guest, "-e keynode");
    assert_ne!(guest.property("keynode", "ActiveState"), "active");
    assert!(!exists(&guest, "/usr/bin/keynode") && exists(&guest, "/var/lib/keynode/keynode.db"));
    assert!(exists(&guest, "/etc/keynode/keynode.toml.rpmsave"));
    rpm(&guest, &format!("-i {PACKAGES}/keynode-1.0.1-1.x86_64.rpm"));
    serves(&guest, "1.0.1");
    sessions_are_kept(&before, &sessions(&guest));
}
