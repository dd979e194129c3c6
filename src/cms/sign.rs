//! Builds `SignedData` in two steps: what is to be signed, and, once somebody signed it, the message.
//!
//! Certificates and names go in as the bytes that their issuers made: the types of `cms` would encode them anew, and
//! its builder knows no digest but SHA.

use std::time::Duration;

use cms::content_info::{CmsVersion, ContentInfo};
use cms::signed_data::EncapsulatedContentInfo;
use der::asn1::{GeneralizedTime, ObjectIdentifier, OctetString, SetOfVec, UintRef, UtcTime};
use der::{Any, Decode, Encode, Sequence, Tag, ValueOrd};
use x509_cert::attr::{Attribute, Attributes};
use x509_cert::spki::AlgorithmIdentifierOwned;
use x509_cert::time::Time;

use super::algorithm::{Algorithm, Digest};
use super::certificate::{Certificate, PublicKeyKind};
use super::error::CmsError;
use super::oid;
use crate::licence::Timestamp;

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
    /// Length of the signature, in bytes.
    length: usize,
    to_be_signed: Vec<u8>,
    signer: SignerInfo,
    content: EncapsulatedContentInfo,
    certificates: SetOfVec<Any>,
}

/// `SignedData` (RFC 5652, section 5.1).
#[derive(Sequence)]
struct SignedData {
    version: CmsVersion,
    digest_algorithms: SetOfVec<AlgorithmIdentifierOwned>,
    content: EncapsulatedContentInfo,
    #[asn1(context_specific = "0", tag_mode = "IMPLICIT", constructed = "true")]
    certificates: SetOfVec<Any>,
    signers: SetOfVec<SignerInfo>,
}

/// `SignerInfo` (section 5.3).
#[derive(Clone, Debug, Sequence, ValueOrd)]
struct SignerInfo {
    version: CmsVersion,
    issuer_and_serial: IssuerAndSerial,
    digest_algorithm: AlgorithmIdentifierOwned,
    #[asn1(context_specific = "0", tag_mode = "IMPLICIT", constructed = "true")]
    signed_attributes: Attributes,
    signature_algorithm: AlgorithmIdentifierOwned,
    signature: OctetString,
}

/// `IssuerAndSerialNumber` (section 10.2.4).
#[derive(Clone, Debug, Sequence, ValueOrd)]
struct IssuerAndSerial {
    issuer: Any,
    serial: Any,
}

/// `SigningCertificateV2` (RFC 5035, section 3) of one certificate and no policies.
#[derive(Sequence)]
struct SigningCertificate {
    certificates: Vec<CertificateId>,
}

/// `ESSCertIDv2`.
#[derive(Sequence)]
struct CertificateId {
    /// None: SHA-256.
    #[asn1(optional = "true")]
    hash_algorithm: Option<AlgorithmIdentifierOwned>,
    hash: OctetString,
    issuer_serial: IssuerSerial,
}

/// `IssuerSerial`: the name as the one choice of `GeneralNames`.
#[derive(Sequence)]
struct IssuerSerial {
    issuer: Vec<Any>,
    serial: Any,
}

/// Prepares a message.
///
/// # Errors
/// [`CmsError::Certificate`].
pub fn draft(request: &SigningRequest<'_>) -> Result<Draft, CmsError> {
    let certificate = Certificate::read(request.certificate)?;
    let unsupported = || CmsError::Certificate("its key is of a type that signs no CMS".into());
    let algorithm = Algorithm::of(certificate.key).ok_or_else(unsupported)?;
    let length = match (algorithm, certificate.key) {
        (Algorithm::RsaSha256, PublicKeyKind::Rsa(bits)) => bits.div_ceil(8) as usize,
        (Algorithm::EcdsaSha384, _) => 96,
        (Algorithm::Gost512, _) => 128,
        _ => 64,
    };
    for further in request.chain {
        Certificate::read(further)?;
    }
    prepare(request, &certificate, algorithm, length)
        .map_err(|error| CmsError::Certificate(format!("it does not go into a message: {error}")))
}

fn prepare(
    request: &SigningRequest<'_>,
    certificate: &Certificate,
    algorithm: Algorithm,
    length: usize,
) -> der::Result<Draft> {
    let digest = algorithm.digest();
    let issuer_and_serial = IssuerAndSerial {
        issuer: Any::from_der(&certificate.issuer_der)?,
        serial: Any::new(Tag::Integer, certificate.serial.as_slice())?,
    };
    let content_digest = OctetString::new(digest.of(request.content))?;
    let mut attributes = vec![
        attribute(oid::CONTENT_TYPE, &oid::DATA)?,
        attribute(oid::SIGNING_TIME, &signing_time(request.time)?)?,
        attribute(oid::MESSAGE_DIGEST, &content_digest)?,
    ];
    if request.profile == Profile::CadesBes {
        let named = signing_certificate(certificate, digest, &issuer_and_serial)?;
        attributes.push(attribute(oid::SIGNING_CERTIFICATE_V2, &named)?);
    }
    let signed_attributes = Attributes::try_from(attributes)?;
    let to_be_signed = signed_attributes.to_der()?;

    let mut certificates = vec![request.certificate];
    certificates.extend(request.chain);
    certificates.sort_unstable();
    certificates.dedup();
    let certificates: Vec<Any> = certificates
        .into_iter()
        .map(Any::from_der)
        .collect::<der::Result<_>>()?;
    let content = (!request.detached).then(|| Any::new(Tag::OctetString, request.content));
    Ok(Draft {
        algorithm,
        length,
        to_be_signed,
        signer: SignerInfo {
            version: CmsVersion::V1,
            issuer_and_serial,
            digest_algorithm: digest.identifier(),
            signed_attributes,
            signature_algorithm: algorithm.identifier(),
            signature: OctetString::new([])?,
        },
        content: EncapsulatedContentInfo {
            econtent_type: oid::DATA,
            econtent: content.transpose()?,
        },
        certificates: SetOfVec::try_from(certificates)?,
    })
}

fn attribute(oid: ObjectIdentifier, value: &impl Encode) -> der::Result<Attribute> {
    let values = SetOfVec::try_from([Any::from_der(&value.to_der()?)?])?;
    Ok(Attribute { oid, values })
}

/// `UTCTime` through 2049, `GeneralizedTime` from then on (RFC 5652, section 11.3); in whole seconds.
fn signing_time(time: Timestamp) -> der::Result<Time> {
    let seconds = Duration::from_secs(u64::try_from(time.millis() / 1000).unwrap_or(0));
    match UtcTime::from_unix_duration(seconds) {
        Ok(time) => Ok(Time::UtcTime(time)),
        Err(_) => GeneralizedTime::from_unix_duration(seconds).map(Time::GeneralTime),
    }
}

fn signing_certificate(
    certificate: &Certificate,
    digest: Digest,
    of: &IssuerAndSerial,
) -> der::Result<SigningCertificate> {
    let hash = match digest {
        Digest::Streebog256 | Digest::Streebog512 => digest,
        Digest::Sha256 | Digest::Sha384 | Digest::Sha512 => Digest::Sha256,
    };
    // directoryName [4], explicit, for a Name is a choice.
    let name = Any::new(
        Tag::ContextSpecific {
            constructed: true,
            number: der::TagNumber::N4,
        },
        certificate.issuer_der.as_slice(),
    )?;
    Ok(SigningCertificate {
        certificates: vec![CertificateId {
            hash_algorithm: (hash != Digest::Sha256).then(|| hash.identifier()),
            hash: OctetString::new(hash.of(&certificate.der))?,
            issuer_serial: IssuerSerial {
                issuer: vec![name],
                serial: of.serial.clone(),
            },
        }],
    })
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
        if signature.len() != self.length {
            let (given, due) = (signature.len(), self.length);
            return Err(CmsError::Message(format!(
                "a signature of {given} bytes, not {due}"
            )));
        }
        let faulty = |error| CmsError::Message(format!("it cannot be written: {error}"));
        self.assemble(signature).map_err(faulty)
    }

    fn assemble(mut self, signature: &[u8]) -> der::Result<Vec<u8>> {
        let signature = match self.algorithm {
            Algorithm::EcdsaSha256 | Algorithm::EcdsaSha384 => {
                let (r, s) = signature.split_at(self.length / 2);
                vec![UintRef::new(r)?, UintRef::new(s)?].to_der()?
            }
            Algorithm::RsaSha256 | Algorithm::Gost256 | Algorithm::Gost512 => signature.to_vec(),
        };
        self.signer.signature = OctetString::new(signature)?;
        let message = SignedData {
            version: CmsVersion::V1,
            digest_algorithms: SetOfVec::try_from([self.signer.digest_algorithm.clone()])?,
            content: self.content,
            certificates: self.certificates,
            signers: SetOfVec::try_from([self.signer])?,
        };
        let content = Any::encode_from(&message)?;
        let content_type = oid::SIGNED_DATA;
        ContentInfo {
            content_type,
            content,
        }
        .to_der()
    }
}
