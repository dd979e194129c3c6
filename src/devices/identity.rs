//! Stable ids: the same after a replug where the device has a serial number of its own.

use std::collections::HashMap;
use std::fmt::Write;

use super::device::Device;

/// Names all devices. One without a serial number, or with one that another present device of the same ids has too, is
/// named by its port, which is weak.
pub(super) fn name_all(devices: &mut [Device]) {
    let mut twins: HashMap<(u16, u16, String), usize> = HashMap::new();
    for device in devices.iter() {
        *twins.entry(key(device)).or_default() += 1;
    }
    for device in devices {
        let alone = twins[&key(device)] == 1;
        device.weak = device.serial.is_none() || !alone;
        device.id = id(device);
    }
}

fn key(device: &Device) -> (u16, u16, String) {
    let serial = device.serial.clone().unwrap_or_default();
    (device.vendor_id, device.product_id, serial)
}

fn id(device: &Device) -> String {
    let mut id = format!("usb-{:04x}-{:04x}", device.vendor_id, device.product_id);
    if let Some(serial) = &device.serial {
        id.push('-');
        encode(serial, &mut id);
    }
    if device.weak {
        id.push('@');
        id.push_str(&device.port);
    }
    id
}

/// Bytes other than letters, digits, `.`, `_` and `-` as `%XX`: two serial numbers never become one.
fn encode(serial: &str, id: &mut String) {
    for byte in serial.bytes() {
        if byte.is_ascii_alphanumeric() || b"._-".contains(&byte) {
            id.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(id, "%{byte:02X}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::devices::testing::device;

    fn ids(devices: &[(&str, Option<&str>)]) -> Vec<(String, bool)> {
        let mut devices: Vec<Device> = devices
            .iter()
            .map(|(port, serial)| device(port, 1, *serial))
            .collect();
        name_all(&mut devices);
        devices
            .into_iter()
            .map(|device| (device.id, device.weak))
            .collect()
    }

    #[test]
    fn a_serial_number_makes_a_name_that_survives_a_move() {
        assert_eq!(
            ids(&[("1-1", Some("LK-42"))]),
            [("usb-1209-0001-LK-42".into(), false)]
        );
        assert_eq!(ids(&[("1-1", Some("LK-42"))]), ids(&[("2-4.1", Some("LK-42"))]));
    }

    #[test]
    fn without_one_or_with_that_of_another_the_port_names_it() {
        assert_eq!(ids(&[("1-1.4", None)]), [("usb-1209-0001@1-1.4".into(), true)]);
        let twins = ids(&[("1-1", Some("A")), ("1-2", Some("A")), ("1-3", Some("B"))]);
        assert_eq!(twins[0], ("usb-1209-0001-A@1-1".into(), true));
        assert_eq!(twins[1], ("usb-1209-0001-A@1-2".into(), true));
        assert_eq!(twins[2], ("usb-1209-0001-B".into(), false));
    }

    #[test]
    fn a_hostile_serial_number_cannot_take_the_name_of_another() {
        let hostile = ids(&[("1-1", Some("A@1-2")), ("1-2", Some("A/..%2F"))]);
        assert_eq!(hostile[0].0, "usb-1209-0001-A%401-2");
        assert_eq!(hostile[1].0, "usb-1209-0001-A%2F..%252F");
    }
}
