//! Has a carrier prove itself or sign a challenge, and writes its memory, through the driver of its family.

use std::sync::Arc;

use super::fido2::Fido2Driver;
use super::hid::HidDriver;
use super::known::Known;
use super::serial::SerialDriver;
use super::{CarrierError, DriverKind};
use crate::devices::device::Device;

/// What a carrier proved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    /// Whom it proved to be, or was expected to; security keys may be several, or nobody that was asked for.
    pub identities: Vec<Identity>,
    /// The licence in its memory; empty: the memory is blank; none: it has no memory.
    pub memory: Option<Arc<[u8]>>,
    /// Bytes that its memory holds; 0 without a memory.
    pub capacity: u32,
}

/// Whom a carrier proved to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Its serial number as bindings name it.
    pub serial: String,
    /// The public key that it holds the private key of, as bindings write it; none: its driver knows no keys.
    pub public_key: Option<String>,
    /// Why it did not prove this identity although it has it.
    pub verdict: Result<(), CarrierError>,
}

impl Proof {
    /// Of one identity, without a memory.
    pub fn of(serial: String, public_key: Option<String>) -> Self {
        let identity = Identity {
            serial,
            public_key,
            verdict: Ok(()),
        };
        Self {
            identities: vec![identity],
            memory: None,
            capacity: 0,
        }
    }
}

/// A way to prove carriers. Each call may block for seconds where a device hangs.
pub(super) trait Driver {
    /// Has the carrier prove itself.
    fn prove(&self, device: &Device, known: &mut Known) -> Result<Proof, CarrierError>;

    /// Has the carrier sign this challenge, a security key by the credential of this id.
    fn attest(
        &self,
        device: &Device,
        known: &mut Known,
        challenge: &[u8; 32],
        credential: Option<&[u8]>,
    ) -> Result<Vec<u8>, CarrierError>;

    /// Replaces the licence in its memory; an empty one erases. `progress` is told bytes done and bytes in all.
    fn provision(
        &self,
        device: &Device,
        licence: &[u8],
        progress: &mut dyn FnMut(usize, usize),
    ) -> Result<(), CarrierError>;
}

fn driver(kind: DriverKind) -> &'static dyn Driver {
    match kind {
        DriverKind::Serial => &SerialDriver,
        DriverKind::Hid => &HidDriver,
        DriverKind::Fido2 => &Fido2Driver,
    }
}

/// Has a carrier prove itself; the licence in its memory is read where it changed since `known`. Blocks: usually for
/// milliseconds, with a device that hangs for as long as the kernel waits for it, 5 s to a transfer.
///
/// # Errors
/// Why it is not proven.
pub fn prove(device: &Device, kind: DriverKind, known: &mut Known) -> Result<Proof, CarrierError> {
    driver(kind).prove(device, known)
}

/// Has a carrier sign the challenge of somebody else, a security key by the credential of this id; the result is what
/// [`crate::devices::attestation::verify`] takes. Blocks as [`prove`] does.
///
/// # Errors
/// Why it did not.
pub fn attest(
    device: &Device,
    kind: DriverKind,
    known: &mut Known,
    challenge: &[u8; 32],
    credential: Option<&[u8]>,
) -> Result<Vec<u8>, CarrierError> {
    driver(kind).attest(device, known, challenge, credential)
}

/// Writes a licence into a carrier's memory and reads it back; an empty licence erases the memory. `progress` is told
/// how many bytes of how many are done, writing and reading back counted alike.
///
/// # Errors
/// What went wrong. The memory is then blank or as it was before, never half a licence.
pub fn provision(
    device: &Device,
    kind: DriverKind,
    licence: &[u8],
    progress: &mut dyn FnMut(usize, usize),
) -> Result<(), CarrierError> {
    driver(kind).provision(device, licence, progress)
}
