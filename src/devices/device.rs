//! What is known of a device and of all devices at a moment.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::carrier::{DriverKind, fido2};
use super::catalogue::Family;

/// Whether this process may use a device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Access {
    /// It may.
    Ok,
    /// The system forbids it; the text says which udev line mends that.
    NoPermission {
        /// What to do.
        mend: String,
    },
    /// Another program or kernel driver has it.
    Busy {
        /// Who, as far as /proc and /sys tell.
        by: String,
    },
    /// It does not behave as its kind should.
    Faulty {
        /// What went wrong.
        reason: String,
    },
}

impl Access {
    /// One word for listings: `ok`, `no permission`, `busy`, `faulty`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::NoPermission { .. } => "no permission",
            Self::Busy { .. } => "busy",
            Self::Faulty { .. } => "faulty",
        }
    }

    /// What it says beyond its name.
    pub fn detail(&self) -> Option<&str> {
        match self {
            Self::Ok => None,
            Self::NoPermission { mend: text } | Self::Busy { by: text } | Self::Faulty { reason: text } => {
                Some(text)
            }
        }
    }
}

/// A hidraw node of a device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HidNode {
    /// `/dev/hidraw3`; reused after a replug, so never an identity.
    pub path: PathBuf,
    /// Number of the USB interface it belongs to, 0 to 255.
    pub interface: u8,
    /// Top-level usage page of its report descriptor, where sysfs tells.
    pub usage_page: Option<u16>,
    /// Top-level usage of its report descriptor, where sysfs tells.
    pub usage: Option<u16>,
}

/// A USB device (hubs are none). Texts that the device told are cleaned: bounded, no control characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Device {
    /// Stable name: the same after a replug, on any port. `usb-1209-0001-LK-00000042`; a device without a serial
    /// number, or one of several with the same, is named by its port: `usb-1209-0001@1-1.4`.
    pub id: String,
    /// The name holds only as long as the device stays on its port.
    pub weak: bool,
    /// USB vendor.
    pub vendor_id: u16,
    /// USB product.
    pub product_id: u16,
    /// `bcdDevice`, the maker's version of the device.
    pub release: u16,
    /// Device class, 0 where the interfaces tell.
    pub class: u8,
    /// What the device calls its maker.
    pub manufacturer: Option<String>,
    /// What the device calls itself.
    pub product: Option<String>,
    /// Its serial number.
    pub serial: Option<String>,
    /// Where it is plugged in: bus and chain of ports, `1-1.4`.
    pub port: String,
    /// Number of the bus.
    pub bus: u8,
    /// Address on the bus; another after each replug.
    pub address: u8,
    /// Speed in Mbit/s as the kernel writes it: `1.5`, `12`, `480`, `5000`.
    pub speed: Option<String>,
    /// Kernel drivers of its interfaces, in order of the interfaces, each once.
    pub drivers: Vec<String>,
    /// Its directory in /sys.
    pub syspath: PathBuf,
    /// Its node, `/dev/bus/usb/001/005`.
    pub node: PathBuf,
    /// Its hidraw nodes.
    pub hid: Vec<HidNode>,
    /// What the catalogue knows it as.
    pub family: Option<Arc<Family>>,
    /// Whether this process may use it.
    pub access: Access,
}

impl Device {
    /// The driver that proves it as a carrier: its family's, else that of security keys where it is one.
    pub fn driver(&self) -> Option<DriverKind> {
        let of_family = self.family.as_ref().and_then(|family| family.driver);
        of_family.or_else(|| fido2::node(self).map(|_| DriverKind::Fido2))
    }

    /// The nodes that its driver opens; those of a device without one are all that it has.
    pub fn nodes(&self) -> Vec<&Path> {
        if self.driver() == Some(DriverKind::Fido2) {
            return fido2::node(self).map(|node| &*node.path).into_iter().collect();
        }
        let hid = self.hid.iter().map(|node| &*node.path);
        std::iter::once(&*self.node).chain(hid).collect()
    }
}

/// It could not be looked for devices; that is not "there are none".
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
#[error("{place}: {reason}")]
pub struct ScanError {
    /// Where it was looked.
    pub place: String,
    /// What the system said.
    pub reason: String,
}

/// All devices at a moment, ordered by port.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inventory {
    /// The devices.
    pub devices: Vec<Arc<Device>>,
    /// Why parts of the last look failed. Without libusb the devices are those that sysfs shows; without sysfs those
    /// known from before.
    pub errors: Vec<ScanError>,
}

impl Inventory {
    /// The device of this stable name.
    pub fn find(&self, id: &str) -> Option<&Arc<Device>> {
        self.devices.iter().find(|device| device.id == id)
    }
}
