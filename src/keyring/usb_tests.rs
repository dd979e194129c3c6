//! Tests of the provider of USB keys: what it remembers, and for how long.

use std::path::PathBuf;
use std::sync::Arc;

use super::*;
use crate::devices::{Access, Carrier, CarrierError, CarrierState, Device, DriverKind, Hardware, Inventory};
use crate::licence::tests::{licence, vendor_key, vendor_public};
use crate::licence::{DAY, Licence, OpenFailure, Timestamp, seal};

fn vendors() -> VendorKeys {
    [vendor_public()].into_iter().collect()
}

fn carrier(serial: &str, memory: Option<&[u8]>) -> Arc<Carrier> {
    let device = Device {
        id: format!("usb-1209-0001-{serial}"),
        weak: false,
        vendor_id: 0x1209,
        product_id: 1,
        release: 0,
        class: 0,
        manufacturer: None,
        product: None,
        serial: Some(serial.into()),
        port: "1-2".into(),
        bus: 1,
        address: 5,
        speed: None,
        drivers: Vec::new(),
        syspath: PathBuf::new(),
        node: PathBuf::new(),
        hid: Vec::new(),
        family: None,
        access: Access::Ok,
    };
    Arc::new(Carrier {
        device: Arc::new(device),
        driver: DriverKind::Hid,
        serial: Some(serial.into()),
        public_key: None,
        state: CarrierState::Proven,
        memory: memory.map(Into::into),
        capacity: 4096,
    })
}

fn sealed(key_no: u64) -> Vec<u8> {
    let licence = Licence { key_no, ..licence() };
    let file = seal::<()>(&licence, vendor_public().kid(), |message| {
        Ok(vendor_key().sign(message))
    });
    file.unwrap().into_bytes()
}

fn plugged(carriers: &[Arc<Carrier>]) -> Hardware {
    Hardware {
        inventory: Arc::new(Inventory::default()),
        carriers: carriers.to_vec(),
        ..Hardware::default()
    }
}

fn at(days: i64) -> Timestamp {
    licence().activation_date.plus(days * DAY)
}

fn look(usb: &mut UsbKeys, carriers: &[Arc<Carrier>], days: i64) -> Vec<Found> {
    let (mut found, _) = usb.look(&plugged(carriers), &vendors(), at(days));
    found.sort_by(|a, b| a.file_name.cmp(&b.file_name));
    found
}

#[test]
fn the_time_of_a_licence_is_when_it_changed_not_when_it_was_plugged_in() {
    let (mut usb, first) = (UsbKeys::default(), sealed(1));
    let there = look(&mut usb, &[carrier("A", Some(&first))], 0);
    assert_eq!((there.len(), there[0].updated), (1, at(0)));
    let gone = look(&mut usb, &[], 1);
    assert_eq!((gone.len(), gone[0].updated), (1, at(0)));
    let back = look(&mut usb, &[carrier("A", Some(&first))], 2);
    assert_eq!(back, there);
    let changed = look(&mut usb, &[carrier("A", Some(&sealed(2)))], 3);
    assert_eq!((changed.len(), changed[0].updated), (1, at(3)));
    let erased = look(&mut usb, &[carrier("A", Some(b""))], 4);
    assert_eq!(erased[0].opened, Err(OpenFailure::Blank));
    assert!(
        look(&mut usb, &[], 5).is_empty(),
        "a blank carrier is no licence to miss"
    );
}

#[test]
fn a_pulled_key_is_forgotten_when_its_licence_is_here_on_another_device() {
    let (mut usb, file) = (UsbKeys::default(), sealed(1));
    look(&mut usb, &[carrier("A", Some(&file))], 0);
    let found = look(&mut usb, &[carrier("B", Some(&file))], 0);
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0].file_name, "usb-1209-0001-B");
    // A device that fails takes nobody's place.
    let mut failing = (*carrier("C", Some(&file))).clone();
    failing.state = CarrierState::Failed(CarrierError::Wrong);
    assert_eq!(look(&mut usb, &[Arc::new(failing)], 0).len(), 2);
}

#[test]
fn a_key_that_lost_its_driver_is_not_called_unplugged() {
    let mut usb = UsbKeys::default();
    let key = carrier("A", Some(&sealed(1)));
    look(&mut usb, std::slice::from_ref(&key), 0);
    let without_driver = Hardware {
        inventory: Arc::new(Inventory {
            devices: vec![Arc::clone(&key.device)],
            errors: vec![],
        }),
        ..Hardware::default()
    };
    let why = |hardware: &Hardware, usb: &mut UsbKeys| {
        let (found, _) = usb.look(hardware, &vendors(), at(1));
        found[0].obstacle.clone().unwrap()
    };
    assert!(why(&without_driver, &mut usb).contains("no driver"));
    assert!(why(&plugged(&[]), &mut usb).contains("unplugged"));
    assert!(look(&mut usb, &[key], 2)[0].obstacle.is_none());
}

#[test]
fn only_so_many_pulled_keys_are_remembered() {
    let mut usb = UsbKeys::default();
    for key_no in 1..=300_u64 {
        look(
            &mut usb,
            &[carrier(&format!("S{key_no:03}"), Some(&sealed(key_no)))],
            0,
        );
    }
    let left = look(&mut usb, &[], 0);
    assert_eq!(left.len(), 256);
    assert_eq!(
        left[0].file_name, "usb-1209-0001-S045",
        "those that went first are forgotten"
    );
}
