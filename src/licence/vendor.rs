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

/// What the line of a PEM's remarks begins with that tells when the key expires.
const EXPIRES: &str = "expires";

/// One vendor's public key.
#[derive(Clone, Debug, PartialEq, Eq)]
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
    /// Its remarks speak of an expiry, but not of which.
    #[error("its line \"Expires:\" is wrong: one is expected, with a date such as 2030-01-31T00:00:00Z")]
    Expiry,
    /// The modulus is too short to trust, or too long to serve.
    #[error("the key has {0} bits: 2048 to 8192 are accepted")]
    Size(usize),
}

impl VendorKey {
    /// Reads a public key in PEM, `SubjectPublicKeyInfo` or PKCS#1. Of the remarks before its first dashes, a line
    /// `Expires: <date>` (RFC 3339) tells when it expires.
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
        let expires = expiry(pem)?;
        Ok(Self {
            expires,
            ..Self::new(&key)?
        })
    }

    /// Takes a public key that does not expire.
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

/// What the remarks before the dashes say of an expiry. Of a date that cannot be read it must not follow that there is
/// none.
fn expiry(pem: &str) -> Result<Option<Timestamp>, BadVendorKey> {
    let remarks = pem.split("-----").next().unwrap_or_default();
    let named = |line: &str| {
        let (name, date) = line.split_once(':')?;
        name.trim()
            .eq_ignore_ascii_case(EXPIRES)
            .then(|| date.trim().to_owned())
    };
    let dates: Vec<String> = remarks.lines().filter_map(named).collect();
    match &dates[..] {
        [] => Ok(None),
        [date] => Timestamp::parse(date).map(Some).map_err(|_| BadVendorKey::Expiry),
        _ => Err(BadVendorKey::Expiry),
    }
}

fn thumbprint(key: &RsaPublicKey) -> String {
    let e = URL_SAFE_NO_PAD.encode(key.e().to_bytes_be());
    let n = URL_SAFE_NO_PAD.encode(key.n().to_bytes_be());
    let jwk = format!(r#"{{"e":"{e}","kty":"RSA","n":"{n}"}}"#);
    URL_SAFE_NO_PAD.encode(Sha256::digest(jwk))
}

/// All trusted keys, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
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

#[cfg(test)]
mod tests {
    use super::*;

    const PEM: &str = include_str!("../../tests/fixtures/vendor.pub.pem");

    #[test]
    fn an_expiry_is_read_from_the_remarks_alone() {
        let expires =
            |remarks: &str| VendorKey::from_pem(&format!("{remarks}{PEM}")).map(|key| key.expires());
        let date = Timestamp::parse("2030-01-31T00:00:00Z").unwrap();
        assert_eq!(expires(""), Ok(None));
        assert_eq!(expires("Vendor: it expires: never\n"), Ok(None));
        assert_eq!(
            expires("Vendor: A\nExpires: 2030-01-31T00:00:00Z\n"),
            Ok(Some(date))
        );
        assert_eq!(expires("expires : 2030-01-31T03:00:00+03:00\r\n"), Ok(Some(date)));
        for wrong in ["", "never", "31.01.2030", "2030-13-01T00:00:00Z"] {
            assert_eq!(
                expires(&format!("Expires: {wrong}\n")),
                Err(BadVendorKey::Expiry),
                "{wrong}"
            );
        }
        let twice = "Expires: 2030-01-31T00:00:00Z\n".repeat(2);
        assert_eq!(expires(&twice), Err(BadVendorKey::Expiry));
        let behind = VendorKey::from_pem(&format!("{PEM}Expires: 2030-01-31T00:00:00Z\n"));
        assert_eq!(
            behind.unwrap_err(),
            BadVendorKey::Form,
            "it is not simply ignored"
        );
    }
}
