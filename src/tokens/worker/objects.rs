//! Objects that are no keys: certificates, and the node's own data.

use cryptoki::object::{Attribute, CertificateType, ObjectClass};
use cryptoki::session::Session;
use der::{Decode, Encode};
use x509_cert::Certificate;

use super::session::Bytes;
use crate::tokens::wire::{Failure, FailureKind};

/// `CKA_APPLICATION` of the node's own data objects.
pub(super) const APPLICATION: &[u8] = b"keynode";

/// Writes a data object; without a value removes it.
pub(super) fn write_data(session: &Session, label: &str, value: &[u8]) -> Result<Bytes, Failure> {
    let named = vec![
        Attribute::Class(ObjectClass::DATA),
        Attribute::Token(true),
        Attribute::Application(APPLICATION.to_vec()),
        Attribute::Label(label.as_bytes().to_vec()),
    ];
    let more = [
        Attribute::Private(false),
        Attribute::Modifiable(true),
        Attribute::Value(value.to_vec()),
    ];
    replace(session, named, (!value.is_empty()).then_some(&more))
}

/// Writes a certificate under an ID.
pub(super) fn write_certificate(
    session: &Session,
    id: &[u8],
    label: &str,
    der: &[u8],
) -> Result<Bytes, Failure> {
    let invalid = |_| Failure::new(FailureKind::Asked, "no X.509 certificate");
    let certificate = Certificate::from_der(der).map_err(invalid)?.tbs_certificate;
    let named = vec![
        Attribute::Class(ObjectClass::CERTIFICATE),
        Attribute::Token(true),
        Attribute::CertificateType(CertificateType::X_509),
        Attribute::Id(id.to_vec()),
    ];
    let more = [
        Attribute::Label(label.as_bytes().to_vec()),
        Attribute::Private(false),
        Attribute::Subject(certificate.subject.to_der().map_err(invalid)?),
        Attribute::Issuer(certificate.issuer.to_der().map_err(invalid)?),
        Attribute::SerialNumber(certificate.serial_number.to_der().map_err(invalid)?),
        Attribute::Value(der.to_vec()),
    ];
    replace(session, named, Some(&more))
}

/// The new object first, so that a token without room keeps what it had.
fn replace(session: &Session, named: Vec<Attribute>, more: Option<&[Attribute]>) -> Result<Bytes, Failure> {
    let old = session.find_objects(&named)?;
    if let Some(more) = more {
        session.create_object(&[named, more.to_vec()].concat())?;
    }
    for object in old {
        session.destroy_object(object)?;
    }
    Ok(Bytes::default())
}
