//! Opens PKCS#12 files (RFC 7292): what OpenSSL 3 writes (PBES2), and what older programs wrote (SHA-1 with triple
//! DES or RC2).

use aws_lc_rs::hmac;
use cbc::cipher::block_padding::Pkcs7;
use cbc::cipher::{BlockDecryptMut, KeyIvInit};
use der::asn1::{AnyRef, ObjectIdentifier, OctetStringRef};
use der::{Decode, Encode, Sequence};
use pkcs5::EncryptionScheme;
use pkcs5::pbes2::Kdf;
use pkcs12::kdf::{Pkcs12KeyType, derive_key_utf8};
use sha1::Sha1;
use sha2::{Sha256, Sha384, Sha512};
use zeroize::Zeroizing;

/// Work that a file may ask for; programs write at most some hundred thousand.
const MOST_ITERATIONS: u32 = 10_000_000;

const DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.1");
const ENCRYPTED_DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.6");
const X509: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.22.1");
const SHA1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.14.3.2.26");
const SHA256: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.1");
const SHA384: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.2");
const SHA512: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.3");

/// What a file holds.
#[derive(Default)]
pub(super) struct Contents {
    /// Certificates, DER.
    pub(super) certificates: Vec<Vec<u8>>,
    /// Private keys, PKCS#8.
    pub(super) keys: Vec<Zeroizing<Vec<u8>>>,
}

/// Why a file cannot be opened.
#[derive(Clone, Copy, Debug, thiserror::Error, PartialEq, Eq)]
pub(super) enum Fault {
    #[error("it is no PKCS#12 file")]
    Form,
    #[error("its password is another")]
    Password,
    #[error("it is encrypted in a way that is not supported: export it anew with OpenSSL 3")]
    Algorithm,
}

impl From<der::Error> for Fault {
    fn from(_: der::Error) -> Self {
        Self::Form
    }
}

#[derive(Sequence)]
struct Pfx<'a> {
    version: u8,
    auth_safe: ContentInfo<'a>,
    #[asn1(optional = "true")]
    mac: Option<MacData<'a>>,
}

#[derive(Sequence)]
struct ContentInfo<'a> {
    content_type: ObjectIdentifier,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT")]
    content: AnyRef<'a>,
}

#[derive(Sequence)]
struct MacData<'a> {
    digest: DigestInfo<'a>,
    salt: OctetStringRef<'a>,
    #[asn1(default = "once")]
    iterations: u32,
}

fn once() -> u32 {
    1
}

#[derive(Sequence)]
struct DigestInfo<'a> {
    algorithm: AlgorithmIdentifier<'a>,
    digest: OctetStringRef<'a>,
}

#[derive(Sequence)]
struct AlgorithmIdentifier<'a> {
    id: ObjectIdentifier,
    parameters: Option<AnyRef<'a>>,
}

#[derive(Sequence)]
struct EncryptedData<'a> {
    version: u8,
    content: EncryptedContent<'a>,
}

#[derive(Sequence)]
struct EncryptedContent<'a> {
    content_type: ObjectIdentifier,
    encryption: AlgorithmIdentifier<'a>,
    #[asn1(context_specific = "0", tag_mode = "IMPLICIT")]
    content: OctetStringRef<'a>,
}

#[derive(Sequence)]
struct EncryptedKey<'a> {
    encryption: AlgorithmIdentifier<'a>,
    content: OctetStringRef<'a>,
}

#[derive(Sequence)]
struct Bag<'a> {
    id: ObjectIdentifier,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT")]
    value: AnyRef<'a>,
    attributes: Option<AnyRef<'a>>,
}

#[derive(Sequence)]
struct CertBag<'a> {
    id: ObjectIdentifier,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT")]
    value: OctetStringRef<'a>,
}

#[derive(Sequence)]
struct PbeParameters<'a> {
    salt: OctetStringRef<'a>,
    iterations: u32,
}

/// Opens a file: all of its certificates and keys, whatever belongs together.
pub(super) fn open(file: &[u8], password: &str) -> Result<Contents, Fault> {
    let pfx = Pfx::from_der(file)?;
    let safe = data(&pfx.auth_safe)?;
    if let Some(mac) = &pfx.mac {
        check(mac, safe, password)?;
    }
    let mut contents = Contents::default();
    for part in Vec::<ContentInfo<'_>>::from_der(safe)? {
        match part.content_type {
            DATA => contents.read(data(&part)?, password)?,
            ENCRYPTED_DATA => {
                let EncryptedData { content, .. } = part.content.decode_as()?;
                let plain = decrypt(&content.encryption, content.content.as_bytes(), password)?;
                contents.read(&plain, password)?;
            }
            _ => return Err(Fault::Algorithm),
        }
    }
    Ok(contents)
}

fn data<'a>(info: &ContentInfo<'a>) -> Result<&'a [u8], Fault> {
    if info.content_type != DATA {
        return Err(Fault::Algorithm);
    }
    Ok(info.content.decode_as::<OctetStringRef<'a>>()?.as_bytes())
}

impl Contents {
    fn read(&mut self, safe_contents: &[u8], password: &str) -> Result<(), Fault> {
        for bag in Vec::<Bag<'_>>::from_der(safe_contents)? {
            match bag.id.to_string().strip_prefix("1.2.840.113549.1.12.10.1.") {
                Some("1") => self.keys.push(Zeroizing::new(bag.value.to_der()?)),
                Some("2") => {
                    let key: EncryptedKey<'_> = bag.value.decode_as()?;
                    let plain = decrypt(&key.encryption, key.content.as_bytes(), password)?;
                    self.keys.push(plain);
                }
                Some("3") => {
                    let certificate: CertBag<'_> = bag.value.decode_as()?;
                    if certificate.id == X509 {
                        self.certificates.push(certificate.value.as_bytes().to_vec());
                    }
                }
                // Revocation lists, secrets, nested safes: nothing that signs.
                _ => {}
            }
        }
        Ok(())
    }
}

fn derive<D>(
    password: &str,
    salt: &[u8],
    purpose: Pkcs12KeyType,
    iterations: u32,
    length: usize,
) -> Result<Zeroizing<Vec<u8>>, Fault>
where
    D: sha2::digest::Digest + sha2::digest::FixedOutputReset + sha2::digest::core_api::BlockSizeUser,
{
    if iterations > MOST_ITERATIONS {
        return Err(Fault::Algorithm);
    }
    let iterations = i32::try_from(iterations).map_err(|_| Fault::Algorithm)?;
    Ok(Zeroizing::new(derive_key_utf8::<D>(
        password, salt, purpose, iterations, length,
    )?))
}

fn check(mac: &MacData<'_>, safe: &[u8], password: &str) -> Result<(), Fault> {
    let (salt, iterations, purpose) = (mac.salt.as_bytes(), mac.iterations, Pkcs12KeyType::Mac);
    let (algorithm, key) = match mac.digest.algorithm.id {
        SHA1 => (
            hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY,
            derive::<Sha1>(password, salt, purpose, iterations, 20),
        ),
        SHA256 => (
            hmac::HMAC_SHA256,
            derive::<Sha256>(password, salt, purpose, iterations, 32),
        ),
        SHA384 => (
            hmac::HMAC_SHA384,
            derive::<Sha384>(password, salt, purpose, iterations, 48),
        ),
        SHA512 => (
            hmac::HMAC_SHA512,
            derive::<Sha512>(password, salt, purpose, iterations, 64),
        ),
        _ => return Err(Fault::Algorithm),
    };
    hmac::verify(
        &hmac::Key::new(algorithm, &key?),
        safe,
        mac.digest.digest.as_bytes(),
    )
    .map_err(|_| Fault::Password)
}

fn decrypt(how: &AlgorithmIdentifier<'_>, data: &[u8], password: &str) -> Result<Zeroizing<Vec<u8>>, Fault> {
    match how.id.to_string().strip_prefix("1.2.840.113549.1.12.1.") {
        Some("3") => pbe::<cbc::Decryptor<des::TdesEde3>>(how, data, password, 24),
        Some("4") => pbe::<cbc::Decryptor<des::TdesEde2>>(how, data, password, 16),
        Some("5") => pbe::<cbc::Decryptor<rc2::Rc2>>(how, data, password, 16),
        Some("6") => pbe::<cbc::Decryptor<rc2::Rc2>>(how, data, password, 5),
        Some(_) => Err(Fault::Algorithm),
        None => pbes2(how, data, password),
    }
}

/// The way of PKCS#12 itself, before PBES2.
fn pbe<C: KeyIvInit + BlockDecryptMut>(
    how: &AlgorithmIdentifier<'_>,
    data: &[u8],
    password: &str,
    length: usize,
) -> Result<Zeroizing<Vec<u8>>, Fault> {
    let parameters: PbeParameters<'_> = how.parameters.ok_or(Fault::Form)?.decode_as()?;
    let (salt, iterations) = (parameters.salt.as_bytes(), parameters.iterations);
    let key = derive::<Sha1>(password, salt, Pkcs12KeyType::EncryptionKey, iterations, length)?;
    let iv = derive::<Sha1>(password, salt, Pkcs12KeyType::Iv, iterations, 8)?;
    let cipher = C::new_from_slices(&key, &iv).map_err(|_| Fault::Algorithm)?;
    let plain = cipher.decrypt_padded_vec_mut::<Pkcs7>(data);
    plain.map(Zeroizing::new).map_err(|_| Fault::Password)
}

fn pbes2(how: &AlgorithmIdentifier<'_>, data: &[u8], password: &str) -> Result<Zeroizing<Vec<u8>>, Fault> {
    let der = how.to_der()?;
    let scheme = EncryptionScheme::from_der(&der).map_err(|_| Fault::Algorithm)?;
    let iterations = match &scheme {
        EncryptionScheme::Pbes2(parameters) => match &parameters.kdf {
            Kdf::Pbkdf2(pbkdf2) => pbkdf2.iteration_count,
            _ => 0,
        },
        _ => 0,
    };
    if iterations > MOST_ITERATIONS {
        return Err(Fault::Algorithm);
    }
    let plain = scheme.decrypt(password, data);
    plain.map(Zeroizing::new).map_err(|_| Fault::Password)
}

/// Opens an `EncryptedPrivateKeyInfo`: gives PKCS#8.
pub(super) fn open_key(der: &[u8], password: &str) -> Result<Zeroizing<Vec<u8>>, Fault> {
    let key = EncryptedKey::from_der(der)?;
    decrypt(&key.encryption, key.content.as_bytes(), password)
}
