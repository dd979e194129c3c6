//! Opens PKCS#12 files (RFC 7292): what OpenSSL 3 writes, and what older programs wrote.

use der::asn1::{AnyRef, ObjectIdentifier, OctetStringRef};
use der::{Decode, Encode, Sequence};
use zeroize::Zeroizing;

use super::password::{AlgorithmIdentifier, Fault, Password};

const DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.1");
const ENCRYPTED_DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.6");
const X509: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.22.1");

/// What a file holds.
#[derive(Default)]
pub(super) struct Contents {
    /// Certificates, DER.
    pub(super) certificates: Vec<Vec<u8>>,
    /// Private keys, PKCS#8.
    pub(super) keys: Vec<Zeroizing<Vec<u8>>>,
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

/// Opens a file: all of its certificates and keys, whatever belongs together.
pub(super) fn open(file: &[u8], password: &mut Password<'_>) -> Result<Contents, Fault> {
    let pfx = Pfx::from_der(file)?;
    let safe = data(&pfx.auth_safe)?;
    if let Some(mac) = &pfx.mac {
        let (salt, digest) = (mac.salt.as_bytes(), mac.digest.digest.as_bytes());
        password.verify(&mac.digest.algorithm, salt, mac.iterations, safe, digest)?;
    }
    let mut contents = Contents::default();
    for part in Vec::<ContentInfo<'_>>::from_der(safe)? {
        match part.content_type {
            DATA => contents.read(data(&part)?, password)?,
            ENCRYPTED_DATA => {
                let EncryptedData { content, .. } = part.content.decode_as()?;
                let plain = password.decrypt(&content.encryption, content.content.as_bytes())?;
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
    fn read(&mut self, safe_contents: &[u8], password: &mut Password<'_>) -> Result<(), Fault> {
        for bag in Vec::<Bag<'_>>::from_der(safe_contents)? {
            match bag.id.to_string().strip_prefix("1.2.840.113549.1.12.10.1.") {
                Some("1") => self.keys.push(Zeroizing::new(bag.value.to_der()?)),
                Some("2") => {
                    let key: EncryptedKey<'_> = bag.value.decode_as()?;
                    let plain = password.decrypt(&key.encryption, key.content.as_bytes())?;
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

/// Opens an `EncryptedPrivateKeyInfo`: gives PKCS#8.
pub(super) fn open_key(der: &[u8], password: &mut Password<'_>) -> Result<Zeroizing<Vec<u8>>, Fault> {
    let key = EncryptedKey::from_der(der)?;
    password.decrypt(&key.encryption, key.content.as_bytes())
}
