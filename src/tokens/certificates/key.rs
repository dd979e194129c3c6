//! A private key out of a file, in this process's memory: signs and decrypts through aws-lc-rs.

use std::fmt;

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{
    KeyPair as RsaKeyPair, OAEP_SHA1_MGF1SHA1, OAEP_SHA256_MGF1SHA256, OaepAlgorithm,
    OaepPrivateDecryptingKey, Pkcs1PrivateDecryptingKey, PrivateDecryptingKey,
};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, KeyPair, RSA_PKCS1_SHA256,
};
use der::asn1::{AnyRef, ObjectIdentifier};
use der::{Decode, SliceReader};
use zeroize::Zeroizing;

use crate::cms::Algorithm;
use crate::tokens::Decryption;

/// `id-ecPublicKey`.
const EC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
/// `rsaEncryption`.
const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
/// `secp256r1`.
const P256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
/// `secp384r1`.
const P384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.34");
/// All of Russian standards begin so.
const GOST: &str = "1.2.643.";

/// A private key out of a file.
pub(super) struct FileKey {
    kind: Kind,
    /// What stands in the bit string of the certificate's public key, where it is known.
    public: Vec<u8>,
}

enum Kind {
    Rsa {
        signing: RsaKeyPair,
        pkcs1: Pkcs1PrivateDecryptingKey,
        oaep: OaepPrivateDecryptingKey,
    },
    Ecdsa {
        pair: EcdsaKeyPair,
        algorithm: Algorithm,
    },
}

/// Shows no part of the key.
impl fmt::Debug for FileKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.kind {
            Kind::Rsa { .. } => "RSA",
            Kind::Ecdsa { .. } => "ECDSA",
        };
        write!(f, "FileKey({kind})")
    }
}

/// Why bytes are no key that can be used; a sentence without its subject.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub(super) enum KeyFault {
    #[error("GOST keys work on tokens only")]
    Gost,
    #[error(
        "its private key is of a type that is not supported: RSA of 2048 to 8192 bits, P-256 and P-384 are"
    )]
    Type,
    #[error("its private key cannot be read")]
    Form,
}

impl FileKey {
    /// Reads a PKCS#8 `PrivateKeyInfo`.
    pub(super) fn from_pkcs8(der: &[u8]) -> Result<Self, KeyFault> {
        let (algorithm, parameters) = algorithm(der).ok_or(KeyFault::Form)?;
        if algorithm.to_string().starts_with(GOST) {
            return Err(KeyFault::Gost);
        }
        match algorithm {
            RSA => Self::rsa(RsaKeyPair::from_pkcs8(der).map_err(|_| KeyFault::Type)?),
            EC => {
                let (curve, algorithm) = match parameters {
                    Some(P256) => (&ECDSA_P256_SHA256_FIXED_SIGNING, Algorithm::EcdsaSha256),
                    Some(P384) => (&ECDSA_P384_SHA384_FIXED_SIGNING, Algorithm::EcdsaSha384),
                    _ => return Err(KeyFault::Type),
                };
                let pair = EcdsaKeyPair::from_private_key_der(curve, der).map_err(|_| KeyFault::Form)?;
                Ok(Self::ecdsa(pair, algorithm))
            }
            _ => Err(KeyFault::Type),
        }
    }

    /// Reads an `RSAPrivateKey` (PKCS#1).
    pub(super) fn from_pkcs1(der: &[u8]) -> Result<Self, KeyFault> {
        Self::rsa(RsaKeyPair::from_der(der).map_err(|_| KeyFault::Form)?)
    }

    /// Reads an `ECPrivateKey` (RFC 5915).
    pub(super) fn from_sec1(der: &[u8]) -> Result<Self, KeyFault> {
        let curves = [
            (&ECDSA_P256_SHA256_FIXED_SIGNING, Algorithm::EcdsaSha256),
            (&ECDSA_P384_SHA384_FIXED_SIGNING, Algorithm::EcdsaSha384),
        ];
        let read = curves.into_iter().find_map(|(curve, algorithm)| {
            let pair = EcdsaKeyPair::from_private_key_der(curve, der).ok()?;
            Some(Self::ecdsa(pair, algorithm))
        });
        read.ok_or(KeyFault::Type)
    }

    fn rsa(signing: RsaKeyPair) -> Result<Self, KeyFault> {
        let pkcs8: Pkcs8V1Der<'_> = signing.as_der().map_err(|_| KeyFault::Form)?;
        let decrypting = || PrivateDecryptingKey::from_pkcs8(pkcs8.as_ref()).map_err(|_| KeyFault::Type);
        let (pkcs1, oaep) = (
            Pkcs1PrivateDecryptingKey::new(decrypting()?).map_err(|_| KeyFault::Form)?,
            OaepPrivateDecryptingKey::new(decrypting()?).map_err(|_| KeyFault::Form)?,
        );
        Ok(Self {
            public: signing.public_key().as_ref().to_vec(),
            kind: Kind::Rsa { signing, pkcs1, oaep },
        })
    }

    fn ecdsa(pair: EcdsaKeyPair, algorithm: Algorithm) -> Self {
        Self {
            public: pair.public_key().as_ref().to_vec(),
            kind: Kind::Ecdsa { pair, algorithm },
        }
    }

    /// What stands in the bit string of a certificate for this key.
    pub(super) fn public(&self) -> &[u8] {
        &self.public
    }

    /// It can decrypt.
    pub(super) fn decrypts(&self) -> bool {
        matches!(self.kind, Kind::Rsa { .. })
    }

    /// Signs; for ECDSA r and s one after the other. None where the key is not one for that algorithm.
    pub(super) fn sign(&self, algorithm: Algorithm, message: &[u8]) -> Option<Vec<u8>> {
        let random = SystemRandom::new();
        match (&self.kind, algorithm) {
            (Kind::Rsa { signing, .. }, Algorithm::RsaSha256) => {
                let mut signature = vec![0; signing.public_modulus_len()];
                signing
                    .sign(&RSA_PKCS1_SHA256, &random, message, &mut signature)
                    .ok()?;
                Some(signature)
            }
            (Kind::Ecdsa { pair, algorithm: own }, asked) if *own == asked => {
                Some(pair.sign(&random, message).ok()?.as_ref().to_vec())
            }
            _ => None,
        }
    }

    /// Decrypts; None where it cannot, or where what comes out is not padded well. Who asks must not be told which.
    pub(super) fn decrypt(&self, how: Decryption, data: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let Kind::Rsa { pkcs1, oaep, .. } = &self.kind else {
            return None;
        };
        let mut room = Zeroizing::new(vec![0; pkcs1.min_output_size()]);
        let with = |algorithm: &'static OaepAlgorithm, room: &mut [u8]| {
            oaep.decrypt(algorithm, data, room, None).map(|plain| plain.len())
        };
        let length = match how {
            Decryption::RsaPkcs1 => pkcs1.decrypt(data, &mut room).map(|plain| plain.len()),
            Decryption::RsaOaepSha1 => with(&OAEP_SHA1_MGF1SHA1, &mut room),
            Decryption::RsaOaepSha256 => with(&OAEP_SHA256_MGF1SHA256, &mut room),
            Decryption::GostAgreement => return None,
        };
        room.truncate(length.ok()?);
        Some(room)
    }
}

/// The algorithm of a `PrivateKeyInfo`, and its parameters where they are an object identifier, as curves are.
fn algorithm(pkcs8: &[u8]) -> Option<(ObjectIdentifier, Option<ObjectIdentifier>)> {
    use der::Reader;
    let mut reader = SliceReader::new(pkcs8).ok()?;
    reader
        .sequence(|fields| {
            let _version: u8 = fields.decode()?;
            let algorithm = fields.sequence(|algorithm| {
                let id = ObjectIdentifier::decode(algorithm)?;
                let parameters: Option<AnyRef<'_>> = algorithm.decode()?;
                Ok((id, parameters.and_then(|any| any.decode_as().ok())))
            })?;
            while !fields.is_finished() {
                let _rest: AnyRef<'_> = fields.decode()?;
            }
            Ok(algorithm)
        })
        .ok()
}
