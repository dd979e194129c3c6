//! /api/devices: what is plugged in (an extension: the manual knows no devices).

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::Value;

use crate::devices::{Carrier, CarrierState, Device, Hardware};
use crate::keyring::{KeyKind, Keyring};
use crate::licence::KeyNo;

use super::error::ApiError;
use super::record::{Record, Scalar, record};
use super::reply::Reply;
use super::{Api, Request};

/// A device with what is known of it as a carrier.
struct DeviceView<'h> {
    device: &'h Device,
    carrier: Option<&'h Arc<Carrier>>,
    key_no: Option<KeyNo>,
}

impl DeviceView<'_> {
    fn proof(&self) -> Option<String> {
        self.carrier.map(|carrier| match &carrier.state {
            CarrierState::Proven => "proven".to_owned(),
            CarrierState::Pending => "pending".to_owned(),
            CarrierState::Failed(error) => error.to_string(),
        })
    }
}

fn id(number: u16) -> Scalar<'static> {
    Scalar::text(format!("{number:04x}"))
}

record!(DeviceView<'_>, this, {
    "ID" => Scalar::text(this.device.id.as_str()),
    "Type" => Scalar::text(KeyKind::Usb.name()),
    "Family" => Scalar::maybe(this.device.family.as_deref(), |family| Scalar::text(family.name.as_str())),
    "Driver" => Scalar::maybe(this.carrier, |carrier| Scalar::text(carrier.driver.name())),
    "VendorID" => id(this.device.vendor_id),
    "ProductID" => id(this.device.product_id),
    "Manufacturer" => Scalar::maybe(this.device.manufacturer.as_deref(), Scalar::text),
    "Product" => Scalar::maybe(this.device.product.as_deref(), Scalar::text),
    "SerialNumber" => Scalar::maybe(this.device.serial.as_deref(), Scalar::text),
    "Port" => Scalar::text(this.device.port.as_str()),
    "Bus" => Scalar::number(this.device.bus.into()),
    "Address" => Scalar::number(this.device.address.into()),
    "Speed" => Scalar::maybe(this.device.speed.as_deref(), Scalar::text),
    "Class" => Scalar::number(this.device.class.into()),
    "KernelDrivers" => Scalar::text(this.device.drivers.join(",")),
    "Access" => Scalar::text(this.device.access.name()),
    "AccessDetail" => Scalar::maybe(this.device.access.detail(), Scalar::text),
    "WeakID" => Scalar::Bool(this.device.weak),
    "CarrierNo" => Scalar::maybe(this.carrier, |carrier| Scalar::number(carrier.number())),
    "Proof" => Scalar::maybe(this.proof(), Scalar::text),
    "KeyNo" => Scalar::maybe(this.key_no, Scalar::number),
});

/// All devices; `key_of` gives the KeyNo of the licence that the device of this name carries.
fn views<'h>(
    hardware: &'h Hardware,
    key_of: impl Fn(&str) -> Option<KeyNo> + 'h,
) -> impl Iterator<Item = DeviceView<'h>> {
    hardware.inventory.devices.iter().map(move |device| DeviceView {
        device,
        carrier: hardware
            .carriers
            .iter()
            .find(|carrier| carrier.device.id == device.id),
        key_no: key_of(&device.id),
    })
}

/// The licences that devices carry, by the names of the devices.
fn key_of(keyring: &Keyring) -> impl Fn(&str) -> Option<KeyNo> {
    let carried = keyring.keys().iter();
    let carried = carried.filter(|key| key.kind == KeyKind::Usb && key.licence.is_some());
    let carried: HashMap<String, KeyNo> = carried.map(|key| (key.file_name.clone(), key.key_no)).collect();
    move |id| carried.get(id).copied()
}

/// All devices as the API shows them, for commands that look themselves; `key_of` gives the KeyNo of the licence that
/// the device of this name carries.
pub fn device_rows(hardware: &Hardware, key_of: impl Fn(&str) -> Option<KeyNo>) -> Vec<Value> {
    let rows = views(hardware, key_of).map(|view| {
        let mut json = Vec::new();
        view.write(None, &mut json);
        serde_json::from_slice(&json).expect("we wrote this JSON ourselves")
    });
    rows.collect()
}

pub(super) fn list(api: &Api, request: &Request) -> Result<Reply, ApiError> {
    let (hardware, keyring) = (api.keys.hardware(), api.keys.keyring());
    Reply::list("Devices", views(&hardware, key_of(&keyring)), &request.query)
}

pub(super) fn get(api: &Api, request: &Request, id: &str) -> Result<Reply, ApiError> {
    let (hardware, keyring) = (api.keys.hardware(), api.keys.keyring());
    let view = views(&hardware, key_of(&keyring)).find(|view| view.device.id == id);
    let view = view.ok_or_else(|| ApiError::device_not_found(format!("There is no device \"{id}\".")))?;
    Reply::object(&view, &request.query)
}
