//! Builds `SignedData` in two steps: what is to be signed, and, once somebody signed it, the message.

use super::error::CmsError;
use crate::licence::Timestamp;

/// How the key of a certificate signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// `RSASSA-PKCS1-v1_5` with SHA-256.
    RsaSha256,
    /// ECDSA with SHA-256.
    EcdsaSha256,
    /// ECDSA with SHA-384.
    EcdsaSha384,
    /// GOST R 34.10-2012, 256 bits, with Streebog-256.
    Gost256,
    /// GOST R 34.10-2012, 512 bits, with Streebog-512.
    Gost512,
}

/// What the signature vouches for beside the content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Profile {
    /// Content type, digest and signing time.
    Cms,
    /// The same and the signer's certificate (signing-certificate-v2).
    CadesBes,
}

/// What is to be signed, and how.
#[derive(Clone, Copy, Debug)]
pub struct SigningRequest<'a> {
    /// The content.
    pub content: &'a [u8],
    /// The content stays outside of the message.
    pub detached: bool,
    /// What is vouched for.
    pub profile: Profile,
    /// The signer's certificate, DER.
    pub certificate: &'a [u8],
    /// Further certificates to put into the message, DER: the chain, where it is asked for.
    pub chain: &'a [&'a [u8]],
    /// The signing time.
    pub time: Timestamp,
}

/// A message that lacks its signature.
#[derive(Clone, Debug)]
pub struct Draft {
    algorithm: Algorithm,
    to_be_signed: Vec<u8>,
}

/// Prepares a message.
///
/// # Errors
/// [`CmsError::Certificate`].
pub fn draft(request: &SigningRequest<'_>) -> Result<Draft, CmsError> {
    let _ = request;
    Err(CmsError::Certificate("not built yet".into()))
}

impl Draft {
    /// How the certificate's key is to sign.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The bytes to sign, not hashed yet.
    pub fn to_be_signed(&self) -> &[u8] {
        &self.to_be_signed
    }

    /// The message (DER `ContentInfo`) with this signature: for RSA as PKCS#1 has it, for ECDSA r and s of equal length
    /// one after the other, for GOST s and r as tokens give them.
    ///
    /// # Errors
    /// [`CmsError::Message`]: the signature has a wrong length.
    pub fn finish(self, signature: &[u8]) -> Result<Vec<u8>, CmsError> {
        let _ = signature;
        Err(CmsError::Message("not built yet".into()))
    }
}
