//! GOST keys as `openssl -engine gost` writes them, for tests only.

use der::asn1::{BitString, ObjectIdentifier, OctetString};
use der::{AnyRef, Decode, Sequence};
use streebog::{Digest, Streebog256, Streebog512};

use super::arithmetic::Curve;

/// A private key.
pub(crate) struct GostKey {
    /// Its curve.
    pub(crate) curve: Curve,
    /// The curve's parameter set.
    pub(crate) parameters: ObjectIdentifier,
    /// Little-endian.
    pub(crate) private: Vec<u8>,
}

#[derive(Sequence)]
struct PrivateKeyInfo<'a> {
    version: u8,
    algorithm: Algorithm<'a>,
    key: OctetString,
}

#[derive(Sequence)]
struct PublicKeyInfo<'a> {
    algorithm: Algorithm<'a>,
    key: BitString,
}

#[derive(Sequence)]
struct Algorithm<'a> {
    oid: ObjectIdentifier,
    parameters: Parameters<'a>,
}

#[derive(Sequence)]
struct Parameters<'a> {
    curve: ObjectIdentifier,
    #[asn1(optional = "true")]
    digest: Option<AnyRef<'a>>,
}

/// Streebog of as many bytes.
fn streebog(size: usize, data: &[u8]) -> Vec<u8> {
    match size {
        32 => Streebog256::digest(data).to_vec(),
        _ => Streebog512::digest(data).to_vec(),
    }
}

fn curve(parameters: ObjectIdentifier) -> Curve {
    Curve::of(&parameters.to_string()).unwrap_or_else(|| panic!("the curve {parameters} is not known"))
}

impl GostKey {
    /// Reads PKCS#8, DER.
    pub(crate) fn read(pkcs8: &[u8]) -> Self {
        let info = PrivateKeyInfo::from_der(pkcs8).unwrap();
        let parameters = info.algorithm.parameters.curve;
        Self {
            curve: curve(parameters),
            parameters,
            private: info.key.as_bytes().to_vec(),
        }
    }

    /// VKO GOST R 34.10-2012 of 256 bits: the key that both sides agree on.
    pub(crate) fn agree(&self, public: &[u8], material: &[u8]) -> [u8; 32] {
        Streebog256::digest(self.curve.agree(&self.private, material, public)).into()
    }

    /// Signs data: s and r, big-endian.
    pub(crate) fn sign(&self, data: &[u8]) -> Vec<u8> {
        let digest = streebog(self.curve.size, data);
        let mut random = vec![0; self.curve.size];
        loop {
            aws_lc_rs::rand::fill(&mut random).unwrap();
            if let Some(signature) = self.curve.sign(&self.private, &digest, &random) {
                return signature;
            }
        }
    }
}

/// Whether the signature of the data is that of this `SubjectPublicKeyInfo` (DER).
pub(crate) fn verify(public_key: &[u8], data: &[u8], signature: &[u8]) -> bool {
    let info = PublicKeyInfo::from_der(public_key).unwrap();
    let curve = curve(info.algorithm.parameters.curve);
    let key = OctetString::from_der(info.key.raw_bytes()).unwrap();
    curve.verify(key.as_bytes(), &streebog(curve.size, data), signature)
}
