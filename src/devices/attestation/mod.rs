//! Attestations: a carrier signs the challenge of somebody who has neither it nor its token, and who verifies that here.
//!
//! What is signed has the form of a carrier's proofs. No attestation can be had from a program that lets carriers
//! prove themselves, for it chooses those challenges itself, at random; the challenge of an attestation is a SHA-256
//! over what it is for, which a random one is never.

mod named;
mod wish;

pub use named::attest_once;
pub(super) use named::{first, named};
pub(super) use wish::{Reply, Wish, tell};

use crate::licence::binding::CarrierBinding;

use super::carrier::{DriverKind, fido2, hid_attests};
use super::token_carriers::{self, TokenCarrier};

/// Whether `proof` is what the carrier of this binding makes of this challenge. Whatever is malformed is false, and so
/// is every proof under a key under which anybody can sign. Carriers of the driver `serial` prove nothing: theirs is
/// empty.
pub fn verify(binding: &CarrierBinding, challenge: &[u8; 32], proof: &[u8]) -> bool {
    let serial = binding.serial.as_str();
    let driver = binding.driver.as_str();
    let attests = match &binding.public_key {
        None => return driver == DriverKind::Serial.name() && !serial.is_empty() && proof.is_empty(),
        Some(_) if driver == DriverKind::Hid.name() => hid_attests,
        Some(_) if driver == DriverKind::Fido2.name() => fido2::attests,
        Some(_) if driver == TokenCarrier::DRIVER => token_carriers::attests,
        Some(_) => return false,
    };
    attests(
        serial,
        binding.public_key.as_deref().unwrap_or_default(),
        challenge,
        proof,
    )
}

#[cfg(test)]
mod tests;
