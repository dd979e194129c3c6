//! Devices for the unit tests of this folder.

use std::sync::Arc;

use super::carrier::DriverKind;
use super::catalogue::Family;
use super::device::{Access, Device};

/// An open carrier on a port.
pub(super) fn device(port: &str, address: u8, serial: Option<&str>) -> Device {
    Device {
        id: String::new(),
        weak: false,
        vendor_id: 0x1209,
        product_id: 1,
        release: 0x0100,
        class: 0,
        manufacturer: None,
        product: None,
        serial: serial.map(Into::into),
        port: port.into(),
        bus: 1,
        address,
        speed: None,
        drivers: vec![],
        syspath: format!("/sys/devices/usb1/{port}").into(),
        node: format!("/dev/bus/usb/001/{address:03}").into(),
        hid: vec![],
        family: Some(Arc::new(Family {
            name: "carrier".into(),
            vendor_id: 0x1209,
            product_id: Some(1),
            driver: Some(DriverKind::Hid),
            stay_awake: false,
        })),
        access: Access::Ok,
    }
}
