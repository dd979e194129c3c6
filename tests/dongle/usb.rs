//! Simulated dongles as USB devices, for tests only: the USB side of `device.rs`, for the usbip crate.

use std::any::Any;
use std::io::{Error, Result};
use std::sync::{Arc, Mutex};

use usbip::{
    SetupPacket, UsbDevice, UsbDeviceHandler, UsbEndpoint, UsbInterface, UsbInterfaceHandler, UsbSpeed,
};

use super::device::{Plugged, REPORT_DESCRIPTOR};

const INTERRUPT: u8 = 3;

/// What a dongle calls itself on USB.
#[derive(Clone, Debug)]
pub(crate) struct Strings {
    pub(crate) manufacturer: String,
    pub(crate) product: String,
    pub(crate) serial: String,
}

impl Strings {
    /// As it should be.
    pub(crate) fn honest(serial: &str) -> Self {
        Self {
            manufacturer: "Example Vendor".into(),
            product: "Licence Dongle".into(),
            serial: serial.into(),
        }
    }

    /// Everything that terminals, logs and pages choke on.
    pub(crate) fn garbage() -> Self {
        Self {
            manufacturer: "\u{1b}[2J\u{1b}]0;owned\u{7}".into(),
            product: "<script>alert(1)</script>\r\n\t\u{0}\u{202e}".into(),
            serial: "../../etc\n\u{1b}[31m\u{fffd}\"';--".into(),
        }
    }
}

/// The USB device of a dongle, number `index` of all that a server has.
pub(crate) fn usb_device(index: u32, strings: &Strings, dongle: &Plugged) -> UsbDevice {
    let number = index + 1;
    let mut device = UsbDevice::new(index);
    device.bus_id = bus_id(index);
    device.path = format!("/sys/devices/simulated/{}", device.bus_id);
    (device.bus_num, device.dev_num) = (1, number);
    (device.vendor_id, device.product_id) = (0x1209, 0x0001);
    device.speed = UsbSpeed::Full as u32;
    device.usb_version = 0x0200.into();
    device.device_bcd = 0x0100.into();
    device.set_manufacturer_name(&strings.manufacturer);
    device.set_product_name(&strings.product);
    device.set_serial_number(&strings.serial);
    let endpoint = UsbEndpoint {
        address: 0x81,
        attributes: INTERRUPT,
        max_packet_size: 64,
        interval: 10,
    };
    let hid: Box<dyn UsbInterfaceHandler + Send> = Box::new(Hid(dongle.clone()));
    let rest: Box<dyn UsbDeviceHandler + Send> = Box::new(Rest);
    device
        .with_interface(
            3,
            0,
            0,
            Some("licence"),
            vec![endpoint],
            Arc::new(Mutex::new(hid)),
        )
        .with_device_handler(Arc::new(Mutex::new(rest)))
}

/// By which `usbip attach -b` names it.
pub(crate) fn bus_id(index: u32) -> String {
    format!("1-{}", index + 1)
}

/// The HID interface.
#[derive(Debug)]
struct Hid(Plugged);

impl UsbInterfaceHandler for Hid {
    fn get_class_specific_descriptor(&self) -> Vec<u8> {
        let [low, high] = u16::try_from(REPORT_DESCRIPTOR.len()).unwrap().to_le_bytes();
        vec![9, 0x21, 0x11, 0x01, 0, 1, 0x22, low, high]
    }

    fn handle_urb(
        &mut self,
        _interface: &UsbInterface,
        endpoint: UsbEndpoint,
        length: u32,
        setup: SetupPacket,
        data: &[u8],
    ) -> Result<Vec<u8>> {
        if !endpoint.is_ep0() {
            return Ok(Vec::new());
        }
        let [value, kind] = setup.value.to_le_bytes();
        let mut answer = match (setup.request_type, setup.request, kind, value) {
            (0x81, 0x06, 0x22, _) => REPORT_DESCRIPTOR.to_vec(),
            (0x81, 0x06, 0x21, _) => self.get_class_specific_descriptor(),
            (0x81, 0x00, ..) => vec![0, 0],
            (0xa1, 0x01, 3, 0) => self.0.get_feature().map_err(Error::from_raw_os_error)?,
            (0x21, 0x09, 3, 0) => {
                self.0.set_feature(data).map_err(Error::from_raw_os_error)?;
                Vec::new()
            }
            (0x21, 0x0a | 0x0b, ..) | (0x01, ..) => Vec::new(),
            _ => return Err(Error::other("no such request")),
        };
        answer.truncate(usize::try_from(length).unwrap_or(usize::MAX));
        Ok(answer)
    }

    fn as_any(&mut self) -> &mut dyn Any {
        self
    }
}

/// Requests to the device and its endpoints that the crate leaves over: `GET_STATUS`, `CLEAR_FEATURE`.
#[derive(Debug)]
struct Rest;

impl UsbDeviceHandler for Rest {
    fn handle_urb(&mut self, length: u32, setup: SetupPacket, _data: &[u8]) -> Result<Vec<u8>> {
        let inward = setup.request_type & 0x80 != 0;
        let length = if inward { length.min(2) } else { 0 };
        Ok(vec![0; length as usize])
    }

    fn as_any(&mut self) -> &mut dyn Any {
        self
    }
}
