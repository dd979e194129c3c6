//! Russian tax numbers: ITN (INN) with its check digits, IEC (KPP).

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use serde_json::Value;

/// An ITN: 10 digits of an organisation or 12 of a person, check digits verified. On the wire a number, or a
/// string where it begins with 0 (spec, row 16).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Itn(String);

/// Why a text is no ITN.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum BadItn {
    /// It has another length or other characters.
    #[error("an ITN has 10 or 12 digits")]
    Form,
    /// Its last digits do not fit the ones before them.
    #[error("the check digits of this ITN are wrong: look for a typing error")]
    Check,
}

const WEIGHTS: [u32; 11] = [3, 7, 2, 4, 10, 3, 5, 9, 4, 6, 8];

impl Itn {
    /// Reads an ITN.
    ///
    /// # Errors
    /// [`BadItn`] says whether its form or its check digits are wrong.
    pub fn parse(text: &str) -> Result<Self, BadItn> {
        let digits: Vec<u32> = text
            .chars()
            .map(|c| c.to_digit(10))
            .collect::<Option<_>>()
            .ok_or(BadItn::Form)?;
        let checked = match digits.len() {
            10 => 9..10,
            12 => 10..12,
            _ => return Err(BadItn::Form),
        };
        if digits.iter().all(|digit| *digit == 0) {
            return Err(BadItn::Check);
        }
        for place in checked {
            let weights = &WEIGHTS[WEIGHTS.len() - place..];
            let sum: u32 = digits
                .iter()
                .zip(weights)
                .map(|(digit, weight)| digit * weight)
                .sum();
            if sum % 11 % 10 != digits[place] {
                return Err(BadItn::Check);
            }
        }
        Ok(Self(text.to_owned()))
    }

    /// Reads an ITN from JSON: a number, or a string.
    ///
    /// # Errors
    /// [`BadItn`] as in [`Itn::parse`].
    pub fn from_json(value: &Value) -> Result<Self, BadItn> {
        match value {
            Value::String(text) => Self::parse(text),
            Value::Number(number) => Self::parse(&number.to_string()),
            _ => Err(BadItn::Form),
        }
    }
}

impl fmt::Display for Itn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for Itn {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0.parse::<u64>() {
            Ok(number) if !self.0.starts_with('0') => serializer.serialize_u64(number),
            _ => serializer.serialize_str(&self.0),
        }
    }
}

impl<'de> Deserialize<'de> for Itn {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::from_json(&Value::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

/// An IEC: nine characters, of which the fifth and sixth may be letters A to Z; it may begin with 0.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct Iec(String);

/// The text is no IEC.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("an IEC has 9 characters: digits, and in the fifth and sixth place digits or letters A to Z")]
pub struct BadIec;

impl Iec {
    /// Reads an IEC.
    ///
    /// # Errors
    /// [`BadIec`] where its form is wrong.
    pub fn parse(text: &str) -> Result<Self, BadIec> {
        let fits = |(place, c): (usize, char)| {
            c.is_ascii_digit() || (c.is_ascii_uppercase() && (4..6).contains(&place))
        };
        if text.len() == 9 && text.chars().enumerate().all(fits) {
            Ok(Self(text.to_owned()))
        } else {
            Err(BadIec)
        }
    }

    /// The nine characters.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<'de> Deserialize<'de> for Iec {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Value::deserialize(deserializer)? {
            Value::String(text) => Self::parse(&text),
            Value::Number(number) => match number.to_string() {
                // A number cannot begin with the 0 of a region below 10; no region is 00.
                short if short.len() == 8 => Self::parse(&format!("0{short}")),
                whole => Self::parse(&whole),
            },
            _ => Err(BadIec),
        }
        .map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn itn_of_organisations_and_persons_are_checked() {
        for good in ["7707083893", "500100732259", "1234567894", "0277039745"] {
            assert_eq!(Itn::parse(good).map(|itn| itn.to_string()), Ok(good.to_owned()));
        }
        assert_eq!(Itn::parse("7707083894"), Err(BadItn::Check));
        assert_eq!(Itn::parse("500100732258"), Err(BadItn::Check));
        assert_eq!(Itn::parse("0000000000"), Err(BadItn::Check));
        for bad in ["", "77070838", "77070838935", "770708389x", "+707083893"] {
            assert_eq!(Itn::parse(bad), Err(BadItn::Form), "{bad}");
        }
    }

    #[test]
    fn an_itn_is_a_number_unless_it_begins_with_zero() {
        assert_eq!(
            serde_json::to_string(&Itn::parse("7707083893").unwrap()).unwrap(),
            "7707083893"
        );
        assert_eq!(
            serde_json::to_string(&Itn::parse("0277039745").unwrap()).unwrap(),
            "\"0277039745\""
        );
        assert_eq!(
            serde_json::from_str::<Itn>("7707083893").unwrap(),
            Itn::parse("7707083893").unwrap()
        );
    }

    #[test]
    fn iec_form() {
        for good in ["770701001", "0277AB001"] {
            assert!(Iec::parse(good).is_ok(), "{good}");
        }
        let number: Iec = serde_json::from_str("27701001").unwrap();
        assert_eq!(number.as_str(), "027701001");
        for bad in ["7", "7701001", "-27701001", "27701001.5", "true"] {
            assert!(serde_json::from_str::<Iec>(bad).is_err(), "{bad}");
        }
        for bad in ["", "77070100", "7707010011", "A77010010", "7707ab001"] {
            assert_eq!(Iec::parse(bad), Err(BadIec), "{bad}");
        }
    }
}
