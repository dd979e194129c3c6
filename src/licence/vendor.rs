//! Public keys of the vendors whose licences this node trusts.

use std::collections::HashMap;

use aws_lc_rs::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rsa::RsaPublicKey;
use rsa::pkcs1::{DecodeRsaPublicKey, EncodeRsaPublicKey};
use rsa::pkcs8::DecodePublicKey;
use rsa::traits::PublicKeyParts;
use sha2::{Digest, Sha256};

use super::timestamp::Timestamp;

/// One vendor's public key.
#[derive(Clone, Debug)]
pub struct VendorKey {
    kid: String,
    pkcs1: Vec<u8>,
    expires: Option<Timestamp>,
}

/// The text is no usable vendor key.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum BadVendorKey {
    /// It is not PEM of an RSA public key.
    #[error("expected an RSA public key in PEM (-----BEGIN PUBLIC KEY-----)")]
    Form,
    /// The private half does not belong here.
    #[error("this is a private key: only its public half may be handed out (keynode vendor public-key)")]
    Private,
    /// The modulus is too short to trust, or too long to serve.
    #[error("the key has {0} bits: 2048 to 8192 are accepted")]
    Size(usize),
}

impl VendorKey {
    /// Reads a public key in PEM, `SubjectPublicKeyInfo` or PKCS#1.
    ///
    /// # Errors
    /// [`BadVendorKey`] says what is wrong with it.
    pub fn from_pem(pem: &str) -> Result<Self, BadVendorKey> {
        if pem.contains("PRIVATE KEY") {
            return Err(BadVendorKey::Private);
        }
        let key = RsaPublicKey::from_public_key_pem(pem)
            .or_else(|_| RsaPublicKey::from_pkcs1_pem(pem))
            .map_err(|_| BadVendorKey::Form)?;
        Self::new(&key)
    }

    /// Takes a public key.
    ///
    /// # Errors
    /// [`BadVendorKey::Size`] outside 2048 to 8192 bits.
    pub fn new(key: &RsaPublicKey) -> Result<Self, BadVendorKey> {
        let bits = key.n().bits();
        if !(2048..=8192).contains(&bits) {
            return Err(BadVendorKey::Size(bits));
        }
        let pkcs1 = key.to_pkcs1_der().map_err(|_| BadVendorKey::Form)?.into_vec();
        Ok(Self {
            kid: thumbprint(key),
            pkcs1,
            expires: None,
        })
    }

    /// Name of the key: its JWK thumbprint (RFC 7638), SHA-256, base64url.
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// What is signed from this moment on counts no more; none: it does not expire.
    pub fn expires(&self) -> Option<Timestamp> {
        self.expires
    }

    /// Whether `signature` is RS256 over `message` by this key.
    pub fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, &self.pkcs1)
            .verify(message, signature)
            .is_ok()
    }
}

fn thumbprint(key: &RsaPublicKey) -> String {
    let e = URL_SAFE_NO_PAD.encode(key.e().to_bytes_be());
    let n = URL_SAFE_NO_PAD.encode(key.n().to_bytes_be());
    let jwk = format!(r#"{{"e":"{e}","kty":"RSA","n":"{n}"}}"#);
    URL_SAFE_NO_PAD.encode(Sha256::digest(jwk))
}

/// All trusted keys, by name.
#[derive(Clone, Debug, Default)]
pub struct VendorKeys(HashMap<String, VendorKey>);

impl VendorKeys {
    /// The key of this name, if it is trusted.
    pub fn get(&self, kid: &str) -> Option<&VendorKey> {
        self.0.get(kid)
    }

    /// Trusts one more.
    pub fn insert(&mut self, key: VendorKey) {
        self.0.insert(key.kid.clone(), key);
    }

    /// The names of all keys, in order.
    pub fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = self.0.keys().cloned().collect();
        names.sort();
        names
    }

    /// No vendor is trusted.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl FromIterator<VendorKey> for VendorKeys {
    fn from_iter<I: IntoIterator<Item = VendorKey>>(keys: I) -> Self {
        Self(keys.into_iter().map(|key| (key.kid.clone(), key)).collect())
    }
}
