//! Reads an X.509 certificate into what the node tells of it and needs from it.

use std::fmt::{self, Write as _};
use std::sync::Arc;

use der::Decode;
use x509_cert::time::Time;

use super::error::{CmsError, Malformed};
use super::name::{Name, digits, itn};
use super::oid;
use super::thumbprint::Thumbprint;
use super::tlv::{BIT_STRING, BOOLEAN, INTEGER, OCTET_STRING, OID, Reader, SEQUENCE, Tlv, context};
use crate::licence::Timestamp;

/// Longest certificate read, in bytes.
pub const MAX_CERTIFICATE: usize = 64 << 10;

/// The type of a public key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PublicKeyKind {
    /// RSA with so many bits.
    Rsa(u32),
    /// ECDSA on NIST P-256.
    EcP256,
    /// ECDSA on NIST P-384.
    EcP384,
    /// Ed25519.
    Ed25519,
    /// GOST R 34.10-2012 with 256 bits.
    Gost256,
    /// GOST R 34.10-2012 with 512 bits.
    Gost512,
    /// Of another type: it is listed and not used.
    Other,
}

/// What the key of a certificate may be used for; all of it where the certificate does not say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "four independent bits of the extension keyUsage"
)]
pub struct KeyUsage {
    /// digitalSignature or nonRepudiation.
    pub signs: bool,
    /// keyEncipherment.
    pub enciphers_keys: bool,
    /// keyAgreement.
    pub agrees_keys: bool,
    /// keyCertSign.
    pub signs_certificates: bool,
}

/// A certificate. Its texts are clean: bounded, without control characters.
#[derive(Clone, PartialEq, Eq)]
pub struct Certificate {
    /// All of it, DER.
    pub der: Arc<[u8]>,
    /// Whose it is, in the form of RFC 4514.
    pub subject: String,
    /// Who issued it, in that form.
    pub issuer: String,
    /// The subject's `Name`, DER.
    pub subject_der: Vec<u8>,
    /// The issuer's `Name`, DER: the `subject_der` of the next certificate of the chain.
    pub issuer_der: Vec<u8>,
    /// Content of the serial number's `INTEGER`.
    pub serial: Vec<u8>,
    /// The subject's common name.
    pub common_name: Option<String>,
    /// The subject's organisation.
    pub organization: Option<String>,
    /// The taxpayer's number (INNLE, or INN), ten or twelve digits.
    pub itn: Option<String>,
    /// The organisation's state number (OGRN), 13 digits.
    pub ogrn: Option<String>,
    /// The entrepreneur's state number (OGRNIP), 15 digits.
    pub ogrnip: Option<String>,
    /// The person's insurance number (SNILS), 11 digits.
    pub snils: Option<String>,
    /// Valid from then on.
    pub not_before: Timestamp,
    /// Valid until then.
    pub not_after: Timestamp,
    /// The type of its key.
    pub key: PublicKeyKind,
    /// `SubjectPublicKeyInfo`, DER.
    pub public_key: Vec<u8>,
    /// What the key may be used for; none: the certificate does not say.
    pub key_usage: Option<KeyUsage>,
    /// The extension subjectKeyIdentifier.
    pub subject_key_id: Option<Vec<u8>>,
    /// It is a certificate authority's (basicConstraints).
    pub authority: bool,
}

impl Certificate {
    /// Reads a certificate.
    ///
    /// # Errors
    /// [`CmsError::Certificate`].
    pub fn read(der: &[u8]) -> Result<Self, CmsError> {
        read(der).map_err(Malformed::certificate)
    }

    /// The name by which programs know it.
    pub fn thumbprint(&self) -> Thumbprint {
        Thumbprint::of(&self.der)
    }

    /// The serial number in upper-case hexadecimal.
    pub fn serial_hex(&self) -> String {
        self.serial.iter().fold(String::new(), |mut text, byte| {
            _ = write!(text, "{byte:02X}");
            text
        })
    }

    /// It names itself as its issuer: the end of a chain.
    pub fn self_issued(&self) -> bool {
        self.issuer_der == self.subject_der
    }
}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Certificate({}, {})", self.subject, self.thumbprint())
    }
}

fn read(der: &[u8]) -> Result<Certificate, Malformed> {
    if der.len() > MAX_CERTIFICATE {
        return Err(Malformed("it is longer than 64 KiB"));
    }
    let mut certificate = Reader::only(der, SEQUENCE)?.inner();
    let mut fields = certificate.tagged(SEQUENCE)?.inner();
    certificate.tagged(SEQUENCE)?;
    certificate.tagged(BIT_STRING)?;
    certificate.end()?;

    fields.optional(context(0))?;
    let serial = fields.tagged(INTEGER)?;
    fields.tagged(SEQUENCE)?;
    let issuer = fields.tagged(SEQUENCE)?;
    let mut validity = fields.tagged(SEQUENCE)?.inner();
    let (not_before, not_after) = (time(validity.next()?)?, time(validity.next()?)?);
    let subject = fields.tagged(SEQUENCE)?;
    let public_key = fields.tagged(SEQUENCE)?;
    let (subject_name, issuer_name) = (Name::read(subject.raw)?, Name::read(issuer.raw)?);
    let mut found = Certificate {
        der: der.into(),
        subject: subject_name.render(),
        issuer: issuer_name.render(),
        subject_der: subject.raw.to_vec(),
        issuer_der: issuer.raw.to_vec(),
        serial: serial.value.to_vec(),
        common_name: subject_name.get(oid::COMMON_NAME).map(str::to_owned),
        organization: subject_name.get(oid::ORGANIZATION).map(str::to_owned),
        itn: itn(&subject_name),
        ogrn: subject_name.get(oid::OGRN).and_then(|text| digits(text, &[13])),
        ogrnip: subject_name.get(oid::OGRNIP).and_then(|text| digits(text, &[15])),
        snils: subject_name.get(oid::SNILS).and_then(|text| digits(text, &[11])),
        not_before,
        not_after,
        key: key_kind(public_key)?,
        public_key: public_key.raw.to_vec(),
        key_usage: None,
        subject_key_id: None,
        authority: false,
    };
    while fields.peek().is_some() {
        let field = fields.next()?;
        if field.tag == context(3) {
            for extension in Reader::only(field.value, SEQUENCE)?.inner().all(128)? {
                extend(&mut found, extension)?;
            }
        }
    }
    Ok(found)
}

fn time(element: Tlv<'_>) -> Result<Timestamp, Malformed> {
    let time = Time::from_der(element.raw).map_err(|_| Malformed("its validity cannot be read"))?;
    Ok(Timestamp::from_millis(
        i64::try_from(time.to_unix_duration().as_millis()).unwrap_or(i64::MAX),
    ))
}

/// The type of the key in a `SubjectPublicKeyInfo`.
fn key_kind(spki: Tlv<'_>) -> Result<PublicKeyKind, Malformed> {
    let mut fields = spki.inner();
    let mut algorithm = fields.tagged(SEQUENCE)?.inner();
    let key = fields.tagged(BIT_STRING)?;
    Ok(match algorithm.tagged(OID)?.oid()? {
        oid::RSA_ENCRYPTION => {
            let key = key
                .value
                .strip_prefix(&[0])
                .ok_or(Malformed("its key is broken"))?;
            let modulus = Reader::only(key, SEQUENCE)?.inner().tagged(INTEGER)?.value;
            let zeros = modulus.iter().take_while(|&&byte| byte == 0).count();
            let bits = modulus[zeros..].len() * 8;
            let unused = modulus.get(zeros).map_or(0, |byte| byte.leading_zeros());
            PublicKeyKind::Rsa(u32::try_from(bits).unwrap_or(u32::MAX) - unused)
        }
        oid::EC_PUBLIC_KEY => match algorithm.next().and_then(Tlv::oid) {
            Ok(oid::PRIME256V1) => PublicKeyKind::EcP256,
            Ok(oid::SECP384R1) => PublicKeyKind::EcP384,
            _ => PublicKeyKind::Other,
        },
        oid::ED25519 => PublicKeyKind::Ed25519,
        oid::GOST_256_KEY => PublicKeyKind::Gost256,
        oid::GOST_512_KEY => PublicKeyKind::Gost512,
        _ => PublicKeyKind::Other,
    })
}

/// Takes one extension over; those that are not known say nothing here.
fn extend(certificate: &mut Certificate, extension: Tlv<'_>) -> Result<(), Malformed> {
    let mut fields = Reader::only(extension.raw, SEQUENCE)?.inner();
    let kind = fields.tagged(OID)?.oid()?;
    fields.optional(BOOLEAN)?;
    let value = fields.tagged(OCTET_STRING)?.value;
    match kind {
        oid::SUBJECT_KEY_IDENTIFIER => {
            certificate.subject_key_id = Some(Reader::only(value, OCTET_STRING)?.value.to_vec());
        }
        oid::KEY_USAGE => {
            // The first byte counts the unused bits; bit 0 of the standard is the highest of the next.
            let bits = Reader::only(value, BIT_STRING)?
                .value
                .get(1)
                .copied()
                .unwrap_or(0);
            certificate.key_usage = Some(KeyUsage {
                signs: bits & 0xc0 != 0,
                enciphers_keys: bits & 0x20 != 0,
                agrees_keys: bits & 0x08 != 0,
                signs_certificates: bits & 0x04 != 0,
            });
        }
        oid::BASIC_CONSTRAINTS => {
            let authority = Reader::only(value, SEQUENCE)?.inner().optional(BOOLEAN)?;
            certificate.authority = authority.is_some_and(|flag| flag.value != [0]);
        }
        _ => {}
    }
    Ok(())
}
