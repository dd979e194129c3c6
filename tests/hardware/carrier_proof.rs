//! Carriers prove themselves over feature reports, and every way to fail has its own reason.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::Duration;

use keynode::devices::{Access, CarrierError, Device, DriverKind, HidNode, Known, Proof, prove};

use super::described::{Described, root_hub};
use super::dongle::{Dongle, Fault, Plugged, dongle, plug, unplug};
use super::preload::mocked_test;
use super::testbed::Testbed;

/// The device as the scan would find it.
pub(crate) fn found(described: &Described) -> Device {
    Device {
        id: "usb-1209-0001-LK-00000042".into(),
        weak: false,
        vendor_id: described.vendor_id,
        product_id: described.product_id,
        release: 0x0100,
        class: 0,
        manufacturer: described.manufacturer.clone(),
        product: described.product.clone(),
        serial: described.serial.clone(),
        port: format!("1-{}", described.ports),
        bus: 1,
        address: described.address,
        speed: Some("12".into()),
        drivers: vec!["usbhid".into()],
        syspath: described.syspath().into(),
        node: described.node().into(),
        hid: vec![HidNode {
            path: described.hidraw().into(),
            interface: 0,
            usage_page: Some(0xff4b),
            usage: Some(1),
        }],
        family: None,
        access: Access::Ok,
    }
}

/// A dongle that is plugged in, and the device it is found as.
pub(crate) fn plugged(bed: &Testbed) -> (Plugged, Device) {
    let described = Described::default();
    let dongle = dongle(&described);
    bed.add(&root_hub());
    plug(bed, &described, &dongle);
    (dongle, found(&described))
}

fn prove_anew(device: &Device) -> Result<Proof, CarrierError> {
    prove(device, DriverKind::Hid, &mut Known::default())
}

mocked_test!(fn a_dongle_proves_itself_in_few_transfers(bed) {
    let (dongle, device) = plugged(bed);
    dongle.dongle().memory().preload(&[b'x'; 100]);
    let mut known = Known::default();
    let proof = prove(&device, DriverKind::Hid, &mut known).unwrap();
    assert_eq!(proof.identities[0].serial, "LK-00000042");
    assert_eq!(proof.capacity, 16 * 1024);
    assert_eq!(proof.memory.as_deref(), Some([b'x'; 100].as_slice()));
    dongle.set_fault(Fault::None);
    assert_eq!(prove(&device, DriverKind::Hid, &mut known).unwrap(), proof);
    assert_eq!(dongle.dongle().transfers(), 8, "the memory did not change, so it is not read");
});

mocked_test!(fn each_fault_has_its_own_reason(bed) {
    let (dongle, device) = plugged(bed);
    let protocol = |text: &str| CarrierError::Protocol(text.into());
    for (fault, reason) in [
        (Fault::Silent, CarrierError::Late(1000)),
        (Fault::Wrong, CarrierError::Wrong),
        (Fault::Short, CarrierError::Short),
        (Fault::Garbage, protocol("the frame is no response")),
        (Fault::Stall, CarrierError::Io("the device stalled the request (EPIPE)".into())),
        (
            Fault::Serial,
            protocol("it calls itself SOMEBODY-ELSE, but its USB serial number is LK-00000042"),
        ),
    ] {
        dongle.set_fault(fault);
        assert_eq!(prove_anew(&device), Err(reason), "{fault:?}");
    }
    dongle.set_fault(Fault::None);
    prove_anew(&device).unwrap();
});

mocked_test!(fn a_recording_and_another_key_are_told_from_a_wrong_proof(bed) {
    let (dongle, device) = plugged(bed);
    let mut known = Known::default();
    let mut prove = || prove(&device, DriverKind::Hid, &mut known);
    let proof = prove().unwrap();
    dongle.set_fault(Fault::Replay);
    assert_eq!(prove(), Err(CarrierError::Replayed));
    assert_eq!(prove(), Err(CarrierError::Replayed));
    assert_eq!(prove_anew(&device), Err(CarrierError::Wrong), "who has not seen it before cannot know");
    dongle.set_fault(Fault::Key);
    assert_eq!(prove(), Err(CarrierError::OtherKey));
    let other = prove_anew(&device).unwrap();
    assert_ne!(other.identities[0].public_key, proof.identities[0].public_key, "another device with the same serial shows its own key");
    dongle.set_fault(Fault::None);
    assert_eq!(prove().unwrap(), proof);
});

mocked_test!(fn a_dongle_that_is_pulled_at_any_transfer_is_gone(bed) {
    let (dongle, device) = plugged(bed);
    for transfer in 1..=8 {
        dongle.set_fault(Fault::Unplug(transfer));
        assert_eq!(prove_anew(&device), Err(CarrierError::Gone), "at transfer {transfer}");
        assert_eq!(dongle.dongle().transfers(), transfer, "nothing more is sent to it");
        dongle.power_cycle();
    }
    prove_anew(&device).unwrap();
    unplug(bed, &Described::default(), &dongle);
    assert_eq!(prove_anew(&device), Err(CarrierError::Gone));
});

mocked_test!(fn a_dongle_that_hangs_is_late_when_the_kernel_gives_up(bed) {
    let described = Described::default();
    let dongle = Plugged::new(Dongle::new("LK-00000042", "seed"), Duration::from_millis(20));
    bed.add(&root_hub());
    plug(bed, &described, &dongle);
    dongle.set_fault(Fault::Hang);
    assert_eq!(prove_anew(&found(&described)), Err(CarrierError::Late(5000)));
});

mocked_test!(fn a_dongle_that_comes_to_itself_is_proven_after_all(bed) {
    let (dongle, device) = plugged(bed);
    dongle.set_fault(Fault::Hang);
    std::thread::scope(|threads| {
        let proof = threads.spawn(|| prove_anew(&device));
        dongle.wait_for_hang();
        dongle.set_fault(Fault::None);
        proof.join().unwrap().unwrap();
    });
});

mocked_test!(fn only_a_hid_interface_of_the_protocol_is_opened(bed) {
    let (dongle, device) = plugged(bed);
    dongle.set_fault(Fault::None);
    let reason = |change: &dyn Fn(&mut Device)| {
        let mut device = device.clone();
        change(&mut device);
        prove_anew(&device).unwrap_err()
    };
    let no_interface = CarrierError::Protocol("it has no HID interface with usage page FF4B".into());
    assert_eq!(reason(&|device| device.hid.clear()), no_interface);
    assert_eq!(reason(&|device| device.hid[0].usage_page = Some(0xff00)), no_interface);
    assert_eq!(reason(&|device| device.hid[0].usage_page = None), no_interface);
    assert_eq!(reason(&|device| device.hid[0].usage = Some(2)), no_interface);
    assert_eq!(reason(&|device| device.serial = None), CarrierError::NoSerial);
    assert_eq!(dongle.dongle().transfers(), 0);
    let missing = reason(&|device| device.hid[0].path = "/dev/hidraw7".into()).to_string();
    assert!(missing.contains("/dev/hidraw7 is missing"), "{missing}");
});

mocked_test!(fn presence_is_all_that_the_serial_driver_proves(bed) {
    let (dongle, mut device) = plugged(bed);
    dongle.set_fault(Fault::None);
    let proof = prove(&device, DriverKind::Serial, &mut Known::default()).unwrap();
    assert_eq!(proof.identities[0].serial, "1209:0001:LK-00000042");
    assert_eq!((&proof.identities[0].public_key, &proof.memory, proof.capacity), (&None, &None, 0));
    assert_eq!(dongle.dongle().transfers(), 0, "it is never opened");
    device.serial = None;
    assert_eq!(prove(&device, DriverKind::Serial, &mut Known::default()), Err(CarrierError::NoSerial));
});

mocked_test!(fn two_programs_never_mix_their_frames(bed) {
    let (dongle, device) = plugged(bed);
    let prove_in_turn = || loop {
        match prove_anew(&device) {
            Err(CarrierError::Busy(_)) => {}
            other => return other.map(drop),
        }
    };
    let proofs = || (0..20).try_for_each(|_| prove_in_turn());
    std::thread::scope(|threads| {
        let both = [threads.spawn(proofs), threads.spawn(proofs)];
        for program in both {
            program.join().unwrap().unwrap();
        }
    });
    assert_eq!(dongle.dongle().transfers(), 2 * 20 * 8);
});

mocked_test!(fn a_program_that_keeps_the_dongle_is_named(bed) {
    let (_dongle, device) = plugged(bed);
    let mut other = Command::new("flock")
        .arg(&device.hid[0].path)
        .args(["-c", "echo locked; read ended"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = String::new();
    BufReader::new(other.stdout.as_mut().unwrap()).read_line(&mut said).unwrap();
    assert_eq!(said, "locked\n");
    let busy = CarrierError::Busy(format!("flock (pid {})", other.id()));
    assert_eq!(prove_anew(&device), Err(busy));
    drop(other.stdin.take());
    other.wait().unwrap();
    prove_anew(&device).unwrap();

    let node = File::open(&device.hid[0].path).unwrap();
    node.lock().unwrap();
    let busy = CarrierError::Busy("this program itself: an earlier exchange with it has not ended".into());
    assert_eq!(prove_anew(&device), Err(busy));
});

mocked_test!(fn a_dongle_that_hangs_hinders_no_other(bed) {
    let (hanging, device) = plugged(bed);
    let mut second = Described {
        serial: Some("LK-00000043".into()),
        ports: "2".into(),
        address: 6,
        ..Described::default()
    };
    second.hid.as_mut().unwrap().0 = 1;
    plug(bed, &second, &dongle(&second));
    hanging.set_fault(Fault::Hang);
    std::thread::scope(|threads| {
        let hangs = threads.spawn(|| prove_anew(&device));
        hanging.wait_for_hang();
        assert_eq!(prove_anew(&found(&second)).unwrap().identities[0].serial, "LK-00000043");
        assert!(!hangs.is_finished());
        hanging.set_fault(Fault::None);
        hangs.join().unwrap().unwrap();
    });
});
