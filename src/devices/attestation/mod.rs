//! Attestations: a carrier signs the challenge of somebody who has neither it nor its token, and who verifies that here.

use crate::licence::binding::CarrierBinding;

/// Whether `proof` is what the carrier of this binding makes of this challenge. Whatever is malformed is false.
pub fn verify(binding: &CarrierBinding, _challenge: &[u8; 32], proof: &[u8]) -> bool {
    // The other drivers follow.
    binding.driver == "serial" && binding.public_key.is_none() && proof.is_empty()
}
