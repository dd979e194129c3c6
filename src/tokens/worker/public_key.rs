//! Public keys as PKCS#11 has them, made `SubjectPublicKeyInfo`.

use cryptoki::object::{Attribute, AttributeType, KeyType};
use der::asn1::{AnyRef, BitStringRef, ObjectIdentifier, OctetStringRef, UintRef};
use der::{Decode, Encode};
use x509_cert::Certificate;
use x509_cert::spki::{AlgorithmIdentifierRef, SubjectPublicKeyInfoRef};

use super::listing::{bytes, key_type};
use super::session::{ED25519, ED25519_NAME, P256, P384};

const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
const EC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");

/// Longest RSA modulus, in bytes.
const LONGEST_MODULUS: usize = 2048;

/// The public key that these attributes are; none: of another type, or nonsense.
pub(super) fn of_attributes(read: &[Attribute]) -> Option<Vec<u8>> {
    match key_type(read)? {
        KeyType::RSA => {
            let modulus = bytes(read, AttributeType::Modulus)?;
            let exponent = bytes(read, AttributeType::PublicExponent)?;
            if bits(modulus)? < 512 || modulus.len() > LONGEST_MODULUS || exponent.len() > 64 {
                return None;
            }
            let key = rsa::pkcs1::RsaPublicKey {
                modulus: UintRef::new(modulus).ok()?,
                public_exponent: UintRef::new(exponent).ok()?,
            };
            spki(RSA, Some(AnyRef::NULL), &key.to_der().ok()?)
        }
        KeyType::EC => {
            let curve = bytes(read, AttributeType::EcParams)?;
            let coordinate = match curve {
                P256 => 32,
                P384 => 48,
                _ => return None,
            };
            let point = point(bytes(read, AttributeType::EcPoint)?, 2 * coordinate + 1)?;
            (point[0] == 4).then_some(())?;
            spki(EC, Some(AnyRef::from_der(curve).ok()?), point)
        }
        KeyType::EC_EDWARDS => {
            let curve = bytes(read, AttributeType::EcParams)?;
            [ED25519, ED25519_NAME].contains(&curve).then_some(())?;
            let point = point(bytes(read, AttributeType::EcPoint)?, 32)?;
            spki(ObjectIdentifier::from_der(ED25519).ok()?, None, point)
        }
        _ => None,
    }
}

/// A point of this length: wrapped in an OCTET STRING, as the standard wants it, or a BIT STRING, or bare.
fn point(raw: &[u8], length: usize) -> Option<&[u8]> {
    let unwrapped = if raw.len() == length {
        Some(raw)
    } else if let Ok(octets) = OctetStringRef::from_der(raw) {
        Some(octets.as_bytes())
    } else {
        BitStringRef::from_der(raw).ok()?.as_bytes()
    };
    unwrapped.filter(|point| point.len() == length)
}

fn spki(oid: ObjectIdentifier, parameters: Option<AnyRef<'_>>, key: &[u8]) -> Option<Vec<u8>> {
    let info = SubjectPublicKeyInfoRef {
        algorithm: AlgorithmIdentifierRef { oid, parameters },
        subject_public_key: BitStringRef::from_bytes(key).ok()?,
    };
    info.to_der().ok()
}

/// The public key of a certificate.
pub(super) fn of_certificate(der: &[u8]) -> Option<Vec<u8>> {
    let certificate = Certificate::from_der(der).ok()?;
    let info = certificate.tbs_certificate.subject_public_key_info;
    info.to_der().ok()
}

/// Length of a number in bits; none: it is 0.
pub(super) fn bits(number: &[u8]) -> Option<u32> {
    let start = number.iter().position(|byte| *byte != 0)?;
    let bits = (number.len() - start) * 8 - number[start].leading_zeros() as usize;
    u32::try_from(bits).ok()
}

/// Length of an RSA key in bits.
pub(super) fn rsa_bits(spki: &[u8]) -> Option<u32> {
    let info = SubjectPublicKeyInfoRef::from_der(spki).ok()?;
    (info.algorithm.oid == RSA).then_some(())?;
    let key = rsa::pkcs1::RsaPublicKey::from_der(info.subject_public_key.as_bytes()?).ok()?;
    bits(key.modulus.as_bytes())
}
