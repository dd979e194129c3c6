//! The keys that are plugged in: simulated dongles, devices that QEMU emulates, and the licences for them.

use std::path::Path;
use std::process::Command;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use keynode::licence::KeyNo;
use serde_json::{Value, json};

use crate::device::Dongle;
use crate::fixtures;
use crate::image::{Overlay, output};
use crate::machine::Machine;

/// A simulated dongle.
#[derive(Clone, Copy)]
pub(crate) struct Simulated {
    /// Its number for dongles.sh.
    number: u32,
    serial: &'static str,
    /// Its stable name.
    pub(crate) device: &'static str,
    /// The licence made for it.
    pub(crate) key_no: KeyNo,
}

const fn key(number: u32, serial: &'static str, device: &'static str) -> Simulated {
    Simulated {
        number,
        serial,
        device,
        key_no: 1000 + number as KeyNo,
    }
}

/// Has its licence in its memory; plugged in when the guest boots.
pub(crate) const A: Simulated = key(1, "LK-A", "usb-1209-0001-LK-A");
/// Has its licence in its memory.
pub(crate) const B: Simulated = key(2, "LK-B", "usb-1209-0001-LK-B");
/// Blank.
pub(crate) const C: Simulated = key(3, "LK-C", "usb-1209-0001-LK-C");

/// A device that QEMU emulates.
pub(crate) struct Emulated {
    /// What QEMU calls its kind.
    pub(crate) driver: &'static str,
    /// Its stable name, or the beginning of it.
    pub(crate) device: &'static str,
    /// The licence that is bound to it.
    pub(crate) key_no: KeyNo,
}

/// A smart card reader: no key of ours, to be listed and let alone.
pub(crate) const READER: Emulated = Emulated {
    driver: "usb-ccid",
    device: "usb-08e6-4433",
    key_no: 0,
};
/// A keyboard, which the settings make a family that its serial number proves; its licence is a file.
pub(crate) const KEYBOARD: Emulated = Emulated {
    driver: "usb-kbd",
    device: "usb-0627-0001-KBD-1",
    key_no: 2001,
};
/// Its serial number.
pub(crate) const KEYBOARD_SERIAL: &str = "KBD-1";

const SETTINGS: &str = r#"
state_dir = "/var/lib/keynode"
[devices]
families = ["0627:0001 serial Emulated keyboard"]
"#;

/// Puts the dongles, the licences, the vendor's key and the settings into the guest.
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
        "--example",
        "security-key",
        "--target-dir",
    ]);
    cargo
        .arg(built.parent().unwrap())
        .current_dir(env!("CARGO_MANIFEST_DIR"));
    output(&mut cargo);
    overlay.program("opt/dongles/dongle", &built.join("examples/dongle"));
    overlay.program("opt/dongles/security-key", &built.join("examples/security-key"));
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/guest");
    overlay.program("opt/dongles/dongles.sh", &here.join("dongles.sh"));
    overlay.program(
        "etc/systemd/system/dongles.service",
        &here.join("dongles.service"),
    );
    overlay.program(
        "etc/systemd/system/security-key.service",
        &here.join("security-key.service"),
    );
    overlay.enable("dongles.service");
    overlay.enable("security-key.service");
    for key in [A, B, C] {
        let public = URL_SAFE_NO_PAD.encode(Dongle::new(key.serial, key.serial).public_key());
        let carrier = json!({ "driver": "hid", "serial": key.serial, "public_key": public });
        overlay.write(
            &format!("opt/dongles/{}.licence", key.serial),
            &licence(key.key_no, &carrier),
        );
    }
    let carrier = json!({ "driver": "serial", "serial": format!("0627:0001:{KEYBOARD_SERIAL}") });
    overlay.write(
        "var/lib/keynode/licences/keyboard.licence",
        &licence(KEYBOARD.key_no, &carrier),
    );
    overlay.write("var/lib/keynode/vendors/vendor.pem", fixtures::VENDOR_PUBLIC);
    overlay.write("etc/keynode/keynode.toml", SETTINGS);
}

/// A licence bound to a carrier.
fn licence(key_no: KeyNo, carrier: &Value) -> String {
    let mut licence = fixtures::numbered(key_no);
    licence.binding = serde_json::from_value(json!({ "carrier": carrier })).unwrap();
    fixtures::sealed(&licence)
}

/// Plugs a dongle in.
pub(crate) fn plug(machine: &mut Machine, key: Simulated) {
    machine.sh(&format!("/opt/dongles/dongles.sh plug {}", key.number));
}

/// Pulls a dongle.
pub(crate) fn pull(machine: &mut Machine, key: Simulated) {
    machine.sh(&format!("/opt/dongles/dongles.sh pull {}", key.number));
}

/// Has a dongle misbehave.
pub(crate) fn fault(machine: &mut Machine, key: Simulated, fault: &str) {
    machine.sh(&format!(
        "/opt/dongles/dongles.sh steer fault {} {fault}",
        key.serial
    ));
}

/// Writes the licence that was made for a dongle into its memory, as its vendor would.
pub(crate) fn provision(machine: &mut Machine, key: Simulated) {
    let serial = key.serial;
    let write = format!("keynode devices provision {serial} --licence /opt/dongles/{serial}.licence --yes");
    // On a busy computer the emulated machine may take longer than the second in which a dongle is to answer.
    machine.sh(&format!(
        "for try in 1 2 3 4 5; do {write} && exit 0; done; exit 1"
    ));
    machine.sh("keynode rescan");
}

/// Takes the kernel's HID driver from a dongle (`unbind`), or gives it back (`bind`).
pub(crate) fn kernel_driver(machine: &mut Machine, key: Simulated, verb: &str) {
    machine.sh(&format!(
        "device=$(dirname $(grep -lx {} /sys/bus/usb/devices/*/serial)) && \
        echo $(basename $device):1.0 >/sys/bus/usb/drivers/usbhid/{verb}",
        key.serial
    ));
}

/// Waits until the kernel has made a dongle's node.
pub(crate) fn is_there(machine: &mut Machine) {
    machine.sh("until ls /dev/hidraw* >/dev/null 2>&1; do sleep 0.01; done");
}
