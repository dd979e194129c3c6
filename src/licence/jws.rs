//! What a vendor signs: JWS in compact form (RFC 7515), RS256. Licence files, and the notices of a centre.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::record::{BadLicence, Licence};
use super::timestamp::Timestamp;
use super::vendor::{VendorKey, VendorKeys};

/// The largest licence file that is read, in bytes.
pub const MAX_FILE: usize = 64 * 1024;

const TYPE: &str = "licence+jws";
const ALGORITHM: &str = "RS256";

/// Why a licence file cannot be opened. The text is what the API shows as OpenError.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum OpenFailure {
    /// The file cannot be read at all.
    #[error("the file cannot be read: {0}")]
    Unreadable(String),
    /// The carrier that may hold it was never read.
    #[error("{0}")]
    Carrier(String),
    /// The carrier holds none.
    #[error("it holds no licence")]
    Blank,
    /// More than [`MAX_FILE`] bytes.
    #[error("the file has more than {MAX_FILE} bytes: it is no licence")]
    TooLarge,
    /// Not three parts of base64url, or no JSON in them.
    #[error("the file is no licence, or it is cut off: {0}")]
    NotJws(&'static str),
    /// Another algorithm than RS256, `none` among them.
    #[error("the licence is signed by \"{0}\": only RS256 is accepted")]
    Algorithm(String),
    /// Another kind of JWS.
    #[error("the file is a \"{found}\", not a {expected}")]
    Kind {
        /// What its header says.
        found: String,
        /// What it was read as.
        expected: &'static str,
    },
    /// The header demands an extension (`crit`, RFC 7515 section 4.1.11).
    #[error(
        "the licence demands an extension that this program does not know: a newer keynode may be needed"
    )]
    Critical,
    /// Its vendor is not among the trusted ones.
    #[error(
        "signed by an unknown vendor (key {0}): if you trust this vendor, add the public key: keynode vendor trust PEM"
    )]
    UnknownVendor(String),
    /// The vendor's key had expired before.
    #[error(
        "it was issued on {issued}, and the vendor key {kid} expired on {expired}: ask the vendor for one signed by a key \
         that is in force"
    )]
    Expired {
        /// Name of the key.
        kid: String,
        /// When it expired.
        expired: Timestamp,
        /// When this was issued, as it says itself.
        issued: Timestamp,
    },
    /// The signature does not fit.
    #[error("the signature is wrong: the file was changed after the vendor signed it")]
    Signature,
    /// The payload has fields or values that this program does not know.
    #[error("the licence cannot be understood ({0}): a newer keynode may be needed")]
    Payload(String),
    /// A value out of its range.
    #[error("the licence is not valid: {0}")]
    Invalid(#[from] BadLicence),
}

#[derive(Serialize, Deserialize)]
struct Header {
    alg: String,
    #[serde(default)]
    typ: String,
    #[serde(default)]
    kid: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    crit: Option<serde_json::Value>,
}

/// Opens a licence file: checks form, algorithm, vendor, signature, payload, and that the vendor's key had not expired
/// when it was issued, in this order. Nothing of a payload is looked at before its signature is verified.
///
/// # Errors
/// [`OpenFailure`], each kind of damage its own.
pub fn open(file: &[u8], vendors: &VendorKeys) -> Result<Licence, OpenFailure> {
    open_signed(file, vendors).map(|(licence, _)| licence)
}

/// As [`open`]; the result is also the name of the key that signed it.
///
/// # Errors
/// As [`open`].
pub fn open_signed(file: &[u8], vendors: &VendorKeys) -> Result<(Licence, String), OpenFailure> {
    let parts = Parts::split(file, MAX_FILE)?;
    let key = parts.verified(TYPE, vendors)?;
    let licence = parts.licence()?;
    in_force(key, licence.issued_or_activated())?;
    Ok((licence, key.kid().to_owned()))
}

/// Whether a key was in force when it signed something.
fn in_force(key: &VendorKey, issued: Timestamp) -> Result<(), OpenFailure> {
    match key.expires() {
        Some(expired) if expired <= issued => Err(OpenFailure::Expired {
            kid: key.kid().to_owned(),
            expired,
            issued,
        }),
        _ => Ok(()),
    }
}

/// A statement of a vendor's that is no licence.
pub trait Notice: Serialize + DeserializeOwned {
    /// `typ` of its JWS.
    const TYPE: &'static str;
    /// The most bytes that it may have.
    const LONGEST: usize;

    /// When it was signed, as it says itself; none: it does not say.
    fn issued(&self) -> Option<Timestamp> {
        None
    }
}

/// Opens a notice: checks form, algorithm, vendor and signature, in this order, and that the key had not expired where
/// the notice says when it was signed; the result is the notice and the name of the key that signed it.
///
/// # Errors
/// [`OpenFailure`], each kind of damage its own.
pub fn open_notice<T: Notice>(text: &[u8], vendors: &VendorKeys) -> Result<(T, String), OpenFailure> {
    let parts = Parts::split(text, T::LONGEST)?;
    let key = parts.verified(T::TYPE, vendors)?;
    let notice: T = parts.payload()?;
    notice.issued().map_or(Ok(()), |issued| in_force(key, issued))?;
    Ok((notice, key.kid().to_owned()))
}

/// Writes a notice; `sign` gives the RS256 signature of the vendor key named `kid`.
///
/// # Errors
/// Those of `sign`.
pub fn seal_notice<T: Notice, E>(
    notice: &T,
    kid: &str,
    sign: impl FnOnce(&[u8]) -> Result<Vec<u8>, E>,
) -> Result<String, E> {
    seal_as(T::TYPE, notice, kid, sign)
}

/// What a file says and which vendor key it names, without any check of its signature: for people to look at.
///
/// # Errors
/// [`OpenFailure`] where the form is wrong.
pub fn inspect(file: &[u8]) -> Result<(Licence, String), OpenFailure> {
    let parts = Parts::split(file, MAX_FILE)?;
    let header = parts.header(TYPE)?;
    Ok((parts.licence()?, header.kid))
}

/// Writes a licence file; `sign` gives the RS256 signature of the vendor key named `kid`.
///
/// # Errors
/// Those of `sign`.
pub fn seal<E>(
    licence: &Licence,
    kid: &str,
    sign: impl FnOnce(&[u8]) -> Result<Vec<u8>, E>,
) -> Result<String, E> {
    seal_as(TYPE, licence, kid, sign)
}

fn seal_as<E>(
    typ: &str,
    payload: &impl Serialize,
    kid: &str,
    sign: impl FnOnce(&[u8]) -> Result<Vec<u8>, E>,
) -> Result<String, E> {
    let unsigned = Unsigned::new(typ, payload, kid);
    let signature = sign(unsigned.bytes())?;
    Ok(unsigned.signed(&signature))
}

/// A licence or notice that lacks its signature, for signers that take their time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unsigned(String);

impl Unsigned {
    /// A licence, to be signed by the vendor key named `kid`.
    pub fn licence(licence: &Licence, kid: &str) -> Self {
        Self::new(TYPE, licence, kid)
    }

    /// A notice, to be signed by the vendor key named `kid`.
    pub fn notice<T: Notice>(notice: &T, kid: &str) -> Self {
        Self::new(T::TYPE, notice, kid)
    }

    fn new(typ: &str, payload: &impl Serialize, kid: &str) -> Self {
        let header = Header {
            alg: ALGORITHM.into(),
            typ: typ.into(),
            kid: kid.into(),
            crit: None,
        };
        let encode = |json: serde_json::Result<Vec<u8>>| {
            URL_SAFE_NO_PAD.encode(json.expect("structs of strings and numbers always have a JSON form"))
        };
        Self(format!(
            "{}.{}",
            encode(serde_json::to_vec(&header)),
            encode(serde_json::to_vec(payload))
        ))
    }

    /// What is to be signed with RS256.
    pub fn bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }

    /// The whole, with its signature.
    #[must_use]
    pub fn signed(self, signature: &[u8]) -> String {
        format!("{}.{}", self.0, URL_SAFE_NO_PAD.encode(signature))
    }
}

struct Parts<'a> {
    signed: &'a str,
    header: &'a str,
    payload: &'a str,
    signature: &'a str,
}

impl<'a> Parts<'a> {
    fn split(file: &'a [u8], longest: usize) -> Result<Self, OpenFailure> {
        if file.len() > longest {
            return Err(OpenFailure::TooLarge);
        }
        let text = std::str::from_utf8(file)
            .map_err(|_| OpenFailure::NotJws("it is not text"))?
            .trim();
        if text.is_empty() {
            return Err(OpenFailure::NotJws("it is empty"));
        }
        let missing = || OpenFailure::NotJws("it has not three parts with dots between them");
        let (signed, signature) = text.rsplit_once('.').ok_or_else(missing)?;
        let (header, payload) = signed.split_once('.').ok_or_else(missing)?;
        if payload.contains('.') {
            return Err(missing());
        }
        Ok(Self {
            signed,
            header,
            payload,
            signature,
        })
    }

    /// Checks that a trusted vendor signed it as what it is said to be; the result is the key.
    fn verified<'v>(&self, typ: &'static str, vendors: &'v VendorKeys) -> Result<&'v VendorKey, OpenFailure> {
        let header = self.header(typ)?;
        let key = vendors
            .get(&header.kid)
            .ok_or_else(|| OpenFailure::UnknownVendor(shown(&header.kid)))?;
        if !key.verifies(self.signed.as_bytes(), &decode(self.signature, "signature")?) {
            return Err(OpenFailure::Signature);
        }
        Ok(key)
    }

    fn header(&self, typ: &'static str) -> Result<Header, OpenFailure> {
        let header: Header = serde_json::from_slice(&decode(self.header, "header")?)
            .map_err(|_| OpenFailure::NotJws("its header is no JSON"))?;
        if header.alg != ALGORITHM {
            return Err(OpenFailure::Algorithm(shown(&header.alg)));
        }
        if header.typ != typ {
            let found = shown(&header.typ);
            return Err(OpenFailure::Kind { found, expected: typ });
        }
        if header.crit.is_some() {
            return Err(OpenFailure::Critical);
        }
        Ok(header)
    }

    fn licence(&self) -> Result<Licence, OpenFailure> {
        let licence: Licence = self.payload()?;
        licence.check()?;
        Ok(licence)
    }

    fn payload<T: DeserializeOwned>(&self) -> Result<T, OpenFailure> {
        serde_json::from_slice(&decode(self.payload, "payload")?)
            .map_err(|error| OpenFailure::Payload(shown(without_choices(&error.to_string()))))
    }
}

fn decode(part: &str, name: &'static str) -> Result<Vec<u8>, OpenFailure> {
    URL_SAFE_NO_PAD.decode(part).map_err(|_| {
        OpenFailure::NotJws(match name {
            "header" => "its header is not base64url",
            "payload" => "its payload is not base64url",
            _ => "its signature is not base64url",
        })
    })
}

/// An error without the list of all fields there are, which is long and helps nobody.
fn without_choices(error: &str) -> &str {
    error.split(", expected one of").next().unwrap_or(error)
}

/// Text from a file that nobody vouches for: bounded, without control characters.
fn shown(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(160).collect()
}

#[cfg(test)]
#[path = "jws_tests.rs"]
mod tests;
