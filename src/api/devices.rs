//! /api/devices: USB devices, tokens and the carriers on them (an extension: the manual knows no devices).

use std::borrow::Cow;
use std::collections::HashMap;
use std::rc::Rc;

use serde_json::Value;

use crate::devices::token_carriers::token_ids;
use crate::devices::{CarrierState, CarrierView, Device, Hardware};
use crate::keyring::{KeyKind, Keyring};
use crate::licence::KeyNo;
use crate::tokens::{Token, TokenState};

use super::error::ApiError;
use super::record::{Record, Scalar, record};
use super::reply::Reply;
use super::{Api, Request};

/// A row: a USB device, a token, or a carrier key on a token, with what is known of it as a carrier.
#[derive(Default)]
pub(super) struct DeviceView<'h> {
    id: Cow<'h, str>,
    kind: &'static str,
    device: Option<&'h Device>,
    token: Option<&'h Token>,
    /// What a token or a key on it calls itself.
    label: Option<&'h str>,
    /// ID of the USB device that a token is.
    usb: Option<&'h str>,
    carrier: Option<CarrierView<'h>>,
    key_no: Option<KeyNo>,
}

impl<'h> DeviceView<'h> {
    fn proof(&self) -> Option<String> {
        self.carrier.map(|carrier| match carrier.state {
            CarrierState::Proven => "proven".to_owned(),
            CarrierState::Pending => "pending".to_owned(),
            CarrierState::Failed(error) => error.to_string(),
        })
    }

    /// What a USB device says of itself, or a token.
    fn told(
        &self,
        device: impl Fn(&'h Device) -> Option<&'h str>,
        token: impl Fn(&'h Token) -> &'h str,
    ) -> Scalar<'h> {
        let of_token = || self.token.map(token).filter(|text| !text.is_empty());
        Scalar::maybe(self.device.and_then(device).or_else(of_token), Scalar::text)
    }

    /// What only USB devices have.
    fn usb(&self, scalar: impl FnOnce(&'h Device) -> Scalar<'h>) -> Scalar<'h> {
        Scalar::maybe(self.device, scalar)
    }
}

fn id(number: u16) -> Scalar<'static> {
    Scalar::text(format!("{number:04x}"))
}

/// `Access` of a token: a usable one is `ok`, as a USB device is.
fn access(token: &Token) -> &str {
    match token.state {
        TokenState::Usable => "ok",
        _ => token.state.name(),
    }
}

fn pin_state(token: &Token) -> Option<&'static str> {
    match token.state {
        TokenState::Usable => Some("ok"),
        TokenState::NeedsPin(_) => Some("needed"),
        TokenState::Locked => Some("locked"),
        TokenState::Absent | TokenState::Faulty(_) => None,
    }
}

record!(DeviceView<'_>, this, {
    "ID": Text => Scalar::text(&*this.id),
    "Type": Text => Scalar::text(this.kind),
    "Family": Text or null => Scalar::maybe(this.device.and_then(|device| device.family.as_deref()), |family| {
        Scalar::text(family.name.as_str())
    }),
    "Driver": Text or null => Scalar::maybe(this.carrier, |carrier| Scalar::text(carrier.driver)),
    "VendorID": Text or null => this.usb(|device| id(device.vendor_id)),
    "ProductID": Text or null => this.usb(|device| id(device.product_id)),
    "Manufacturer": Text or null => this.told(|device| device.manufacturer.as_deref(), |token| &token.manufacturer),
    "Product": Text or null => this.told(|device| device.product.as_deref(), |token| &token.model),
    "SerialNumber": Text or null => this.told(|device| device.serial.as_deref(), |token| &token.serial),
    "Port": Text or null => this.usb(|device| Scalar::text(device.port.as_str())),
    "Bus": Number or null => this.usb(|device| Scalar::number(device.bus.into())),
    "Address": Number or null => this.usb(|device| Scalar::number(device.address.into())),
    "Speed": Text or null => Scalar::maybe(this.device.and_then(|device| device.speed.as_deref()), Scalar::text),
    "Class": Number or null => this.usb(|device| Scalar::number(device.class.into())),
    "KernelDrivers": Text or null => this.usb(|device| Scalar::text(device.drivers.join(","))),
    "Access": Text or null => this.told(|device| Some(device.access.name()), access),
    "AccessDetail": Text or null => this.told(|device| device.access.detail(), |token| token.state.detail().unwrap_or_default()),
    "WeakID": Bool => Scalar::Bool(this.device.map_or_else(|| this.id.contains('@'), |device| device.weak)),
    "CarrierNo": Number or null => Scalar::maybe(this.carrier, |carrier| Scalar::number(carrier.number)),
    "Proof": Text or null => Scalar::maybe(this.proof(), Scalar::text),
    "KeyNo": Number or null => Scalar::maybe(this.key_no, Scalar::number),
    "Token": Text or null => Scalar::maybe(this.token, |token| Scalar::text(token.name.as_str())),
    "Label": Text or null => Scalar::maybe(this.label, Scalar::text),
    "Module": Text or null => Scalar::maybe(this.token.and_then(|token| token.module.file_name()), |name| {
        Scalar::text(name.to_string_lossy())
    }),
    "Slot": Number or null => Scalar::maybe(this.token.and_then(|token| token.slot), Scalar::number),
    "PinState": Text or null => Scalar::maybe(this.token.and_then(pin_state), Scalar::text),
    "USBDevice": Text or null => Scalar::maybe(this.usb, Scalar::text),
});

/// All devices, then all tokens, each with the carriers on it; `key_of` gives the KeyNo of the licence that the carrier
/// of this name holds.
fn views<'h>(
    hardware: &'h Hardware,
    key_of: impl Fn(&str) -> Option<KeyNo> + 'h,
) -> impl Iterator<Item = DeviceView<'h>> {
    let key_of = Rc::new(key_of);
    let of_usb = Rc::clone(&key_of);
    let devices = hardware.inventory.devices.iter().map(move |device| DeviceView {
        id: device.id.as_str().into(),
        kind: KeyKind::Usb.name(),
        device: Some(device),
        carrier: (hardware.carriers.iter())
            .find(|carrier| carrier.device.id == device.id)
            .map(|carrier| carrier.view()),
        key_no: of_usb(&device.id),
        ..DeviceView::default()
    });
    let tokens = &hardware.tokens;
    let named = tokens.tokens.iter().zip(token_ids(&tokens.tokens));
    let of_tokens = named.flat_map(move |(token, id)| {
        let row = move || DeviceView {
            token: Some(token),
            usb: usb_device(hardware, token),
            ..DeviceView::default()
        };
        let itself = DeviceView {
            id: id.into(),
            kind: "Token",
            label: Some(token.label.as_str()).filter(|label| !label.is_empty()),
            ..row()
        };
        let carriers = tokens
            .carriers
            .iter()
            .filter(|carrier| carrier.token.name == token.name);
        let key_of = Rc::clone(&key_of);
        let carriers = carriers.map(move |carrier| DeviceView {
            id: carrier.id.as_str().into(),
            kind: "TokenKey",
            label: Some(carrier.label()),
            carrier: Some(carrier.view()),
            key_no: key_of(&carrier.id),
            ..row()
        });
        std::iter::once(itself).chain(carriers)
    });
    devices.chain(of_tokens)
}

/// The USB device that a token is, where one device alone shows the token's serial number.
fn usb_device<'h>(hardware: &'h Hardware, token: &Token) -> Option<&'h str> {
    let serial = Some(token.serial.as_str()).filter(|serial| !serial.is_empty())?;
    let mut same = (hardware.inventory.devices.iter()).filter(|device| {
        device
            .serial
            .as_deref()
            .is_some_and(|its| its.eq_ignore_ascii_case(serial))
    });
    let device = same.next().filter(|_| token.state != TokenState::Absent)?;
    same.next().is_none().then_some(&device.id)
}

/// The licences that devices carry, by the names of the devices.
pub fn key_on_device(keyring: &Keyring) -> impl Fn(&str) -> Option<KeyNo> + use<> {
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
    Reply::list(
        "Devices",
        views(&hardware, key_on_device(&keyring)),
        &request.query,
    )
}

pub(super) fn get(api: &Api, request: &Request, id: &str) -> Result<Reply, ApiError> {
    let (hardware, keyring) = (api.keys.hardware(), api.keys.keyring());
    let view = views(&hardware, key_on_device(&keyring)).find(|view| view.id == id);
    let view = view.ok_or_else(|| ApiError::device_not_found(format!("There is no device \"{id}\".")))?;
    Reply::object(&view, &request.query)
}
