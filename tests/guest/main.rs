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
mod security_key;
mod service;
mod truth;

use std::time::Instant;

use image::{Image, Overlay};
use keys::{A, B, C, KEYBOARD, READER, plug, pull};
use machine::Machine;
use scenario::Guest;
use truth::Truth;
use truth::Verdict::{Not, Workable};

#[test]
fn keys_come_and_go_on_a_whole_system() {
    let start = Instant::now();
    let overlay = Overlay::installed();
    keys::lay(&overlay);
    security_key::lay(&overlay);
    let image = Image::make(&overlay);
    println!("== boot (image ready after {:.1?})", start.elapsed());
    let reader = format!("{},id=reader,bus=xhci.0,serial=READER-0", READER.driver);
    let machine = Machine::boot(&image, &["-device", &reader]).unwrap();
    let mut guest = Guest::new(machine, start);
    let mut truth = Truth::default();
    truth.licence(A.key_no, Workable).plugged(A.device);
    truth
        .licence(KEYBOARD.key_no, Not("is not connected"))
        .plugged(READER.device);

    guest.scenario("key in before boot", &truth, |machine| {
        let state = machine.run("systemctl is-system-running --wait").text;
        assert_eq!(state, "running", "{}", machine.run("systemctl --failed").text);
    });
    guest.scenario("daemon restart with the key in", &truth, |machine| {
        machine.sh("systemctl restart keynode");
    });
    service::is_well(&mut guest.machine);
    let began = service::state(&mut guest.machine);

    come_and_go(&mut guest, &mut truth);
    misbehave(&mut guest, &mut truth);
    quick_replugs(&mut guest, &mut truth);
    emulated(&mut guest, &mut truth);
    security_key::comes_and_goes(&mut guest, &mut truth);

    service::ran_through(&mut guest.machine, &began);
    truth.licence(A.key_no, Not("unplugged")).pulled(A.device);
    pull(&mut guest.machine, A);
    // What was pulled is remembered only as long as the daemon runs.
    truth.forgotten(A.key_no).forgotten(B.key_no).forgotten(C.key_no);
    guest.scenario("daemon restart with the key out", &truth, |machine| {
        machine.sh("systemctl restart keynode");
    });
    println!("{}", guest.times());
}

/// Dongles are plugged in and pulled; the first stays in.
fn come_and_go(guest: &mut Guest, truth: &mut Truth) {
    let session = service::take_seat(&mut guest.machine);
    truth.licence(A.key_no, Not("unplugged")).pulled(A.device);
    guest.scenario("remove", truth, |machine| pull(machine, A));
    truth.plugged(C.device);
    guest.scenario("a blank one", truth, |machine| plug(machine, C));
    truth.licence(C.key_no, Workable);
    guest.scenario("its licence is written", truth, |machine| {
        keys::provision(machine, C);
    });
    truth.licence(C.key_no, Not("unplugged")).pulled(C.device);
    truth.licence(A.key_no, Workable).plugged(A.device);
    guest.scenario("exchanged for the first", truth, |machine| {
        pull(machine, C);
        plug(machine, A);
    });
    let sessions = service::sessions(&mut guest.machine);
    assert!(sessions.contains(&session), "its session is gone: {sessions:?}");

    truth.licence(B.key_no, Workable).plugged(B.device);
    guest.scenario("a second dongle", truth, |machine| plug(machine, B));
    truth.licence(C.key_no, Workable).plugged(C.device);
    guest.scenario("a third", truth, |machine| plug(machine, C));
    truth.licence(A.key_no, Not("unplugged")).pulled(A.device);
    guest.scenario("remove the first of three", truth, |machine| pull(machine, A));
    truth.licence(B.key_no, Not("unplugged")).pulled(B.device);
    truth.licence(C.key_no, Not("unplugged")).pulled(C.device);
    truth.licence(A.key_no, Workable).plugged(A.device);
    guest.scenario("it comes back, the others go", truth, |machine| {
        plug(machine, A);
        pull(machine, B);
        pull(machine, C);
    });
}

/// The first dongle loses its kernel driver, and hangs and is pulled in mid-exchange; it comes back each time.
fn misbehave(guest: &mut Guest, truth: &mut Truth) {
    truth
        .licence(A.key_no, Not("it has no HID interface"))
        .unproven(A.device);
    guest.scenario("kernel driver unbind", truth, |machine| {
        keys::kernel_driver(machine, A, "unbind");
    });
    truth.licence(A.key_no, Workable).all_proven();
    guest.scenario("kernel driver bind", truth, |machine| {
        keys::kernel_driver(machine, A, "bind");
    });

    truth.licence(A.key_no, Not("unplugged")).pulled(A.device);
    // The virtual controller keeps the transfer, and so the kernel the device, until the HID driver's 5 s are over.
    guest.scenario("pull in mid-exchange", truth, |machine| {
        keys::fault(machine, A, "hang");
        service::exchange(machine);
        let answered = service::answers(machine);
        assert!(
            answered.as_secs() < 5,
            "the API waits for the dongle: {answered:?}"
        );
        pull(machine, A);
    });
    truth.licence(A.key_no, Workable).plugged(A.device);
    guest.scenario("plug in again, mended", truth, |machine| {
        keys::fault(machine, A, "none");
        plug(machine, A);
    });
}

/// The first dongle and a device beside it flap; both times the last state counts.
fn quick_replugs(guest: &mut Guest, truth: &mut Truth) {
    guest.scenario("20 quick replugs", truth, |machine| {
        for round in 0..20 {
            pull(machine, A);
            machine.plug(READER.driver, "more", &format!("READER-{round}"));
            plug(machine, A);
            machine.pull("more");
            keys::is_there(machine);
        }
    });
    truth.licence(A.key_no, Not("unplugged")).pulled(A.device);
    guest.scenario("5 more, and it stays out", truth, |machine| {
        for _ in 0..5 {
            pull(machine, A);
            plug(machine, A);
        }
        pull(machine, A);
    });
    truth.licence(A.key_no, Workable).plugged(A.device);
    guest.scenario("add", truth, |machine| plug(machine, A));
}

/// Devices that QEMU emulates: one that is let alone, and one that the settings made a key.
fn emulated(guest: &mut Guest, truth: &mut Truth) {
    truth.plugged(READER.device);
    guest.scenario("usb-ccid add", truth, |machine| {
        machine.plug(READER.driver, "second", "READER-1");
    });
    service::is_let_alone(&mut guest.machine, READER.device);
    truth.pulled(READER.device);
    guest.scenario("usb-ccid remove, both", truth, |machine| {
        machine.pull("second");
        machine.pull("reader");
    });
    truth.licence(KEYBOARD.key_no, Workable).plugged(KEYBOARD.device);
    guest.scenario("key by serial number add", truth, |machine| {
        machine.plug(KEYBOARD.driver, "keyboard", keys::KEYBOARD_SERIAL);
    });
    truth
        .licence(KEYBOARD.key_no, Not("is not connected"))
        .pulled(KEYBOARD.device);
    guest.scenario("key by serial number remove", truth, |machine| {
        machine.pull("keyboard");
    });
}
