//! The installed service on a whole system: a stock Debian kernel under QEMU's software emulation, the real udev and
//! systemd, and keys that come and go. One boot for all.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod agent;
#[path = "../dongle/device.rs"]
mod device;
#[path = "../common/keys.rs"]
#[allow(dead_code, reason = "other tests need more of it")]
mod fixtures;
mod image;
mod keys;
mod machine;
mod qmp;
mod scenario;
mod truth;

use std::time::Instant;

use image::{Image, Overlay};
use keys::{DEVICES, LICENCES};
use machine::Machine;
use scenario::Guest;
use truth::Truth;
use truth::Verdict::{Not, Workable};

/// A smart card reader that QEMU emulates: no key of ours, to be listed and let alone.
const READER: &str = "usb-08e6-4433";

#[test]
fn keys_come_and_go_on_a_whole_system() {
    let start = Instant::now();
    let overlay = Overlay::installed();
    keys::lay(&overlay);
    let image = Image::make(&overlay);
    println!("== boot (image ready at {:.1?})", start.elapsed());
    let machine = Machine::boot(&image, &["-device", "usb-ccid,id=reader,bus=xhci.0"]).unwrap();
    let mut guest = Guest::new(machine, start);
    let [a, b, _] = LICENCES;
    let [first, second, _] = DEVICES;

    let in_place = Truth {
        licences: &[(a, Workable)],
        devices: &[first, READER],
    };
    let pulled = Truth {
        licences: &[(a, Not("unplugged"))],
        devices: &[READER],
    };

    guest.scenario(
        "key in before boot",
        |machine| {
            let state = machine.run("systemctl is-system-running --wait");
            assert_eq!(
                state.text,
                "running",
                "{}",
                machine.run("systemctl --failed").text
            );
        },
        in_place,
    );
    guest.scenario("remove", |machine| pull(machine, 1), pulled);
    guest.scenario("add", |machine| plug(machine, 1), in_place);
    guest.scenario(
        "second dongle",
        |machine| plug(machine, 2),
        Truth {
            licences: &[(a, Workable), (b, Workable)],
            devices: &[first, second, READER],
        },
    );
    println!("{}", guest.times());
}

fn plug(machine: &mut Machine, dongle: usize) {
    machine.sh(&format!("/opt/dongles/dongles.sh plug {dongle}"));
}

fn pull(machine: &mut Machine, dongle: usize) {
    machine.sh(&format!("/opt/dongles/dongles.sh pull {dongle}"));
}
