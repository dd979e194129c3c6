//! The driver `fido2`: silent assertions of a security key, by CTAP 2 over hidraw (docs/fido2.md).

mod attest;
mod authenticator;
mod cbor;
mod channel;
mod cose;
mod credential;
mod frame;
mod make;
mod refusal;
#[cfg(test)]
mod tests;

use super::CarrierError;
use super::hidraw::Hidraw;
use super::known::Known;
use super::progress::Progress;
use super::prove::{Driver, Identity, Proof};
use super::random::random;
use crate::devices::device::{Device, HidNode};
use authenticator::Authenticator;
use channel::Status;
use refusal::TOUCH;

pub use attest::attest_over;
pub(in crate::devices) use attest::{attests, credential_id};
pub use channel::Transport;
pub use credential::Credential;
pub(super) use credential::number;
pub use frame::{REPORT, Report};
pub use make::{Step, make, make_over};

/// Usage page of a security key's HID interface.
const USAGE_PAGE: u16 = 0xf1d0;

/// The node of a security key's HID interface; none: the device is no security key.
pub fn node(device: &Device) -> Option<&HidNode> {
    device.hid.iter().find(|node| node.usage_page == Some(USAGE_PAGE))
}

pub(super) struct Fido2Driver;

impl Driver for Fido2Driver {
    fn prove(&self, device: &Device, known: &mut Known) -> Result<Proof, CarrierError> {
        let identities = prove_over(open(device)?, &known.credentials, &known.progress)?;
        Ok(Proof {
            identities,
            memory: None,
            capacity: 0,
        })
    }

    fn attest(
        &self,
        device: &Device,
        known: &mut Known,
        challenge: &[u8; 32],
        credential: Option<&[u8]>,
    ) -> Result<Vec<u8>, CarrierError> {
        let credential = credential.ok_or(CarrierError::Absent)?;
        attest_over(open(device)?, credential, challenge, &known.progress)
    }

    fn provision(
        &self,
        _device: &Device,
        _licence: &[u8],
        _progress: &mut dyn FnMut(usize, usize),
    ) -> Result<(), CarrierError> {
        Err(CarrierError::Memory(
            "it has none: security keys keep no licences; `keynode devices provision --driver fido2` makes what a \
             licence file is bound to"
                .into(),
        ))
    }
}

fn open(device: &Device) -> Result<Hidraw<'_>, CarrierError> {
    let node = node(device).ok_or_else(|| {
        CarrierError::Protocol(format!(
            "it has no HID interface with usage page {USAGE_PAGE:04X}"
        ))
    })?;
    Hidraw::open(device, node)
}

/// Counts a key's signs of life; one that waits for a touch has failed.
fn alive(progress: &Progress) -> impl FnMut(Status) -> Result<(), CarrierError> {
    |status| {
        progress.answered();
        match status {
            Status::Working => Ok(()),
            Status::NeedsTouch => Err(CarrierError::NotSilent(TOUCH.into())),
        }
    }
}

/// Asks a security key for credentials, without anybody who touches it; the result is those that it has, each with
/// whether it proved to have it. `progress` counts its signs of life.
///
/// # Errors
/// Why nothing can be said of any credential; [`CarrierError::NotSilent`] for keys that want to be touched.
pub fn prove_over(
    transport: impl Transport,
    credentials: &[Credential],
    progress: &Progress,
) -> Result<Vec<Identity>, CarrierError> {
    let mut key = Authenticator::open(transport)?;
    let alive = &mut alive(progress);
    let info = key.info(alive).map_err(refusal::Refusal::of_proof)?;
    let mut ids: Vec<&[u8]> = credentials.iter().map(|credential| &credential.id[..]).collect();
    ids.sort_unstable();
    ids.dedup();
    ids.retain(|id| info.knows_length(id));
    let mut identities = Vec::new();
    for mut piece in info.pieces(&ids) {
        // It answers for one that it has: asked again for the others, until it has none of them.
        while !piece.is_empty() {
            let challenge = random()?;
            let assertion = key
                .assertion(&piece, &challenge, alive)
                .map_err(refusal::Refusal::of_proof)?;
            progress.answered();
            let Some(assertion) = assertion else { break };
            let place = piece.iter().position(|wanted| *wanted == assertion.id);
            let place = place.ok_or_else(|| {
                CarrierError::Protocol("it answers for a credential that it was not asked for".into())
            })?;
            let id = piece.remove(place);
            let meant = credentials.iter().filter(|credential| credential.id == id);
            identities.extend(
                meant.map(|credential| credential.identity(assertion.proves(&credential.key, &challenge))),
            );
        }
    }
    Ok(identities)
}
