//! A look at the devices, with the licences that they carry.

use std::sync::Arc;

use serde_json::Value;

use crate::api::device_rows;
use crate::clock::SystemClock;
use crate::devices::{CarrierView, Hardware};
use crate::keyring::{Found, UsbKeys, read_vendor_keys};
use crate::licence::binding::CarrierBinding;
use crate::licence::{KeyNo, VendorKeys};
use crate::node;
use crate::settings::{DeviceArgs, Settings};
use crate::tokens::TokensHandle;

use super::Failure;

/// Devices at a moment.
pub(in super::super) struct Seen {
    pub(in super::super) hardware: Arc<Hardware>,
    found: Vec<Found>,
}

impl Seen {
    /// Looks at the computer's devices and tokens; takes a second or so where one of them does not answer.
    pub(in super::super) fn look(args: &DeviceArgs) -> Result<Self, Failure> {
        let settings = Settings::load(&args.0)?.settings;
        let tokens = node::host_tokens(&settings);
        let seen = Self::look_with(&settings, &tokens);
        tokens.stop();
        Ok(seen)
    }

    /// As [`Seen::look`], with tokens that are used further.
    pub(super) fn look_with(settings: &Settings, tokens: &TokensHandle) -> Self {
        let hardware = Arc::new(node::look_with(settings, tokens));
        Self::new(hardware, &read_vendor_keys(&settings.vendor_dir()))
    }

    /// What was seen, with licences of these vendors.
    pub(in super::super) fn new(hardware: Arc<Hardware>, vendors: &VendorKeys) -> Self {
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

    /// The ID of the device, token or carrier that this ID or serial number names.
    pub(super) fn find(&self, name: &str) -> Result<String, Failure> {
        let rows = self.rows();
        let is = |row: &&Value, field: &str| row[field] == *name;
        let id = |row: &Value| super::text(&row["ID"]);
        if let Some(row) = rows.iter().find(|row| is(row, "ID")) {
            return Ok(id(row));
        }
        // The keys on a token have its serial number too: it names the token.
        let named = rows.iter().filter(|row| row["Type"] != "TokenKey");
        let named: Vec<String> = named.filter(|row| is(row, "SerialNumber")).map(id).collect();
        match &named[..] {
            [id] => Ok(id.clone()),
            [] => {
                self.complete()?;
                Err(Failure::NotFound(format!(
                    "no device has the ID or serial number {name}: `keynode devices list` shows those that are plugged in"
                )))
            }
            several => Err(Failure::Usage(format!(
                "several devices have the serial number {name}: name one by its ID: {}",
                several.join(", ")
            ))),
        }
    }

    /// The carrier of this ID or serial number.
    pub(in super::super) fn carrier(&self, name: &str) -> Result<CarrierView<'_>, Failure> {
        let by_id = |id: &str| self.hardware.all_carriers().find(|carrier| carrier.id == id);
        if let Some(carrier) = by_id(name) {
            return Ok(carrier);
        }
        let id = self.find(name)?;
        if let Some(carrier) = by_id(&id) {
            return Ok(carrier);
        }
        Err(Failure::Failed(match self.hardware.inventory.find(&id) {
            Some(device) => {
                let family = device
                    .family
                    .as_ref()
                    .map_or("no known family", |family| &family.name);
                format!(
                    "{id} is a device of {family}, which has no driver: devices.families in the settings can give it one"
                )
            }
            None => format!(
                "{id} is a token: name one of its carrier keys, or make one with `keynode devices provision --driver \
                 pkcs11 --token NAME`"
            ),
        }))
    }

    /// The carrier of this ID or serial number, which proves itself: what a licence on it is bound to, and the number
    /// that names it.
    pub(in super::super) fn bindable(
        &self,
        name: &str,
    ) -> Result<(CarrierView<'_>, CarrierBinding, KeyNo), Failure> {
        let carrier = self.carrier(name)?;
        let id = carrier.id;
        let shown = crate::keyring::seen(carrier);
        if let Err(why) = shown.proof {
            return Err(Failure::of(format!("{id} is connected but {why}")));
        }
        let serial = shown
            .serial
            .ok_or_else(|| Failure::of(format!("{id} has no serial number to bind a licence to")))?;
        let binding = CarrierBinding {
            driver: shown.driver,
            serial,
            public_key: shown.public_key,
        };
        Ok((carrier, binding, shown.number))
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
