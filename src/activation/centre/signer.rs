//! The vendor key at work: in a file, or on a PKCS#11 token.

use std::path::Path;

use crate::licence::VendorKey;
use crate::signing::{Message, Signer, SoftwareKey};
use crate::tokens::TokensHandle;

use super::error::CentreError;

/// A vendor key that signs.
pub struct VendorSigner {
    key: SoftwareKey,
    public: VendorKey,
}

impl VendorSigner {
    /// The key in a file.
    ///
    /// # Errors
    /// [`CentreError::Signer`].
    pub fn from_file(path: &Path) -> Result<Self, CentreError> {
        let wrong = |error: &dyn std::fmt::Display| CentreError::Signer(error.to_string());
        let key = SoftwareKey::read(path).map_err(|error| wrong(&error))?;
        let public = VendorKey::from_pem(&key.public_key().pem).map_err(|error| wrong(&error))?;
        Ok(Self { key, public })
    }

    /// The key with this `CKA_LABEL`, or this `CKA_ID` in hexadecimal digits, on the token of this name in the settings.
    /// Waits until the token is there, at most for its time-outs.
    ///
    /// # Errors
    /// [`CentreError::Signer`].
    pub fn on_token(_tokens: TokensHandle, _token: &str, _key: &str) -> Result<Self, CentreError> {
        Err(CentreError::Signer("keys on tokens are not built yet".into()))
    }

    /// Name of the key.
    pub fn kid(&self) -> &str {
        self.public.kid()
    }

    /// Its public half, PEM.
    pub fn public_pem(&self) -> &str {
        &self.key.public_key().pem
    }

    /// Signs (RS256); the thread does something else while a token works.
    ///
    /// # Errors
    /// Why not, in words.
    #[expect(clippy::unused_async, reason = "its body comes with the tokens")]
    pub async fn sign(&self, message: &[u8]) -> Result<Vec<u8>, String> {
        self.sign_and_wait(message)
    }

    /// As [`VendorSigner::sign`], on a thread that may block.
    ///
    /// # Errors
    /// Why not, in words.
    pub fn sign_and_wait(&self, message: &[u8]) -> Result<Vec<u8>, String> {
        let message = Message {
            query_id: b"",
            body: message,
        };
        let signature = self.key.sign_one(message).map_err(|error| error.to_string())?;
        Ok(signature.0)
    }
}
