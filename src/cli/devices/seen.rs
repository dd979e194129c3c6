//! A look at the devices, with the licences that they carry.

use std::sync::Arc;

use serde_json::Value;

use crate::api::device_rows;
use crate::clock::SystemClock;
use crate::devices::{self, Carrier, Device, Hardware};
use crate::keyring::{Found, KeyProvider, LicenceFiles, UsbKeys, credentials, read_vendor_keys};
use crate::licence::VendorKeys;
use crate::node::device_rules;
use crate::settings::{DeviceArgs, Settings};

use super::Failure;

/// Devices at a moment.
pub(in super::super) struct Seen {
    pub(in super::super) hardware: Arc<Hardware>,
    found: Vec<Found>,
}

impl Seen {
    /// Looks at the computer's devices; takes a second or so where one of them does not answer.
    pub(in super::super) fn look(args: &DeviceArgs) -> Result<Self, Failure> {
        let settings = Settings::load(&args.0)?.settings;
        let vendors = read_vendor_keys(&settings.vendor_dir());
        // Without the licences of a node that is not here, its security keys are not asked.
        let files = LicenceFiles::new(&settings.licence_dir()).scan(&vendors);
        let asked = credentials(&files.unwrap_or_default());
        let hardware = devices::look(&device_rules(&settings.devices), asked);
        Ok(Self::new(Arc::new(hardware), &vendors))
    }

    /// What was seen, with licences of these vendors.
    pub(super) fn new(hardware: Arc<Hardware>, vendors: &VendorKeys) -> Self {
        let now = SystemClock::shared().now().wall;
        let (found, _) = UsbKeys::default().look(&hardware, vendors, now);
        Self { hardware, found }
    }

    /// All devices, with the fields of GET /api/devices.
    pub(super) fn rows(&self) -> Vec<Value> {
        device_rows(&self.hardware, |id| {
            let found = self.found.iter().find(|found| found.file_name == id)?;
            Some(found.opened.as_ref().ok()?.key_no)
        })
    }

    /// Why the list may lack devices, as a failure.
    pub(super) fn complete(&self) -> Result<(), Failure> {
        let errors: Vec<String> = self
            .hardware
            .inventory
            .errors
            .iter()
            .map(ToString::to_string)
            .collect();
        if errors.is_empty() {
            return Ok(());
        }
        Err(Failure::of(format!(
            "devices could not be looked for everywhere: {}",
            errors.join("; ")
        )))
    }

    /// The device of this ID or serial number.
    pub(super) fn find(&self, name: &str) -> Result<&Arc<Device>, Failure> {
        let devices = &self.hardware.inventory.devices;
        if let Some(device) = devices.iter().find(|device| device.id == name) {
            return Ok(device);
        }
        let named: Vec<_> = devices
            .iter()
            .filter(|device| device.serial.as_deref() == Some(name))
            .collect();
        match *named {
            [device] => Ok(device),
            [] => {
                self.complete()?;
                Err(Failure::NotFound(format!(
                    "no device has the ID or serial number {name}: `keynode devices list` shows those that are plugged in"
                )))
            }
            ref several => Err(Failure::Usage(format!(
                "several devices have the serial number {name}: name one by its ID: {}",
                several
                    .iter()
                    .map(|device| device.id.as_str())
                    .collect::<Vec<_>>()
                    .join(", ")
            ))),
        }
    }

    /// The carrier of this ID or serial number.
    pub(in super::super) fn carrier(&self, name: &str) -> Result<&Arc<Carrier>, Failure> {
        let device = self.find(name)?;
        let mut carriers = self.hardware.carriers.iter();
        carriers
            .find(|carrier| carrier.device.id == device.id)
            .ok_or_else(|| {
                let family = device.family.as_ref().map_or("no known family", |family| &family.name);
                Failure::Failed(format!(
                    "{} is a device of {family}, which has no driver: devices.families in the settings can give it one",
                    device.id
                ))
            })
    }

    /// What is to be said of the licence that a device carries: why it is none, or why the device does not vouch for
    /// it.
    pub(super) fn licence_state(&self, id: &str) -> Option<String> {
        let found = self.found.iter().find(|found| found.file_name == id)?;
        Some(match (&found.opened, &found.obstacle) {
            (Err(failure), _) => failure.to_string(),
            (Ok(_), Some(obstacle)) => obstacle.clone(),
            (Ok(licence), None) => format!(
                "KeyNo {} of series {}, {} seat(s)",
                licence.key_no, licence.key_id, licence.licence_count
            ),
        })
    }
}
