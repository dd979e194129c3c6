//! Checks a signature as a client would: with the public key alone.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rsa::RsaPublicKey;
use rsa::pkcs1v15::{Signature, VerifyingKey};
use rsa::pkcs8::DecodePublicKey;
use rsa::signature::Verifier;
use sha2::Sha256;

use super::Message;

/// Why a signature was not accepted.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum VerifyError {
    /// The public key cannot be read.
    #[error("expected an RSA public key in PEM")]
    Key,
    /// The signature is not Base64, or of another length than the key's.
    #[error("the signature is not Base64 of the key's length")]
    Form,
    /// It is a signature, but not of this message by this key.
    #[error("the signature does not fit: QueryID, body or key are others, or the answer was changed")]
    Mismatch,
}

/// Checks the `Licence-Signature` of an answer.
///
/// # Errors
/// [`VerifyError`] says whether key, signature or their fit is at fault.
pub fn verify(public_key_pem: &str, message: Message<'_>, signature: &str) -> Result<(), VerifyError> {
    let key = RsaPublicKey::from_public_key_pem(public_key_pem).map_err(|_| VerifyError::Key)?;
    let bytes = STANDARD.decode(signature.trim()).map_err(|_| VerifyError::Form)?;
    let signature = Signature::try_from(bytes.as_slice()).map_err(|_| VerifyError::Form)?;
    let signed = [message.query_id, message.body].concat();
    VerifyingKey::<Sha256>::new(key)
        .verify(&signed, &signature)
        .map_err(|_| VerifyError::Mismatch)
}
