//! One look at all devices: libusb's list and sysfs, joined.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use super::carrier::DriverKind;
use super::catalogue::{Catalogue, Family};
use super::device::{Access, Device, Inventory, ScanError};
use super::sysfs::{self, Facts};
use super::usb::{self, Listed};
use super::{access, identity};

/// Device class of hubs.
const HUB: u8 = 9;

/// All devices now. What fails is told in the inventory's errors.
pub fn scan_once(catalogue: &Catalogue) -> Inventory {
    scan(catalogue, &Inventory::default())
}

/// All devices now, with `before` for what cannot be looked at this time.
pub(super) fn scan(catalogue: &Catalogue, before: &Inventory) -> Inventory {
    // Ports first: what sysfs had and libusb, asked later, does not list is a device that libusb cannot read.
    let ports = sysfs::ports().map_err(|error| ScanError {
        place: "/sys/bus/usb/devices".into(),
        reason: error.to_string(),
    });
    join(catalogue, before, ports, usb::list())
}

fn join(
    catalogue: &Catalogue,
    before: &Inventory,
    ports: Result<Vec<String>, ScanError>,
    listed: Result<Vec<Listed>, ScanError>,
) -> Inventory {
    let errors = [ports.as_ref().err(), listed.as_ref().err()];
    let errors = errors.into_iter().flatten().cloned().collect();
    let Ok(ports) = ports else {
        // Without sysfs there is no telling what a device is: those known stay.
        return Inventory {
            devices: before.devices.clone(),
            errors,
        };
    };
    let listed: Option<HashMap<String, Listed>> = listed
        .ok()
        .map(|all| all.into_iter().map(|one| (one.port.clone(), one)).collect());
    let mut devices: Vec<Device> = ports
        .iter()
        .filter_map(|port| sysfs::read(port))
        .filter(|facts| facts.class != HUB && !ignored(facts))
        .map(|facts| device(catalogue, checked(facts, listed.as_ref())))
        .collect();
    devices.sort_by_cached_key(|device| place(&device.port));
    identity::name_all(&mut devices);
    Inventory {
        devices: devices.into_iter().map(Arc::new).collect(),
        errors,
    }
}

/// Facts held against libusb's list, where there is one.
fn checked(mut facts: Facts, listed: Option<&HashMap<String, Listed>>) -> Facts {
    let Some(listed) = listed else {
        return facts;
    };
    match listed.get(&facts.port) {
        None => {
            facts
                .trouble
                .get_or_insert_with(|| "its descriptors cannot be read: libusb leaves it out".into());
        }
        Some(listed) if facts.trouble.is_some() => {
            facts.bus = listed.bus;
            facts.address = listed.address;
            facts.vendor_id = listed.vendor_id;
            facts.product_id = listed.product_id;
        }
        Some(_) => {}
    }
    facts
}

/// The administrator's switch: udev's property `KEYNODE_IGNORE=1`.
fn ignored(facts: &Facts) -> bool {
    udev::Device::from_syspath(&facts.syspath).is_ok_and(|device| {
        device
            .property_value("KEYNODE_IGNORE")
            .is_some_and(|value| value == "1")
    })
}

fn device(catalogue: &Catalogue, facts: Facts) -> Device {
    let mut device = Device {
        id: String::new(),
        weak: true,
        vendor_id: facts.vendor_id,
        product_id: facts.product_id,
        release: facts.release,
        class: facts.class,
        manufacturer: facts.manufacturer,
        product: facts.product,
        serial: facts.serial,
        node: PathBuf::from(format!("/dev/bus/usb/{:03}/{:03}", facts.bus, facts.address)),
        port: facts.port,
        bus: facts.bus,
        address: facts.address,
        speed: facts.speed,
        drivers: facts.drivers,
        syspath: facts.syspath,
        hid: facts.hid,
        family: catalogue.find(facts.vendor_id, facts.product_id).cloned(),
        access: Access::Ok,
    };
    if device.family.is_none() && device.driver() == Some(DriverKind::Fido2) {
        device.family = Some(Arc::new(security_key(&device)));
    }
    device.access = access::judge(&device, facts.authorized, facts.trouble);
    device
}

/// What a security key is whose ids no family has: they are told by their report descriptors.
fn security_key(device: &Device) -> Family {
    Family {
        name: "FIDO security key".into(),
        vendor_id: device.vendor_id,
        product_id: Some(device.product_id),
        driver: Some(DriverKind::Fido2),
        stay_awake: false,
    }
}

/// Numbers of a port name, so that port 10 comes after port 2.
fn place(port: &str) -> Vec<u32> {
    port.split(['-', '.'])
        .map(|number| number.parse().unwrap_or(u32::MAX))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::devices::testing;

    fn error(place: &str) -> ScanError {
        ScanError {
            place: place.into(),
            reason: "out of order".into(),
        }
    }

    fn before() -> Inventory {
        Inventory {
            devices: vec![Arc::new(testing::device("1-1", 5, Some("LK")))],
            errors: vec![],
        }
    }

    #[test]
    fn where_nothing_can_be_looked_at_what_was_known_stays() {
        let catalogue = Catalogue::default();
        let found = join(&catalogue, &before(), Err(error("sysfs")), Err(error("libusb")));
        assert_eq!(found.devices, before().devices);
        assert_eq!(found.errors, [error("sysfs"), error("libusb")]);
    }

    #[test]
    fn without_libusb_the_ports_are_believed_and_the_error_is_told() {
        let catalogue = Catalogue::default();
        let found = join(&catalogue, &before(), Ok(vec![]), Err(error("libusb")));
        assert_eq!((found.devices.len(), found.errors), (0, vec![error("libusb")]));
    }

    #[test]
    fn a_device_that_vanishes_during_the_scan_is_skipped() {
        let gone = vec!["99-99".to_owned()];
        let found = join(&Catalogue::default(), &Inventory::default(), Ok(gone), Ok(vec![]));
        assert_eq!(found, Inventory::default());
    }

    #[test]
    fn ports_are_ordered_by_number() {
        let mut ports = ["1-10", "2-1", "1-2.10", "1-2", "1-2.9"];
        ports.sort_by_key(|port| place(port));
        assert_eq!(ports, ["1-2", "1-2.9", "1-2.10", "1-10", "2-1"]);
    }
}
