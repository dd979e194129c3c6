//! The simulated dongle inside umockdev: its hidraw node's ioctls, plugged and pulled.

use std::time::Duration;

use super::described::Described;
use super::testbed::{IoctlHandler, Testbed};

#[path = "../dongle/device.rs"]
pub(crate) mod device;

pub(crate) use device::{Dongle, Fault, Plugged, REPORT_DESCRIPTOR};

/// Transfers that hang end after this, as in the kernel.
const LONGEST_HANG: Duration = Duration::from_secs(5);
const ENOTTY: i32 = 25;

/// A dongle as the description's serial number names it, its key made from the same, not plugged in yet.
pub(crate) fn dongle(described: &Described) -> Plugged {
    let serial = described.serial.as_deref().unwrap_or_default();
    Plugged::new(Dongle::new(serial, serial), LONGEST_HANG)
}

/// Plugs a dongle in as the description says.
pub(crate) fn plug(bed: &Testbed, described: &Described, dongle: &Plugged) {
    dongle.power_cycle();
    let (_, descriptor) = described.hid.clone().unwrap();
    bed.attach(&described.hidraw(), ioctls(dongle.clone(), descriptor));
    bed.add(&described.text());
}

/// Pulls it: the transfers fail, the kernel tells, the nodes vanish.
pub(crate) fn unplug(bed: &Testbed, described: &Described, dongle: &Plugged) {
    dongle.set_fault(Fault::Unplug(0));
    for path in described.syspaths() {
        bed.uevent(&path, "remove");
        bed.remove(&path);
    }
    bed.detach(&described.hidraw());
}

/// What the kernel does with the ioctls of a hidraw node.
fn ioctls(dongle: Plugged, descriptor: Vec<u8>) -> IoctlHandler {
    Box::new(move |request, bytes| {
        let [number, kind, ..] = request.to_le_bytes();
        match (kind, number) {
            (b'H', 1) => {
                bytes.copy_from_slice(&u32::try_from(descriptor.len()).unwrap().to_ne_bytes());
                Ok(0)
            }
            (b'H', 2) => {
                bytes[4..4 + descriptor.len()].copy_from_slice(&descriptor);
                Ok(0)
            }
            // The first byte is the report number, which these reports do not have; the kernel counts it.
            (b'H', 6) => {
                dongle.set_feature(&bytes[1..])?;
                Ok(bytes.len().try_into().unwrap())
            }
            (b'H', 7) => {
                let response = dongle.get_feature()?;
                bytes[1..=response.len()].copy_from_slice(&response);
                Ok((response.len() + 1).try_into().unwrap())
            }
            _ => Err(ENOTTY),
        }
    })
}
