//! Reads `SignedData` (RFC 5652, section 5): what was signed, by whom, and what the signature vouches for.

use der::Decode;
use der::asn1::ObjectIdentifier;
use x509_cert::time::Time;

use super::algorithm::Digest;
use super::ber::{definite, octets};
use super::certificate::Certificate;
use super::envelope::{CertificateIdentifier, content_info};
use super::error::{CmsError, Malformed};
use super::oid;
use super::tlv::{INTEGER, OCTET_STRING, OID, Reader, SEQUENCE, SET, Tlv, context};
use crate::licence::Timestamp;

/// Most certificates, signers and attributes read, each.
const MOST: usize = 100;

/// A signed message.
#[derive(Clone, Debug)]
pub struct SignedMessage {
    /// The content; none: it is outside of the message.
    pub content: Option<Vec<u8>>,
    /// The certificates in it that can be read.
    pub certificates: Vec<Certificate>,
    /// Who signed it.
    pub signers: Vec<Signer>,
    pub(super) content_type: ObjectIdentifier,
}

/// One who signed.
#[derive(Clone, Debug)]
pub struct Signer {
    /// Whose certificate it is.
    pub identifier: CertificateIdentifier,
    /// The digest; none: one that is not supported.
    pub digest: Option<Digest>,
    /// How it is signed.
    pub scheme: Scheme,
    /// What the signature vouches for; none: for nothing but the content.
    pub attributes: Option<SignedAttributes>,
    /// The signature.
    pub signature: Vec<u8>,
}

/// How a message is signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// `RSASSA-PKCS1-v1_5`.
    Rsa,
    /// ECDSA.
    Ecdsa,
    /// GOST R 34.10-2012, 256 bits.
    Gost256,
    /// GOST R 34.10-2012, 512 bits.
    Gost512,
    /// In another way, of this object identifier: it is not supported.
    Other(String),
}

/// Attributes that are signed.
#[derive(Clone, Debug, Default)]
pub struct SignedAttributes {
    /// When the signer says that it was.
    pub signing_time: Option<Timestamp>,
    /// The digest of the content.
    pub message_digest: Vec<u8>,
    /// The signer's certificate (signing-certificate-v2).
    pub signing_certificate: Option<CertificateDigest>,
    pub(super) content_type: Option<ObjectIdentifier>,
    /// The attributes as they were signed: a `SET OF`, DER.
    pub(super) signed: Vec<u8>,
}

/// A certificate named by its digest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateDigest {
    /// None: one that is not supported.
    pub digest: Option<Digest>,
    /// The digest's value.
    pub value: Vec<u8>,
}

impl SignedMessage {
    /// Reads a message, DER or BER. Nothing in it is verified by that.
    ///
    /// # Errors
    /// [`CmsError::Message`].
    pub fn read(message: &[u8]) -> Result<Self, CmsError> {
        read(message).map_err(Malformed::message)
    }
}

fn read(message: &[u8]) -> Result<SignedMessage, Malformed> {
    let message = definite(message)?;
    let (kind, mut fields) = content_info(&message)?;
    if kind != oid::SIGNED_DATA {
        return Err(Malformed("it is not a signed one"));
    }
    fields.tagged(INTEGER)?;
    fields.tagged(SET)?;
    let mut encapsulated = fields.tagged(SEQUENCE)?.inner();
    let content_type = encapsulated.tagged(OID)?.oid()?;
    let content = match encapsulated.optional(context(0))? {
        Some(explicit) => Some(octets(only_octets(explicit)?)?),
        None => None,
    };
    let mut certificates = Vec::new();
    if let Some(set) = fields.optional(context(0))? {
        for element in set.inner().all(MOST)? {
            // Whoever sends it may add certificates of kinds that are not known; a signer's must be readable.
            certificates.extend(Certificate::read(element.raw));
        }
    }
    fields.optional(context(1))?;
    let signers = fields.tagged(SET)?.inner().all(MOST)?;
    fields.end()?;
    Ok(SignedMessage {
        content,
        certificates,
        signers: signers.into_iter().map(signer).collect::<Result<_, _>>()?,
        content_type,
    })
}

/// The one octet string in an explicit tag.
fn only_octets(explicit: Tlv<'_>) -> Result<Tlv<'_>, Malformed> {
    let mut inner = explicit.inner();
    let element = inner.next()?;
    inner.end()?;
    match element.tag {
        OCTET_STRING | 0x24 => Ok(element),
        _ => Err(Malformed("its content is not an octet string")),
    }
}

fn signer(element: Tlv<'_>) -> Result<Signer, Malformed> {
    let mut fields = Reader::only(element.raw, SEQUENCE)?.inner();
    fields.tagged(INTEGER)?;
    let identifier = CertificateIdentifier::read(fields.next()?)?;
    let digest = fields.tagged(SEQUENCE)?.inner().tagged(OID)?.oid()?;
    let attributes = fields.optional(context(0))?.map(attributes).transpose()?;
    let scheme = scheme(fields.tagged(SEQUENCE)?.inner().tagged(OID)?.oid()?);
    let signature = fields.tagged(OCTET_STRING)?.value.to_vec();
    fields.optional(context(1))?;
    fields.end()?;
    Ok(Signer {
        identifier,
        digest: Digest::by(digest),
        scheme,
        attributes,
        signature,
    })
}

/// The key's own identifier stands for the signature's with RSA and GOST.
fn scheme(kind: ObjectIdentifier) -> Scheme {
    match kind {
        oid::RSA_ENCRYPTION
        | oid::SHA256_WITH_RSA_ENCRYPTION
        | oid::SHA384_WITH_RSA_ENCRYPTION
        | oid::SHA512_WITH_RSA_ENCRYPTION => Scheme::Rsa,
        oid::ECDSA_WITH_SHA256 | oid::ECDSA_WITH_SHA384 | oid::ECDSA_WITH_SHA512 => Scheme::Ecdsa,
        oid::GOST_256_KEY | oid::GOST_256_SIGNATURE => Scheme::Gost256,
        oid::GOST_512_KEY | oid::GOST_512_SIGNATURE => Scheme::Gost512,
        _ => Scheme::Other(kind.to_string()),
    }
}

fn attributes(set: Tlv<'_>) -> Result<SignedAttributes, Malformed> {
    let mut found = SignedAttributes {
        // What is signed has the tag of a set, not the one that it goes under in the message (section 5.4).
        signed: [&[SET], &set.raw[1..]].concat(),
        ..SignedAttributes::default()
    };
    let mut seen = Vec::new();
    for element in set.inner().all(MOST)? {
        let mut fields = Reader::only(element.raw, SEQUENCE)?.inner();
        let kind = fields.tagged(OID)?.oid()?;
        if seen.contains(&kind) {
            return Err(Malformed("a signed attribute is there twice"));
        }
        seen.push(kind);
        let mut values = fields.tagged(SET)?.inner();
        match kind {
            oid::CONTENT_TYPE => found.content_type = Some(values.tagged(OID)?.oid()?),
            oid::MESSAGE_DIGEST => found.message_digest = values.tagged(OCTET_STRING)?.value.to_vec(),
            oid::SIGNING_TIME => found.signing_time = Some(time(values.next()?)?),
            oid::SIGNING_CERTIFICATE_V2 => {
                found.signing_certificate = Some(signing_certificate(values.tagged(SEQUENCE)?)?);
            }
            // Others are signed too, and say nothing to this program.
            _ => continue,
        }
        values.end()?;
    }
    if found.message_digest.is_empty() || found.content_type.is_none() {
        return Err(Malformed(
            "its signed attributes lack the content's type or digest",
        ));
    }
    Ok(found)
}

fn time(element: Tlv<'_>) -> Result<Timestamp, Malformed> {
    let time = Time::from_der(element.raw).map_err(|_| Malformed("its signing time cannot be read"))?;
    let millis = i64::try_from(time.to_unix_duration().as_millis()).unwrap_or(i64::MAX);
    Ok(Timestamp::from_millis(millis))
}

/// The first certificate of `SigningCertificateV2`: the signer's (RFC 5035, section 3).
fn signing_certificate(element: Tlv<'_>) -> Result<CertificateDigest, Malformed> {
    let mut first = element
        .inner()
        .tagged(SEQUENCE)?
        .inner()
        .tagged(SEQUENCE)?
        .inner();
    let digest = match first.optional(SEQUENCE)? {
        Some(algorithm) => Digest::by(algorithm.inner().tagged(OID)?.oid()?),
        None => Some(Digest::Sha256),
    };
    let value = first.tagged(OCTET_STRING)?.value.to_vec();
    Ok(CertificateDigest { digest, value })
}
