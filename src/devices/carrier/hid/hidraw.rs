//! Feature reports through the kernel's hidraw node, by hidapi, and what their failures mean.

use std::ffi::CString;
use std::fs::{self, File};
use std::sync::OnceLock;
use std::thread;
use std::time::Duration;

use hidapi::{HidApi, HidDevice, HidError};

use super::super::CarrierError;
use super::exchange::Transport;
use super::frame::FRAME;
use super::lock::lock;
use crate::devices::device::{Device, HidNode};

/// The kernel gives up on a control transfer after this.
const KERNEL_PATIENCE: u64 = 5000;
/// A pulled device fails its transfers some moments before the kernel takes it away.
const LEAVING: u32 = 5;
const BETWEEN_LOOKS: Duration = Duration::from_millis(40);

/// An open and locked hidraw node.
pub(super) struct Hidraw<'a> {
    hid: HidDevice,
    device: &'a Device,
    _lock: File,
}

impl<'a> Hidraw<'a> {
    /// Opens a node of a device, once no other program uses it.
    ///
    /// # Errors
    /// NoPermission, Busy, Gone, or Io.
    pub(super) fn open(device: &'a Device, node: &HidNode) -> Result<Self, CarrierError> {
        let lock = lock(&node.path, device)?;
        // hidapi wants UTF-8, and so has every path under /dev.
        let path = node
            .path
            .to_str()
            .and_then(|path| CString::new(path.as_bytes()).ok());
        let path = path.ok_or_else(|| CarrierError::Io(format!("{:?} is no node", node.path)))?;
        let hid = api()?.open_path(&path).map_err(|error| meaning(&error, device))?;
        Ok(Self {
            hid,
            device,
            _lock: lock,
        })
    }
}

/// hidapi's entry. Making one enumerates every HID device, which takes long where there are many: once is enough.
fn api() -> Result<&'static HidApi, CarrierError> {
    static API: OnceLock<Result<HidApi, String>> = OnceLock::new();
    API.get_or_init(|| HidApi::new().map_err(|error| error.to_string()))
        .as_ref()
        .map_err(|error| CarrierError::Io(error.clone()))
}

impl Transport for Hidraw<'_> {
    fn set_feature(&mut self, frame: &[u8; FRAME]) -> Result<(), CarrierError> {
        let mut report = [0; FRAME + 1];
        report[1..].copy_from_slice(frame);
        let sent = self.hid.send_feature_report(&report);
        sent.map_err(|error| meaning(&error, self.device))
    }

    fn get_feature(&mut self, frame: &mut [u8; FRAME]) -> Result<usize, CarrierError> {
        let mut report = [0; FRAME + 1];
        let length = self.hid.get_feature_report(&mut report);
        let length = length.map_err(|error| meaning(&error, self.device))?;
        frame.copy_from_slice(&report[1..]);
        // The kernel counts the report number, which these reports do not have.
        Ok(length.saturating_sub(1).min(FRAME))
    }
}

/// hidapi tells the system's error in words: `ioctl (GFEATURE): EPIPE: Broken pipe`.
fn meaning(error: &HidError, device: &Device) -> CarrierError {
    let text = error.to_string();
    match errno(&text) {
        Some("ENODEV" | "ENXIO" | "ENOENT" | "ESHUTDOWN" | "ENOTCONN") => CarrierError::Gone,
        Some("EACCES" | "EPERM") => {
            CarrierError::NoPermission(format!("the system forbids the transfer: {text}"))
        }
        Some("EBUSY") => CarrierError::Busy("another program".into()),
        Some("ETIMEDOUT") => CarrierError::Late(KERNEL_PATIENCE),
        Some("EPIPE") => CarrierError::Io("the device stalled the request (EPIPE)".into()),
        _ if left(device) => CarrierError::Gone,
        _ => CarrierError::Io(text),
    }
}

/// The name of the error in such a text.
fn errno(text: &str) -> Option<&str> {
    text.split(|c: char| !c.is_ascii_alphanumeric()).find(|word| {
        word.len() > 2
            && word.starts_with('E')
            && word
                .bytes()
                .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
    })
}

/// Whether the device is no longer there, or another has come to its port.
fn left(device: &Device) -> bool {
    let here = || {
        fs::read_to_string(device.syspath.join("devnum"))
            .is_ok_and(|address| address.trim() == device.address.to_string())
    };
    for _ in 1..LEAVING {
        if !here() {
            return true;
        }
        thread::sleep(BETWEEN_LOOKS);
    }
    !here()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_an_error_is_found_in_its_text() {
        assert_eq!(
            errno("hidapi error: ioctl (GFEATURE): EPIPE: Broken pipe"),
            Some("EPIPE")
        );
        assert_eq!(
            errno("hidapi error: ioctl (GFEATURE): ENODEV: No such device"),
            Some("ENODEV")
        );
        assert_eq!(errno("Elsewhere (os error 5)"), None);
    }
}
