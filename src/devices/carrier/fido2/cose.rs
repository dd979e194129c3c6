//! Public keys of credentials as COSE keys (RFC 9053): ES256 and `EdDSA`.

use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1, ED25519, UnparsedPublicKey};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ciborium::Value;

use super::super::weak_key::is_weak;
use super::cbor::{Map, encode, map};

/// Algorithms that keys are asked for, the preferred one first.
pub(super) const ALGORITHMS: [i64; 2] = [ES256, EDDSA];

const ES256: i64 = -7;
const EDDSA: i64 = -8;

/// Labels of a COSE key, and what stands there.
const KEY_TYPE: i64 = 1;
const ALGORITHM: i64 = 3;
const CURVE: i64 = -1;
const X: i64 = -2;
const Y: i64 = -3;
const OCTET_KEY_PAIR: i64 = 1;
const TWO_COORDINATES: i64 = 2;
const P256: i64 = 1;
const CURVE_25519: i64 = 6;

type Coordinate = [u8; 32];

/// A public key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum CoseKey {
    /// ECDSA over P-256 with SHA-256.
    Es256 { x: Coordinate, y: Coordinate },
    /// Ed25519.
    EdDsa { x: Coordinate },
}

impl CoseKey {
    /// Reads the COSE key at the beginning of these bytes; none: it is no key of a known algorithm, or one under which
    /// anybody can sign.
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let key = Map::read(bytes).ok()?;
        let coordinate = |label| Coordinate::try_from(key.bytes(label)?).ok();
        match (key.number(KEY_TYPE)?, key.number(ALGORITHM)?, key.number(CURVE)?) {
            (TWO_COORDINATES, ES256, P256) => Some(Self::Es256 {
                x: coordinate(X)?,
                y: coordinate(Y)?,
            }),
            (OCTET_KEY_PAIR, EDDSA, CURVE_25519) => {
                let x = coordinate(X).filter(|x| !is_weak(x))?;
                Some(Self::EdDsa { x })
            }
            _ => None,
        }
    }

    /// Reads what [`CoseKey::text`] wrote.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let key = Self::read(&URL_SAFE_NO_PAD.decode(text).ok()?)?;
        (key.text() == text).then_some(key)
    }

    /// The canonical CBOR of the key, in base64url without padding: as bindings write it.
    pub(super) fn text(&self) -> String {
        let bytes = |coordinate: &Coordinate| Value::Bytes(coordinate.to_vec());
        let key = match self {
            Self::Es256 { x, y } => map([
                (KEY_TYPE, TWO_COORDINATES.into()),
                (ALGORITHM, ES256.into()),
                (CURVE, P256.into()),
                (X, bytes(x)),
                (Y, bytes(y)),
            ]),
            Self::EdDsa { x } => map([
                (KEY_TYPE, OCTET_KEY_PAIR.into()),
                (ALGORITHM, EDDSA.into()),
                (CURVE, CURVE_25519.into()),
                (X, bytes(x)),
            ]),
        };
        URL_SAFE_NO_PAD.encode(encode(key))
    }

    /// Whether this is a signature of the message.
    pub(super) fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        match self {
            Self::Es256 { x, y } => {
                let point = [&[4], &x[..], &y[..]].concat();
                UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, point).verify(message, signature)
            }
            Self::EdDsa { x } => UnparsedPublicKey::new(&ED25519, x).verify(message, signature),
        }
        .is_ok()
    }
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::rand::SystemRandom;
    use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair};

    use super::*;

    #[test]
    fn both_kinds_of_keys_verify_and_come_back_from_their_text() {
        let random = SystemRandom::new();
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).unwrap();
        let (x, y) = pair.public_key().as_ref()[1..].split_at(32);
        let key = CoseKey::Es256 {
            x: x.try_into().unwrap(),
            y: y.try_into().unwrap(),
        };
        let signature = pair.sign(&random, b"message").unwrap();
        assert!(key.verifies(b"message", signature.as_ref()));
        assert!(!key.verifies(b"massage", signature.as_ref()));
        assert_eq!(CoseKey::parse(&key.text()), Some(key));

        let pair = Ed25519KeyPair::generate().unwrap();
        let x = pair.public_key().as_ref().try_into().unwrap();
        let key = CoseKey::EdDsa { x };
        assert!(key.verifies(b"message", pair.sign(b"message").as_ref()));
        assert!(!key.verifies(b"message", &[0; 64]));
        assert_eq!(CoseKey::parse(&key.text()), Some(key));
    }

    #[test]
    fn what_is_no_key_or_proves_nothing_is_refused() {
        let weak = CoseKey::EdDsa { x: [0; 32] };
        assert_eq!(CoseKey::parse(&weak.text()), None);
        assert_eq!(CoseKey::parse("no base64!"), None);
        assert_eq!(CoseKey::read(&[0xa1, 0x01, 0x02]), None);
        let mut padded = CoseKey::Es256 {
            x: [1; 32],
            y: [2; 32],
        }
        .text();
        padded.push('=');
        assert_eq!(CoseKey::parse(&padded), None);
    }
}
