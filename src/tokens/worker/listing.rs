//! Everything on a token that the node wants to know of, read with few calls and bounded.

use std::collections::HashMap;
use std::io;

use cryptoki::error::{Error, RvError};
use cryptoki::object::{Attribute, AttributeType, CertificateType, KeyType, ObjectClass, ObjectHandle};
use cryptoki::session::Session;

use super::objects::APPLICATION;
use super::public_key;
use super::session::{ED25519, ED25519_NAME, P256, P384};
use crate::text::{clean, clean_up_to};
use crate::tokens::token::{KeyKind, TokenKey};
use crate::tokens::wire::{Answer, Failure, FailureKind};

/// Most private keys, most certificates, and most data objects that are listed.
const MOST: usize = 1000;

/// Longest certificate and data object, in bytes.
const LONGEST: usize = 64 * 1024;

/// Longest label of a data object, in characters: it holds the `CKA_ID` of a key, and the object is found by it.
const LONGEST_DATA_LABEL: usize = 256;

/// Longest `CKA_ID`, in bytes.
const LONGEST_ID: usize = 256;

/// `CKK_GOSTR3410_512` of TC26.
const GOST_512: u64 = 0xD432_1003;

/// What makes the public half of a key known.
pub(super) const PUBLIC_HALF: &[AttributeType] = &[
    AttributeType::KeyType,
    AttributeType::Modulus,
    AttributeType::PublicExponent,
    AttributeType::EcParams,
    AttributeType::EcPoint,
];

const OF_PUBLIC: &[AttributeType] = &[
    AttributeType::Id,
    AttributeType::KeyType,
    AttributeType::Modulus,
    AttributeType::PublicExponent,
    AttributeType::EcParams,
    AttributeType::EcPoint,
];

const OF_PRIVATE: &[AttributeType] = &[
    AttributeType::Id,
    AttributeType::Label,
    AttributeType::KeyType,
    AttributeType::Extractable,
    AttributeType::Sign,
    AttributeType::Decrypt,
    AttributeType::Derive,
    AttributeType::Modulus,
    AttributeType::PublicExponent,
    AttributeType::EcParams,
];

const OF_CERTIFICATE: &[AttributeType] = &[AttributeType::Id, AttributeType::Label, AttributeType::Value];

const OF_DATA: &[AttributeType] = &[AttributeType::Label, AttributeType::Value];

/// Tells everything; the outer failure is the module's, the inner one that nobody listens.
pub(super) fn list(
    session: &Session,
    tell: impl Fn(Answer, &[u8]) -> io::Result<()>,
) -> Result<io::Result<()>, Failure> {
    let mut said = Ok(());
    // Certificates first: they may have the public halves of keys.
    let mut halves = HashMap::new();
    let certificates = [
        Attribute::Class(ObjectClass::CERTIFICATE),
        Attribute::Token(true),
        Attribute::CertificateType(CertificateType::X_509),
    ];
    for read in objects(session, &certificates, MOST, OF_CERTIFICATE)? {
        let read = read?;
        let (id, value) = (id(&read), bytes(&read, AttributeType::Value));
        let Some(value) = value.filter(|value| (1..=LONGEST).contains(&value.len())) else {
            continue;
        };
        if let Some(half) = public_key::of_certificate(value) {
            halves.insert(id.clone(), half);
        }
        let label = label(&read);
        said = said.and_then(|()| tell(Answer::Certificate { id, label }, value));
    }
    let public = [Attribute::Class(ObjectClass::PUBLIC_KEY), Attribute::Token(true)];
    for read in objects(session, &public, MOST, OF_PUBLIC)? {
        let read = read?;
        if let Some(half) = public_key::of_attributes(&read) {
            halves.insert(id(&read), half);
        }
    }
    let private = [Attribute::Class(ObjectClass::PRIVATE_KEY), Attribute::Token(true)];
    for read in objects(session, &private, MOST, OF_PRIVATE)? {
        let read = read?;
        let id = id(&read);
        let own = public_key::of_attributes(&read);
        let public_key = own.or_else(|| halves.get(&id).cloned());
        let kind = kind(&read, public_key.as_deref());
        // A GOST key decrypts by agreeing on a key.
        let by = match kind {
            KeyKind::Gost256 | KeyKind::Gost512 => AttributeType::Derive,
            _ => AttributeType::Decrypt,
        };
        let key = TokenKey {
            kind,
            label: label(&read),
            // Only a token that says so keeps its keys to itself.
            extractable: flag(&read, AttributeType::Extractable).unwrap_or(true),
            signs: flag(&read, AttributeType::Sign).unwrap_or(false),
            decrypts: flag(&read, by).unwrap_or(false),
            public_key,
            id,
        };
        said = said.and_then(|()| tell(Answer::Key(key), &[]));
    }
    let data = [
        Attribute::Class(ObjectClass::DATA),
        Attribute::Token(true),
        Attribute::Application(APPLICATION.to_vec()),
    ];
    for read in objects(session, &data, MOST, OF_DATA)? {
        let read = read?;
        let value = bytes(&read, AttributeType::Value).unwrap_or_default();
        if value.len() <= LONGEST {
            let label = bytes(&read, AttributeType::Label).unwrap_or_default();
            let label = clean_up_to(LONGEST_DATA_LABEL, label).unwrap_or_default();
            said = said.and_then(|()| tell(Answer::Data { label }, value));
        }
    }
    Ok(said)
}

/// The attributes of each object that can be read.
fn objects(
    session: &Session,
    template: &[Attribute],
    most: usize,
    wanted: &[AttributeType],
) -> Result<impl Iterator<Item = Result<Vec<Attribute>, Failure>>, Error> {
    let many = std::num::NonZeroUsize::new(64).unwrap_or(std::num::NonZeroUsize::MIN);
    let found: Vec<_> = session
        .iter_objects_with_cache_size(template, many)?
        .take(most)
        .collect::<Result<_, _>>()?;
    let read = |object| readable(session, object, wanted).transpose();
    Ok(found.into_iter().filter_map(read))
}

/// The attributes of an object that can be read; no failure of one object alone is that of the token.
fn readable(
    session: &Session,
    object: ObjectHandle,
    wanted: &[AttributeType],
) -> Result<Option<Vec<Attribute>>, Failure> {
    match attributes(session, object, wanted) {
        Ok(read) => Ok(Some(read)),
        // It went since it was found.
        Err(Error::Pkcs11(RvError::ObjectHandleInvalid, _)) => Ok(None),
        Err(error) => match Failure::from(error) {
            failure if failure.kind == FailureKind::Gone => Err(failure),
            _ => Ok(None),
        },
    }
}

/// Reads attributes; those that an object does not have are left out, whatever the module thinks of the question.
pub(super) fn attributes(
    session: &Session,
    object: ObjectHandle,
    wanted: &[AttributeType],
) -> Result<Vec<Attribute>, Error> {
    match session.get_attributes(object, wanted) {
        Err(Error::Pkcs11(..) | Error::NotSupported | Error::InvalidValue | Error::TryFromSlice(_)) => {
            let mut read = Vec::new();
            let mut last = None;
            for one in wanted {
                match session.get_attributes(object, &[*one]) {
                    Ok(one) => read.extend(one),
                    Err(error) => last = Some(error),
                }
            }
            // Where not even one was told, the trouble is not with the attributes.
            match last {
                Some(error) if read.is_empty() => Err(error),
                _ => Ok(read),
            }
        }
        all => all,
    }
}

pub(super) fn bytes(read: &[Attribute], wanted: AttributeType) -> Option<&[u8]> {
    read.iter().find_map(|attribute| match attribute {
        Attribute::Id(bytes)
        | Attribute::Label(bytes)
        | Attribute::Value(bytes)
        | Attribute::Modulus(bytes)
        | Attribute::PublicExponent(bytes)
        | Attribute::EcParams(bytes)
        | Attribute::EcPoint(bytes)
            if attribute.attribute_type() == wanted =>
        {
            Some(bytes.as_slice())
        }
        _ => None,
    })
}

fn id(read: &[Attribute]) -> Vec<u8> {
    let id = bytes(read, AttributeType::Id).unwrap_or_default();
    id[..id.len().min(LONGEST_ID)].to_vec()
}

fn label(read: &[Attribute]) -> String {
    clean(bytes(read, AttributeType::Label).unwrap_or_default()).unwrap_or_default()
}

fn flag(read: &[Attribute], wanted: AttributeType) -> Option<bool> {
    read.iter().find_map(|attribute| match attribute {
        Attribute::Extractable(set)
        | Attribute::Sign(set)
        | Attribute::Decrypt(set)
        | Attribute::Derive(set)
            if attribute.attribute_type() == wanted =>
        {
            Some(*set)
        }
        _ => None,
    })
}

pub(super) fn key_type(read: &[Attribute]) -> Option<KeyType> {
    read.iter().find_map(|attribute| match attribute {
        Attribute::KeyType(kind) => Some(*kind),
        _ => None,
    })
}

fn kind(read: &[Attribute], public: Option<&[u8]>) -> KeyKind {
    let gost_512 = KeyType::new_vendor_defined(GOST_512).ok();
    let curve = bytes(read, AttributeType::EcParams);
    match key_type(read) {
        Some(KeyType::RSA) => {
            let modulus = bytes(read, AttributeType::Modulus);
            match modulus
                .and_then(public_key::bits)
                .or_else(|| public_key::rsa_bits(public?))
            {
                Some(bits) => KeyKind::Rsa(bits),
                None => KeyKind::Other,
            }
        }
        Some(KeyType::EC) if curve == Some(P256) => KeyKind::EcP256,
        Some(KeyType::EC) if curve == Some(P384) => KeyKind::EcP384,
        Some(KeyType::EC_EDWARDS) if curve.is_some_and(|curve| [ED25519, ED25519_NAME].contains(&curve)) => {
            KeyKind::Ed25519
        }
        Some(KeyType::GOSTR3410) => KeyKind::Gost256,
        known if known.is_some() && known == gost_512 => KeyKind::Gost512,
        _ => KeyKind::Other,
    }
}
