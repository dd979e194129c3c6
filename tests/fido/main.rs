//! The driver `fido2` against the firmware of open security keys, in this process.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../dongle/authenticator.rs"]
mod authenticator;
mod firmware;
