//! Reports through the kernel's hidraw node, by hidapi, and what their failures mean.

use std::ffi::{CStr, CString};
use std::fs::{self, File};
use std::path::Path;
use std::sync::OnceLock;
use std::thread;
use std::time::{Duration, Instant};

use hidapi::{HidApi, HidDevice, HidError};

use super::CarrierError;
use super::lock::lock;
use crate::devices::device::{Device, HidNode};

/// Bytes of a report, all kinds alike.
pub(super) const REPORT: usize = 64;

/// The kernel gives up on a control transfer after this.
const KERNEL_PATIENCE: u64 = 5000;
/// A pulled device fails its transfers some moments before the kernel takes it away.
const LEAVING: u32 = 5;
const BETWEEN_LOOKS: Duration = Duration::from_millis(40);
const BETWEEN_OPENINGS: Duration = Duration::from_millis(50);

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
    /// [`CarrierError::NoPermission`], Busy, Gone, or Io.
    pub(super) fn open(device: &'a Device, node: &HidNode) -> Result<Self, CarrierError> {
        let lock = lock(&node.path, device)?;
        // hidapi wants UTF-8, and so has every path under /dev.
        let path = node
            .path
            .to_str()
            .and_then(|path| CString::new(path.as_bytes()).ok());
        let path = path.ok_or_else(|| CarrierError::Io(format!("{} is no node", node.path.display())))?;
        let hid = open_patiently(api()?, &path).map_err(|error| failure(&error, device))?;
        Ok(Self {
            hid,
            device,
            _lock: lock,
        })
    }

    /// Sends a feature report.
    pub(super) fn set_feature(&self, report: &[u8; REPORT]) -> Result<(), CarrierError> {
        let sent = self.hid.send_feature_report(&numbered(report));
        sent.map_err(|error| failure(&error, self.device))
    }

    /// Fetches the feature report; returns its length.
    pub(super) fn get_feature(&self, report: &mut [u8; REPORT]) -> Result<usize, CarrierError> {
        let mut told = numbered(report);
        let length = self.hid.get_feature_report(&mut told);
        let length = length.map_err(|error| failure(&error, self.device))?;
        report.copy_from_slice(&told[1..]);
        // The kernel counts the report number, which these reports do not have.
        Ok(length.saturating_sub(1).min(REPORT))
    }

    /// Sends an output report.
    pub(super) fn write(&self, report: &[u8; REPORT]) -> Result<(), CarrierError> {
        let sent = self.hid.write(&numbered(report));
        sent.map(drop).map_err(|error| failure(&error, self.device))
    }

    /// Waits for an input report; none: none came until then.
    pub(super) fn read(&self, until: Instant) -> Result<Option<[u8; REPORT]>, CarrierError> {
        let left = until.saturating_duration_since(Instant::now());
        // Rounded up: a wait of 0 ms would not wait at all.
        let patience = i32::try_from(left.as_millis() + 1).unwrap_or(i32::MAX);
        let mut report = [0; REPORT];
        let length = self.hid.read_timeout(&mut report, patience);
        match length.map_err(|error| failure(&error, self.device))? {
            0 => Ok(None),
            REPORT => Ok(Some(report)),
            _ => Err(CarrierError::Short),
        }
    }
}

/// Opens a node, once more where that fails: right after a plug the kernel may not be done with it.
fn open_patiently(api: &HidApi, path: &CStr) -> Result<HidDevice, HidError> {
    api.open_path(path).or_else(|_| {
        thread::sleep(BETWEEN_OPENINGS);
        api.open_path(path)
    })
}

/// hidapi's entry. Making one enumerates every HID device, which takes long where there are many: once is enough.
fn api() -> Result<&'static HidApi, CarrierError> {
    static API: OnceLock<Result<HidApi, String>> = OnceLock::new();
    API.get_or_init(|| HidApi::new().map_err(|error| error.to_string()))
        .as_ref()
        .map_err(|error| CarrierError::Io(error.clone()))
}

/// A report with the number that comes first, which these have none of.
fn numbered(report: &[u8; REPORT]) -> [u8; REPORT + 1] {
    let mut numbered = [0; REPORT + 1];
    numbered[1..].copy_from_slice(report);
    numbered
}

fn failure(error: &HidError, device: &Device) -> CarrierError {
    meaning(&error.to_string(), || left(&device.syspath, device.address))
}

/// hidapi tells the system's error in words: `ioctl (GFEATURE): EPIPE: Broken pipe`.
fn meaning(text: &str, left: impl FnOnce() -> bool) -> CarrierError {
    match errno(text) {
        Some("ENODEV" | "ENXIO" | "ENOENT" | "ESHUTDOWN" | "ENOTCONN") => CarrierError::Gone,
        Some("EACCES" | "EPERM") => {
            CarrierError::NoPermission(format!("the system forbids the transfer: {text}"))
        }
        Some("EBUSY") => CarrierError::Busy("another program".into()),
        Some("ETIMEDOUT") => CarrierError::Late(KERNEL_PATIENCE),
        Some("EPIPE") => CarrierError::Io("the device stalled the request (EPIPE)".into()),
        _ if left() => CarrierError::Gone,
        _ => CarrierError::Io(text.to_owned()),
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
fn left(syspath: &Path, address: u8) -> bool {
    let here = || {
        let number = fs::read_to_string(syspath.join("devnum"));
        number.is_ok_and(|number| number.trim() == address.to_string())
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

    #[test]
    fn each_error_has_its_meaning() {
        let means = |name: &str, left: bool| {
            let text = format!("hidapi error: ioctl (GFEATURE): {name}: words");
            meaning(&text, || left)
        };
        for gone in ["ENODEV", "ENXIO", "ESHUTDOWN"] {
            assert_eq!(means(gone, false), CarrierError::Gone);
        }
        assert_eq!(means("EPROTO", true), CarrierError::Gone);
        assert!(matches!(means("EPROTO", false), CarrierError::Io(_)));
        assert!(
            matches!(means("EPIPE", true), CarrierError::Io(_)),
            "who stalls is there"
        );
        assert_eq!(means("ETIMEDOUT", true), CarrierError::Late(5000));
        assert!(matches!(means("EACCES", false), CarrierError::NoPermission(_)));
        assert!(matches!(means("EBUSY", false), CarrierError::Busy(_)));
    }

    #[test]
    fn a_device_has_left_when_its_port_is_empty_or_has_another() {
        let port = tempfile::tempdir().unwrap();
        assert!(left(port.path(), 5));
        fs::write(port.path().join("devnum"), "6\n").unwrap();
        assert!(left(port.path(), 5));
        fs::write(port.path().join("devnum"), "5\n").unwrap();
        assert!(!left(port.path(), 5));
    }
}
