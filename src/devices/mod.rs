//! The hardware: what is plugged in, what may be done with it, and which of it proves itself as a carrier of
//! licences. One thread scans and publishes immutable snapshots; readers never wait for a device.

mod access;
mod agenda;
pub mod attestation;
pub mod carrier;
pub mod catalogue;
mod device;
mod families;
pub mod holders;
mod identity;
mod monitor;
#[cfg(test)]
mod monitor_tests;
mod netlink;
mod prover;
mod report_descriptor;
mod roster;
#[cfg(test)]
mod roster_tests;
pub mod rules;
mod scan;
mod service;
mod sleep;
mod slot;
mod sysfs;
#[cfg(test)]
mod testing;
pub mod token_carriers;
mod usb;
mod view;
mod worker;

pub use carrier::{
    Carrier, CarrierError, CarrierState, DriverKind, Identity, Known, Proof, attest, fido2, prove, provision,
};
pub use catalogue::{Catalogue, Family};
pub use device::{Access, Device, HidNode, Inventory, ScanError};
pub use prover::Prover;
pub use scan::scan_once;
pub use service::{Counters, DeviceRules, DevicesHandle, Hardware, look};
pub use token_carriers::{TokenCarrier, TokenCarriers, TokenHardware};
pub use view::{CarrierView, Place};

/// Whether the libusb of this process tells of devices that come and go. None: it does not start here, which a scan
/// reports.
pub fn has_hot_plug() -> Option<bool> {
    // Its own question would panic then.
    rusb::Context::new().ok()?;
    Some(rusb::has_hotplug())
}
