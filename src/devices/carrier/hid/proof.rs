//! The proof: a fresh challenge, and the signature that only the device's private key makes.

use std::collections::VecDeque;

use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};

use super::super::CarrierError;
use super::super::random::random;
use super::exchange::{Exchange, Transport};
use super::frame::Command;
use super::identity::Identity;

/// What the signed text begins with: nothing else that anybody signs does.
const DOMAIN: &[u8] = b"keynode-hid-carrier-1\0";
const SIGNATURE: usize = 64;
/// Challenges that are remembered, to tell a replayed proof from a wrong one.
const REMEMBERED: usize = 8;

/// The key that a device proved to hold, and the challenges it was given.
#[derive(Debug, Default)]
pub(super) struct Earlier {
    public_key: Option<[u8; 32]>,
    challenges: VecDeque<[u8; 32]>,
}

/// Has the device sign a fresh challenge.
///
/// # Errors
/// As [`sign`].
pub(super) fn prove(
    exchange: &mut Exchange<impl Transport>,
    identity: &Identity,
    earlier: &mut Earlier,
) -> Result<(), CarrierError> {
    sign(exchange, identity, earlier, random()?).map(drop)
}

/// Has the device sign this challenge; the result is the signature, which is right.
///
/// # Errors
/// What the exchange says; [`CarrierError::OtherKey`], Replayed or Wrong.
pub(super) fn sign(
    exchange: &mut Exchange<impl Transport>,
    identity: &Identity,
    earlier: &mut Earlier,
    challenge: [u8; 32],
) -> Result<Vec<u8>, CarrierError> {
    if earlier.public_key.is_some_and(|key| key != identity.public_key) {
        return Err(CarrierError::OtherKey);
    }
    let signature = exchange.ask_long(Command::Prove, &challenge, |_| SIGNATURE)?;
    let signs = |challenge: &[u8; 32]| signs(&identity.serial, &identity.public_key, challenge, &signature);
    let verdict = if signs(&challenge) {
        Ok(())
    } else if earlier.challenges.iter().any(signs) {
        Err(CarrierError::Replayed)
    } else {
        Err(CarrierError::Wrong)
    };
    earlier.challenges.truncate(REMEMBERED - 1);
    earlier.challenges.push_front(challenge);
    if verdict.is_ok() {
        earlier.public_key = Some(identity.public_key);
    }
    verdict.map(|()| signature)
}

/// Whether this is the signature over the challenge by the device of this serial number and public key.
pub(super) fn signs(serial: &str, public_key: &[u8; 32], challenge: &[u8; 32], signature: &[u8]) -> bool {
    UnparsedPublicKey::new(&ED25519, public_key)
        .verify(&signed_text(serial, challenge), signature)
        .is_ok()
}

/// What the device signs.
fn signed_text(serial: &str, challenge: &[u8; 32]) -> Vec<u8> {
    let length = u8::try_from(serial.len()).unwrap_or(u8::MAX);
    [DOMAIN, &[length], serial.as_bytes(), challenge].concat()
}
