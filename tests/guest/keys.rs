//! The keys that are plugged in: simulated dongles, and what is written on them.

use std::path::Path;
use std::process::Command;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use keynode::licence::KeyNo;
use serde_json::{Value, json};

use crate::device::Dongle;
use crate::fixtures;
use crate::image::{Overlay, output};

/// Serial numbers of the dongles, in the order of their numbers 1, 2, 3.
pub(crate) const DONGLES: [&str; 3] = ["LK-A", "LK-B", "LK-C"];

/// KeyNo of the licence on the first dongle, and so on.
pub(crate) const LICENCES: [KeyNo; 3] = [1001, 1002, 1003];

/// Stable names of the dongles.
pub(crate) const DEVICES: [&str; 3] = ["usb-1209-0001-LK-A", "usb-1209-0001-LK-B", "usb-1209-0001-LK-C"];

/// Puts the dongles, their licences and the vendor's key into the guest.
pub(crate) fn lay(overlay: &Overlay) {
    // Beside the program itself: the same target directory and profile.
    let built = Path::new(env!("CARGO_BIN_EXE_keynode")).parent().unwrap();
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args([
        "build",
        "--quiet",
        "--locked",
        "--example",
        "dongle",
        "--target-dir",
    ]);
    cargo
        .arg(built.parent().unwrap())
        .current_dir(env!("CARGO_MANIFEST_DIR"));
    output(&mut cargo);
    overlay.program("opt/dongles/dongle", &built.join("examples/dongle"));
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/guest");
    overlay.program("opt/dongles/dongles.sh", &here.join("dongles.sh"));
    overlay.program(
        "etc/systemd/system/dongles.service",
        &here.join("dongles.service"),
    );
    overlay.enable("dongles.service");
    for (serial, key_no) in DONGLES.iter().zip(LICENCES) {
        let key = URL_SAFE_NO_PAD.encode(Dongle::new(serial, serial).public_key());
        let carrier = json!({ "driver": "hid", "serial": serial, "public_key": key });
        overlay.write(
            &format!("opt/dongles/{serial}.licence"),
            &licence(key_no, &carrier),
        );
    }
    overlay.write("var/lib/keynode/vendors/vendor.pem", fixtures::VENDOR_PUBLIC);
}

/// A licence bound to a carrier.
pub(crate) fn licence(key_no: KeyNo, carrier: &Value) -> String {
    let mut licence = fixtures::numbered(key_no);
    licence.binding = serde_json::from_value(json!({ "carrier": carrier })).unwrap();
    fixtures::sealed(&licence)
}
