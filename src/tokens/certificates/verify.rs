//! Checks a fresh signature under the public key of the certificate, for RSA and ECDSA.

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey,
    VerificationAlgorithm,
};

use crate::cms::{Algorithm, Certificate};

use super::inventory::bits;

/// Whether this is the certificate's signature over the message. GOST signatures count as good: nothing here can
/// check them.
pub(super) fn verifies(
    certificate: &Certificate,
    algorithm: Algorithm,
    message: &[u8],
    signature: &[u8],
) -> bool {
    let how: &'static dyn VerificationAlgorithm = match algorithm {
        Algorithm::RsaSha256 => &RSA_PKCS1_2048_8192_SHA256,
        Algorithm::EcdsaSha256 => &ECDSA_P256_SHA256_FIXED,
        Algorithm::EcdsaSha384 => &ECDSA_P384_SHA384_FIXED,
        Algorithm::Gost256 | Algorithm::Gost512 => return true,
    };
    bits(&certificate.public_key).is_some_and(|key| {
        UnparsedPublicKey::new(how, key)
            .verify(message, signature)
            .is_ok()
    })
}
