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

use std::time::{Duration, Instant};

use image::{Image, Overlay};
use keys::{A, B, C, KEYBOARD, READER, plug, pull, steer};
use machine::Machine;
use scenario::{DEVICES, Guest, LICENCES};
use truth::Truth;
use truth::Verdict::{Not, Workable};

#[test]
fn keys_come_and_go_on_a_whole_system() {
    let start = Instant::now();
    let overlay = Overlay::installed();
    keys::lay(&overlay);
    let image = Image::make(&overlay);
    println!("== boot (image ready at {:.1?})", start.elapsed());
    let reader = format!("{},id=boot,bus=xhci.0", READER.driver);
    let machine = Machine::boot(&image, &["-device", &reader]).unwrap();
    let mut guest = Guest::new(machine, start);
    let mut truth = Truth::default();
    truth
        .licence(A.key_no, Workable)
        .plugged(A.device)
        .plugged(READER.device);
    truth.licence(KEYBOARD.key_no, Not("not plugged in"));

    guest.scenario("key in before boot", &truth, |machine| {
        let state = machine.run("systemctl is-system-running --wait").text;
        assert_eq!(state, "running", "{}", machine.run("systemctl --failed").text);
    });
    guest.scenario("daemon restart with the key in", &truth, |machine| {
        machine.sh("systemctl restart keynode");
    });
    let (process, files) = (process(&mut guest.machine), open_files(&mut guest.machine));
    let session = take_seat(&mut guest.machine);

    truth.licence(A.key_no, Not("unplugged")).pulled(A.device);
    guest.scenario("remove", &truth, |machine| pull(machine, A));
    truth.licence(A.key_no, Workable).plugged(A.device);
    guest.scenario("add", &truth, |machine| plug(machine, A));
    assert!(
        guest.machine.sh(SESSIONS).contains(&session),
        "the session sat out the grace"
    );

    truth.licence(B.key_no, Workable).plugged(B.device);
    guest.scenario("a second dongle", &truth, |machine| plug(machine, B));
    truth.plugged(C.device);
    guest.scenario("a blank one", &truth, |machine| plug(machine, C));
    truth.licence(A.key_no, Not("unplugged")).pulled(A.device);
    guest.scenario("remove the first of three", &truth, |machine| pull(machine, A));
    truth
        .licence(B.key_no, Not("unplugged"))
        .pulled(B.device)
        .pulled(C.device);
    guest.scenario("remove all at once", &truth, |machine| {
        pull(machine, B);
        pull(machine, C);
    });
    truth.forgotten(A.key_no).forgotten(B.key_no);

    quick_replugs(&mut guest, &mut truth);
    emulated_devices(&mut guest, &mut truth);
    faults(&mut guest, &mut truth);

    let now = self::process(&mut guest.machine);
    assert_eq!(process, now, "the daemon did not run through");
    let more = open_files(&mut guest.machine).saturating_sub(files);
    assert!(more < 8, "{more} files more are open than at the start");
    guest
        .machine
        .sh("! journalctl -b -u keynode --no-pager | grep -i panick");
    guest
        .machine
        .sh("journalctl -b -u keynode-rescan --no-pager | grep -i finished");
    let failed = guest.machine.sh("systemctl --failed --quiet --plain --no-legend");
    assert_eq!(failed, "", "failed units");
    println!("{}", guest.times());
}
