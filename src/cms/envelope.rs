//! Reads `EnvelopedData` (RFC 5652, section 6) and `AuthEnvelopedData` (RFC 5083): for whom it is, and what it takes.

use der::asn1::ObjectIdentifier;
use zeroize::Zeroizing;

use super::ber::{definite, octets};
use super::certificate::Certificate;
use super::content::Sealed;
use super::error::{CmsError, Malformed};
use super::gost_transport::GostTransport;
use super::oid;
use super::tlv::{INTEGER, OCTET_STRING, OID, Reader, SEQUENCE, SET, Tlv, context};

/// An octet string that consists of several.
const OCTET_STRINGS: u8 = 0x24;

/// Most recipients read.
const MOST: usize = 1000;

/// An encrypted message.
#[derive(Clone, Debug)]
pub struct Envelope {
    recipients: Vec<Recipient>,
    sealed: Sealed,
}

/// One for whom the key of the content was encrypted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recipient {
    /// Whose certificate it is.
    pub identifier: CertificateIdentifier,
    /// How the key of the content is encrypted.
    pub transport: KeyTransport,
    /// The encrypted key of the content.
    pub encrypted_key: Vec<u8>,
}

/// How a message names a certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CertificateIdentifier {
    /// By its issuer and its number there.
    IssuerAndSerial {
        /// `Name`, DER.
        issuer: Vec<u8>,
        /// Content of the `INTEGER`.
        serial: Vec<u8>,
    },
    /// By its extension subjectKeyIdentifier.
    SubjectKeyId(Vec<u8>),
}

/// How the key of the content is encrypted for a recipient.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyTransport {
    /// `RSAES-PKCS1-v1_5`.
    RsaPkcs1,
    /// RSAES-OAEP with SHA-1 for both of its uses, and no label.
    RsaOaepSha1,
    /// The same with SHA-256.
    RsaOaepSha256,
    /// With a key that is agreed on by VKO GOST R 34.10-2012, and GOST 28147-89.
    Gost(GostTransport),
    /// In another way, of this object identifier: it is not supported.
    Other(String),
}

/// Reads an encrypted message, DER or BER. Recipients of other kinds than a transported key are left out.
///
/// # Errors
/// [`CmsError::Message`]: it cannot be read, or is encrypted in a way that is not supported.
pub fn open_envelope(message: &[u8]) -> Result<Envelope, CmsError> {
    read(message).map_err(Malformed::message)
}

impl Envelope {
    /// For whom it is.
    pub fn recipients(&self) -> &[Recipient] {
        &self.recipients
    }

    /// The recipient that has this certificate.
    pub fn recipient(&self, certificate: &Certificate) -> Option<&Recipient> {
        let mut all = self.recipients.iter();
        all.find(|recipient| recipient.identifier.names(certificate))
    }

    /// Decrypts the content with its key. None, for a key that could not be decrypted, is answered exactly as a wrong key is,
    /// in time too: who sees which of them failed can decrypt by asking often (RFC 3218).
    ///
    /// # Errors
    /// [`CmsError::Undecipherable`], which tells no reason.
    pub fn decrypt(&self, content_key: Option<&[u8]>) -> Result<Zeroizing<Vec<u8>>, CmsError> {
        self.sealed.open(content_key)
    }
}

impl CertificateIdentifier {
    /// Whether it means this certificate.
    pub fn names(&self, certificate: &Certificate) -> bool {
        match self {
            Self::IssuerAndSerial { issuer, serial } => {
                *issuer == certificate.issuer_der && *serial == certificate.serial
            }
            Self::SubjectKeyId(id) => certificate.subject_key_id.as_ref() == Some(id),
        }
    }

    /// Reads `SignerIdentifier` and `RecipientIdentifier`, which are the same.
    pub(super) fn read(element: Tlv<'_>) -> Result<Self, Malformed> {
        match element.tag {
            SEQUENCE => {
                let mut fields = element.inner();
                Ok(Self::IssuerAndSerial {
                    issuer: fields.tagged(SEQUENCE)?.raw.to_vec(),
                    serial: fields.tagged(INTEGER)?.value.to_vec(),
                })
            }
            0x80 | 0xa0 => Ok(Self::SubjectKeyId(octets(element)?)),
            _ => Err(Malformed("it does not say whose certificate it means")),
        }
    }
}

/// The fields of the message inside of a `ContentInfo`, and its type.
pub(super) fn content_info(message: &[u8]) -> Result<(ObjectIdentifier, Reader<'_>), Malformed> {
    let mut fields = Reader::only(message, SEQUENCE)?.inner();
    let kind = fields.tagged(OID)?.oid()?;
    let content = fields.tagged(context(0))?;
    fields.end()?;
    Ok((kind, Reader::only(content.value, SEQUENCE)?.inner()))
}

fn read(message: &[u8]) -> Result<Envelope, Malformed> {
    let message = definite(message)?;
    let (kind, mut fields) = content_info(&message)?;
    let authenticated = match kind {
        oid::ENVELOPED_DATA => false,
        oid::AUTH_ENVELOPED_DATA => true,
        _ => return Err(Malformed("it is not an encrypted one")),
    };
    fields.tagged(INTEGER)?;
    fields.optional(context(0))?;
    let mut recipients = Vec::new();
    for element in fields.tagged(SET)?.inner().all(MOST)? {
        // A choice: what is not a plain sequence is for a key that was agreed on, or a password.
        if element.tag == SEQUENCE {
            recipients.push(recipient(element)?);
        }
    }
    let mut content = fields.tagged(SEQUENCE)?.inner();
    content.tagged(OID)?;
    let algorithm = content.tagged(SEQUENCE)?;
    let absent = Malformed("the encrypted content is not in it");
    let ciphertext = content
        .next()
        .ok()
        .filter(|element| matches!(element.tag, 0x80 | 0xa0));
    let ciphertext = octets(ciphertext.ok_or(absent)?)?;
    let sealed = if authenticated {
        let attributes = fields.optional(context(1))?;
        let tag = fields.tagged(OCTET_STRING)?;
        Sealed::authenticated(algorithm, ciphertext, attributes, tag.value)?
    } else {
        Sealed::plain(algorithm, ciphertext)?
    };
    Ok(Envelope { recipients, sealed })
}

fn recipient(element: Tlv<'_>) -> Result<Recipient, Malformed> {
    let mut fields = element.inner();
    fields.tagged(INTEGER)?;
    let identifier = CertificateIdentifier::read(fields.next()?)?;
    let algorithm = fields.tagged(SEQUENCE)?;
    let encrypted_key = fields.next()?;
    if !matches!(encrypted_key.tag, OCTET_STRING | OCTET_STRINGS) {
        return Err(Malformed("the key of its content is no octet string"));
    }
    let encrypted_key = octets(encrypted_key)?;
    let transport = transport(algorithm, &encrypted_key)?;
    Ok(Recipient {
        identifier,
        transport,
        encrypted_key,
    })
}

fn transport(algorithm: Tlv<'_>, encrypted_key: &[u8]) -> Result<KeyTransport, Malformed> {
    let mut fields = algorithm.inner();
    let kind = fields.tagged(OID)?.oid()?;
    Ok(match kind {
        oid::RSA_ENCRYPTION => KeyTransport::RsaPkcs1,
        // Whoever made one that cannot be read may have made another for somebody else.
        oid::GOST_256_KEY | oid::GOST_512_KEY => match GostTransport::read(encrypted_key) {
            Ok(transport) => KeyTransport::Gost(transport),
            Err(_) => KeyTransport::Other(kind.to_string()),
        },
        oid::RSAES_OAEP => match oaep(fields) {
            Ok((oid::SHA1, oid::SHA1)) => KeyTransport::RsaOaepSha1,
            Ok((oid::SHA256, oid::SHA256)) => KeyTransport::RsaOaepSha256,
            _ => KeyTransport::Other(kind.to_string()),
        },
        _ => KeyTransport::Other(kind.to_string()),
    })
}

/// The hash of RSAES-OAEP and that of its mask (RFC 4055, section 4.1); both are SHA-1 where nothing is said.
fn oaep(mut algorithm: Reader<'_>) -> Result<(ObjectIdentifier, ObjectIdentifier), Malformed> {
    let Some(parameters) = algorithm.optional(SEQUENCE)? else {
        return Ok((oid::SHA1, oid::SHA1));
    };
    let mut parameters = parameters.inner();
    let named = |element: Option<Tlv<'_>>| match element {
        Some(element) => Reader::only(element.value, SEQUENCE)?.inner().tagged(OID)?.oid(),
        None => Ok(oid::SHA1),
    };
    let hash = named(parameters.optional(context(0))?)?;
    let mask = match parameters.optional(context(1))? {
        Some(element) => {
            let mut function = Reader::only(element.value, SEQUENCE)?.inner();
            function.tagged(OID)?;
            function.tagged(SEQUENCE)?.inner().tagged(OID)?.oid()?
        }
        None => oid::SHA1,
    };
    if let Some(element) = parameters.optional(context(2))? {
        let mut source = Reader::only(element.value, SEQUENCE)?.inner();
        source.tagged(OID)?;
        if !source.tagged(OCTET_STRING)?.value.is_empty() {
            return Err(Malformed("its RSAES-OAEP has a label"));
        }
    }
    parameters.end()?;
    Ok((hash, mask))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn der(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
        let value = parts.concat();
        [&[tag, u8::try_from(value.len()).unwrap()], &value[..]].concat()
    }

    fn named(oid: ObjectIdentifier, parameters: &[u8]) -> Vec<u8> {
        der(SEQUENCE, &[&der(OID, &[oid.as_bytes()]), parameters])
    }

    fn read(algorithm: &[u8], key: &[u8]) -> Recipient {
        let whole = der(
            SEQUENCE,
            &[&[INTEGER, 1, 2], &der(0x80, &[b"whose"]), algorithm, key],
        );
        recipient(Reader::only(&whole, SEQUENCE).unwrap()).unwrap()
    }

    #[test]
    fn what_one_recipient_has_that_is_not_known_hides_no_other() {
        let label = |bytes: &[u8]| {
            // id-pSpecified.
            let specified = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.9");
            der(context(2), &[&named(specified, &der(OCTET_STRING, &[bytes]))])
        };
        let oaep = |parameters: &[u8]| named(oid::RSAES_OAEP, &der(SEQUENCE, &[parameters]));
        let transport = |algorithm: &[u8]| read(algorithm, &[OCTET_STRING, 1, 7]).transport;
        assert_eq!(transport(&oaep(&[])), KeyTransport::RsaOaepSha1);
        assert_eq!(transport(&oaep(&label(b""))), KeyTransport::RsaOaepSha1);
        let other = KeyTransport::Other(oid::RSAES_OAEP.to_string());
        for unknown in [
            label(b"x"),
            der(context(0), &[&[5, 0]]),
            vec![4, 0],
            vec![0xa2, 9],
        ] {
            assert_eq!(transport(&oaep(&unknown)), other, "{unknown:02x?}");
        }
    }

    #[test]
    fn a_key_in_several_parts_is_one() {
        let parts = der(
            OCTET_STRINGS,
            &[&[OCTET_STRING, 1, b'a'], &[OCTET_STRING, 1, b'b']],
        );
        assert_eq!(
            read(&named(oid::RSA_ENCRYPTION, &[5, 0]), &parts).encrypted_key,
            b"ab"
        );
    }
}
