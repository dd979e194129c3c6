//! The public half of a carrier key: read from what the token shows, written as bindings have it, verified under.

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use der::asn1::{BitString, Null, ObjectIdentifier};
use der::{Any, Decode, Encode};
use sha2::{Digest, Sha256};
use x509_cert::spki::{AlgorithmIdentifierOwned, SubjectPublicKeyInfoOwned, SubjectPublicKeyInfoRef};

use crate::devices::carrier::{CarrierError, is_weak};
use crate::tokens::{KeyKind, Mechanism, TokenKey};

const ID_ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");
const ID_EC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
const ID_P256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
const ID_RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");

/// `DigestInfo` of a SHA-256 (RFC 8017, 9.2) up to the digest.
const DIGEST_INFO: [u8; 19] = [
    0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00,
    0x04, 0x20,
];

/// First byte of a point that is written with both coordinates.
const UNCOMPRESSED: u8 = 4;

/// A public key that proofs are verified under.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum PublicKey {
    Ed25519([u8; 32]),
    /// The point, uncompressed.
    P256([u8; 65]),
    /// `RSAPublicKey` (DER).
    Rsa(Vec<u8>),
}

impl PublicKey {
    /// What the token shows for a key; it must be of the kind that the token says.
    ///
    /// # Errors
    /// [`CarrierError::Unfit`].
    pub(super) fn of(key: &TokenKey) -> Result<Self, CarrierError> {
        let unfit = |why: &str| CarrierError::Unfit(why.to_owned());
        let der = (key.public_key.as_deref())
            .ok_or_else(|| unfit("the token shows neither a public key nor a certificate for it"))?;
        let read =
            Self::read(der).ok_or_else(|| unfit("the public key that the token shows cannot be read"))?;
        match (&read, key.kind) {
            (Self::Ed25519(key), KeyKind::Ed25519) if is_weak(key) => Err(unfit(
                "its public key is of small order, under which anybody can sign",
            )),
            (Self::Ed25519(_), KeyKind::Ed25519)
            | (Self::P256(_), KeyKind::EcP256)
            | (Self::Rsa(_), KeyKind::Rsa(_)) => Ok(read),
            _ => Err(unfit("the public key that the token shows is of another kind")),
        }
    }

    fn read(der: &[u8]) -> Option<Self> {
        let info = SubjectPublicKeyInfoRef::from_der(der).ok()?;
        let bits = info.subject_public_key.as_bytes()?;
        match info.algorithm.oid {
            ID_ED25519 => Some(Self::Ed25519(bits.try_into().ok()?)),
            ID_EC if info.algorithm.parameters_oid().ok()? == ID_P256 => {
                let point: [u8; 65] = bits.try_into().ok()?;
                (point[0] == UNCOMPRESSED).then_some(Self::P256(point))
            }
            ID_RSA => Some(Self::Rsa(bits.to_vec())),
            _ => None,
        }
    }

    /// Reads what [`PublicKey::text`] wrote; none: it is no key of a known kind, or one under which anybody can sign.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let key = Self::read(&URL_SAFE_NO_PAD.decode(text).ok()?)?;
        let weak = matches!(&key, Self::Ed25519(key) if is_weak(key));
        (!weak && key.text() == text).then_some(key)
    }

    /// As bindings write it. However a token or a module encodes a key, this has one form of it.
    pub(super) fn text(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.info().unwrap_or_default())
    }

    /// `SubjectPublicKeyInfo` (DER). An error: the key is larger than DER can say, which none is.
    fn info(&self) -> Result<Vec<u8>, der::Error> {
        let (oid, parameters, bits) = match self {
            Self::Ed25519(key) => (ID_ED25519, None, &key[..]),
            Self::P256(point) => (ID_EC, Some(Any::encode_from(&ID_P256)?), &point[..]),
            Self::Rsa(key) => (ID_RSA, Some(Any::encode_from(&Null)?), &key[..]),
        };
        let info = SubjectPublicKeyInfoOwned {
            algorithm: AlgorithmIdentifierOwned { oid, parameters },
            subject_public_key: BitString::from_bytes(bits)?,
        };
        info.to_der()
    }

    /// How a token signs this message, and what it is given for it.
    pub(super) fn to_sign(&self, message: &[u8]) -> (Mechanism, Vec<u8>) {
        let digest = Sha256::digest(message);
        match self {
            Self::Ed25519(_) => (Mechanism::Eddsa, message.to_vec()),
            Self::P256(_) => (Mechanism::Ecdsa, digest.to_vec()),
            Self::Rsa(_) => (Mechanism::RsaPkcs1, [&DIGEST_INFO[..], &digest].concat()),
        }
    }

    /// Whether this is the signature over the message.
    pub(super) fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        let verified = match self {
            Self::Ed25519(key) => UnparsedPublicKey::new(&ED25519, &key[..]).verify(message, signature),
            Self::P256(point) => {
                UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, &point[..]).verify(message, signature)
            }
            Self::Rsa(key) => {
                UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, &key[..]).verify(message, signature)
            }
        };
        verified.is_ok()
    }
}
