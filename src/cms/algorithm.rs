//! Which digest and which identifiers go with which key.

use aws_lc_rs::digest::{Algorithm as Sha, SHA256, SHA384, digest};
use der::Any;
use der::asn1::{Null, ObjectIdentifier};
use x509_cert::spki::AlgorithmIdentifierOwned;

use super::certificate::PublicKeyKind;
use super::oid;

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

impl Algorithm {
    /// How a key of this type signs; none: it does not.
    pub fn of(key: PublicKeyKind) -> Option<Self> {
        match key {
            PublicKeyKind::Rsa(_) => Some(Self::RsaSha256),
            PublicKeyKind::EcP256 => Some(Self::EcdsaSha256),
            PublicKeyKind::EcP384 => Some(Self::EcdsaSha384),
            PublicKeyKind::Gost256 => Some(Self::Gost256),
            PublicKeyKind::Gost512 => Some(Self::Gost512),
            PublicKeyKind::Ed25519 | PublicKeyKind::Other => None,
        }
    }

    pub(super) fn digest(self) -> Digest {
        match self {
            Self::RsaSha256 | Self::EcdsaSha256 => Digest::Sha256,
            Self::EcdsaSha384 => Digest::Sha384,
            Self::Gost256 => Digest::Streebog256,
            Self::Gost512 => Digest::Streebog512,
        }
    }

    /// The identifier of the signature: for GOST the one that the marking system prints in its manual.
    pub(super) fn identifier(self) -> AlgorithmIdentifierOwned {
        match self {
            Self::RsaSha256 => with_null(oid::RSA_ENCRYPTION),
            Self::EcdsaSha256 => plain(oid::ECDSA_WITH_SHA256),
            Self::EcdsaSha384 => plain(oid::ECDSA_WITH_SHA384),
            Self::Gost256 => with_null(oid::GOST_256_SIGNATURE),
            Self::Gost512 => with_null(oid::GOST_512_SIGNATURE),
        }
    }
}

/// A digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Digest {
    /// SHA-256.
    Sha256,
    /// SHA-384.
    Sha384,
    /// SHA-512.
    Sha512,
    /// GOST R 34.11-2012, 256 bits.
    Streebog256,
    /// GOST R 34.11-2012, 512 bits.
    Streebog512,
}

impl Digest {
    pub(super) fn by(oid: ObjectIdentifier) -> Option<Self> {
        Some(match oid {
            oid::SHA256 => Self::Sha256,
            oid::SHA384 => Self::Sha384,
            oid::SHA512 => Self::Sha512,
            oid::STREEBOG_256 => Self::Streebog256,
            oid::STREEBOG_512 => Self::Streebog512,
            _ => return None,
        })
    }

    /// SHA-2 goes without parameters (RFC 5754); Streebog has NULL, as OpenSSL and the marking system write.
    pub(super) fn identifier(self) -> AlgorithmIdentifierOwned {
        match self {
            Self::Sha256 => plain(oid::SHA256),
            Self::Sha384 => plain(oid::SHA384),
            Self::Sha512 => plain(oid::SHA512),
            Self::Streebog256 => with_null(oid::STREEBOG_256),
            Self::Streebog512 => with_null(oid::STREEBOG_512),
        }
    }

    pub(super) fn of(self, data: &[u8]) -> Vec<u8> {
        use streebog::Digest as _;
        let sha = |algorithm: &'static Sha| digest(algorithm, data).as_ref().to_vec();
        match self {
            Self::Sha256 => sha(&SHA256),
            Self::Sha384 => sha(&SHA384),
            Self::Sha512 => sha(&aws_lc_rs::digest::SHA512),
            Self::Streebog256 => streebog::Streebog256::digest(data).to_vec(),
            Self::Streebog512 => streebog::Streebog512::digest(data).to_vec(),
        }
    }
}

fn plain(oid: ObjectIdentifier) -> AlgorithmIdentifierOwned {
    AlgorithmIdentifierOwned {
        oid,
        parameters: None,
    }
}

fn with_null(oid: ObjectIdentifier) -> AlgorithmIdentifierOwned {
    AlgorithmIdentifierOwned {
        oid,
        parameters: Some(Any::from(Null)),
    }
}
