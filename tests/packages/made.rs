//! The packages that `make package` made: those that are shipped, and not packages of the program that the other tests are about.
//! `.ci/run` makes them, and runs this.

use std::path::PathBuf;

use crate::container::possible;
use crate::guest::{PACKAGES, boot_with, serves};

/// Built for an older glibc by another linker: what only shows when it runs, and when every symbol of it is looked up.
#[test]
#[ignore = "wants KEYNODE_PACKAGES, a directory with what `make package` made"]
fn what_make_package_made_runs() {
    if !possible() {
        return;
    }
    let made = PathBuf::from(std::env::var_os("KEYNODE_PACKAGES").unwrap());
    let version = env!("CARGO_PKG_VERSION");
    let guest = boot_with(&made);
    guest
        .sh(&format!(
            "apt-get install --yes {PACKAGES}/keynode_{version}_amd64.deb 2>&1"
        ))
        .ok();
    serves(&guest, version);
    let linked = guest.sh("ldd -r /usr/bin/keynode 2>&1").ok();
    assert!(
        linked.contains("libusb-1.0.so.0 => /")
            && !linked.contains("undefined")
            && !linked.contains("not found"),
        "{linked}"
    );

    // libusb stays.
    guest.sh("dpkg --purge keynode 2>&1").ok();
    guest
        .sh(&format!(
            "rpm --nodeps -i {PACKAGES}/keynode-{version}-1.x86_64.rpm 2>&1"
        ))
        .ok();
    serves(&guest, version);
}
