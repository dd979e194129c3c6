//! What a licence says: the fields of the manual and the licence's binding.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::binding::Binding;
use super::code::ActivationCode;
use super::tax::{Iec, Itn};
use super::timestamp::Timestamp;

/// Version of the licence format that this program writes and reads.
pub const FORMAT_VERSION: &str = "1";

/// The largest KeyNo: every JSON reader holds it exactly (2^53 - 1).
pub const MAX_KEY_NO: u64 = (1 << 53) - 1;

/// Serial number of a key, unique over all series, 1 to [`MAX_KEY_NO`].
pub type KeyNo = u64;

/// Series of a key: four upper-case hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId([u8; 4]);

/// The text is no KeyID.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("a KeyID has four hexadecimal digits, such as 672B")]
pub struct BadKeyId;

impl KeyId {
    /// Reads a series in either case.
    ///
    /// # Errors
    /// [`BadKeyId`] for anything but four hexadecimal digits.
    pub fn parse(text: &str) -> Result<Self, BadKeyId> {
        match <[u8; 4]>::try_from(text.as_bytes()) {
            Ok(digits) if digits.iter().all(u8::is_ascii_hexdigit) => {
                Ok(Self(digits.map(|b| b.to_ascii_uppercase())))
            }
            _ => Err(BadKeyId),
        }
    }

    /// The four digits.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for KeyId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for KeyId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

/// Kind of a key; its number is the manual's. Seats are given in this order (spec, row 24).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum KeyType {
    /// A key that stands alone: 3.
    Main,
    /// A key that adds seats to a main key: 4.
    Additional,
    /// A key to try the product with: 5.
    Demonstration,
}

impl KeyType {
    /// The number in the API.
    pub fn number(self) -> u8 {
        match self {
            Self::Main => 3,
            Self::Additional => 4,
            Self::Demonstration => 5,
        }
    }
}

impl Serialize for KeyType {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u8(self.number())
    }
}

impl<'de> Deserialize<'de> for KeyType {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match u8::deserialize(deserializer)? {
            3 => Ok(Self::Main),
            4 => Ok(Self::Additional),
            5 => Ok(Self::Demonstration),
            other => Err(de::Error::custom(format!(
                "KeyType {other} is unknown: 3, 4 or 5"
            ))),
        }
    }
}

/// A licence as its vendor signed it: the payload of the licence file, named as in the API
/// (spec, section 4.2 and row 17).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Licence {
    /// Version of the file format.
    pub version: String,
    /// Serial number of the key.
    pub key_no: KeyNo,
    /// Series.
    #[serde(rename = "KeyID")]
    pub key_id: KeyId,
    /// Registration number.
    pub reg_no: u64,
    /// Main, additional or demonstration.
    pub key_type: KeyType,
    /// Use in special 1C services: 0 ordinary, 1 demonstration server, 2 GRM, 3 Fresh.
    pub service_type: u32,
    /// Seats.
    pub licence_count: u32,
    /// Version of the product.
    pub product_version: u32,
    /// Number of the hardware carrier that the licence lies on, if any.
    pub blank_key_no: Option<KeyNo>,
    /// The code that the licence was activated with, if any.
    pub activation_code: Option<ActivationCode>,
    /// When it was activated or issued.
    pub activation_date: Timestamp,
    /// When its validity starts; absent: at once.
    pub start_date: Option<Timestamp>,
    /// Validity in days from StartDate or ActivationDate; 0: without end.
    pub period: u32,
    /// Functionality flags, 32 bits.
    pub flags: u32,
    /// The holder's tax number.
    #[serde(rename = "ITN")]
    pub itn: Option<Itn>,
    /// The holder's IEC (KPP).
    #[serde(rename = "IEC")]
    pub iec: Option<Iec>,
    /// Name of the product.
    pub product_name: String,
    /// Article number.
    pub article: String,
    /// Name of the article, at most 100 characters.
    pub article_name: String,
    /// Start of the support contract.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub support_date: Option<Timestamp>,
    /// Days of the support contract.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub support_period: Option<u32>,
    /// Start of the industry support contract.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub industry_support_date: Option<Timestamp>,
    /// Days of the industry support contract.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub industry_support_period: Option<u32>,
    /// Name of the product's version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub product_version_name: Option<String>,
    /// The key was restored by the recovery command.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub recovered: bool,
    /// What the licence is bound to.
    #[serde(rename = "binding")]
    pub binding: Binding,
    /// When the vendor signed this document, where that is told: revocations reach those up to a moment.
    #[serde(rename = "issued", default, skip_serializing_if = "Option::is_none")]
    pub issued: Option<Timestamp>,
    /// What the node that asked for this document chose for it, so that it is no answer to anybody else.
    #[serde(rename = "nonce", default, skip_serializing_if = "Option::is_none")]
    pub nonce: Option<String>,
}

/// Why a well-formed payload is still no licence.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum BadLicence {
    /// Written by a later program.
    #[error("format version {0} is unknown to this program: it reads version {FORMAT_VERSION}")]
    Version(String),
    /// A number outside its range.
    #[error("{field} is out of range: {range}")]
    Range {
        /// Name of the field in the API.
        field: &'static str,
        /// What is allowed.
        range: &'static str,
    },
    /// A component of the binding that no computer can have.
    #[error("the binding has a wrong component: {0}")]
    Component(String),
    /// A text that is too long, or has control characters in it.
    #[error("{field} is longer than {limit} characters or has control characters in it")]
    Text {
        /// Name of the field in the API.
        field: &'static str,
        /// The most characters it may have.
        limit: usize,
    },
}

impl Licence {
    /// Checks what the types alone do not hold.
    ///
    /// # Errors
    /// [`BadLicence`] names the field.
    pub fn check(&self) -> Result<(), BadLicence> {
        if self.version != FORMAT_VERSION {
            return Err(BadLicence::Version(self.version.chars().take(16).collect()));
        }
        for (field, number) in [("KeyNo", Some(self.key_no)), ("BlankKeyNo", self.blank_key_no)] {
            if number.is_some_and(|n| n == 0 || n > MAX_KEY_NO) {
                return Err(BadLicence::Range {
                    field,
                    range: "1 to 9007199254740991",
                });
            }
        }
        let days = [
            ("Period", Some(self.period)),
            ("SupportPeriod", self.support_period),
            ("IndustrySupportPeriod", self.industry_support_period),
        ];
        for (field, days) in days {
            if days.is_some_and(|days| days > 36_500) {
                return Err(BadLicence::Range {
                    field,
                    range: "0 to 36500 days",
                });
            }
        }
        if self.licence_count > 10_000_000 {
            return Err(BadLicence::Range {
                field: "LicenceCount",
                range: "0 to 10000000",
            });
        }
        if let Binding::Computer(binding) = &self.binding {
            for component in &binding.components {
                component
                    .validate()
                    .map_err(|error| BadLicence::Component(error.to_string()))?;
            }
        }
        let carrier = match &self.binding {
            Binding::Carrier(carrier) => Some(carrier),
            Binding::None | Binding::Computer(_) => None,
        };
        let public_key = carrier.and_then(|carrier| carrier.public_key.as_deref());
        let texts = [
            ("ProductName", self.product_name.as_str(), 200),
            ("Article", &self.article, 100),
            ("ArticleName", &self.article_name, 100),
            (
                "ProductVersionName",
                self.product_version_name.as_deref().unwrap_or(""),
                100,
            ),
            ("driver", carrier.map_or("", |carrier| &carrier.driver), 256),
            ("serial", carrier.map_or("", |carrier| &carrier.serial), 2048),
            ("public_key", public_key.unwrap_or(""), 2048),
            ("nonce", self.nonce.as_deref().unwrap_or(""), 64),
        ];
        for (field, text, limit) in texts {
            if text.chars().count() > limit || text.chars().any(char::is_control) {
                return Err(BadLicence::Text { field, limit });
            }
        }
        Ok(())
    }

    /// When the vendor signed this document; where that is not told, when the licence was activated.
    pub fn issued_or_activated(&self) -> Timestamp {
        self.issued.unwrap_or(self.activation_date)
    }

    /// Name of the licence's file: `<KeyID>.<KeyNo>.licence`, as the original names it.
    pub fn file_name(&self) -> String {
        format!("{}.{}.licence", self.key_id, self.key_no)
    }
}

/// Series and number from a licence file's name, where it is made as [`Licence::file_name`] makes it.
pub fn parse_file_name(name: &str) -> Option<(KeyId, KeyNo)> {
    let (series, number) = name.strip_suffix(".licence")?.split_once('.')?;
    let key_no = number.parse().ok().filter(|n| (1..=MAX_KEY_NO).contains(n))?;
    Some((KeyId::parse(series).ok()?, key_no))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_names_are_read_back() {
        assert_eq!(
            parse_file_name("672B.7131766.licence"),
            Some((KeyId::parse("672B").unwrap(), 7_131_766))
        );
        for other in [
            "672B.licence",
            "672.1.licence",
            "672B.0.licence",
            "672B.1.lic",
            "672B.9007199254740992.licence",
        ] {
            assert_eq!(parse_file_name(other), None, "{other}");
        }
    }

    #[test]
    fn series_are_upper_case() {
        assert_eq!(KeyId::parse("672b").unwrap().as_str(), "672B");
        for bad in ["", "672", "672BB", "672G", "67é"] {
            assert!(KeyId::parse(bad).is_err(), "{bad}");
        }
    }
}
