//! The driver `fido2` against the firmware of open security keys: in this process, and as a USB device over USB/IP.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../dongle/authenticator.rs"]
mod authenticator;
mod firmware;
#[path = "../dongle/key_usbip.rs"]
#[allow(dead_code, reason = "other tests show its report descriptor")]
mod key_usbip;
mod usb;
