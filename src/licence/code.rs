//! Activation codes: five groups of four characters.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A code of 20 characters of `0-9A-Z`, shown as `4345-9320-2035-7421-5361` (spec, row 22).
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct ActivationCode(String);

/// The text is no activation code.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("an activation code has 5 groups of 4 characters, digits and letters A to Z")]
pub struct BadCode;

impl ActivationCode {
    /// Reads a code; dashes and blanks are optional, case does not matter.
    ///
    /// # Errors
    /// [`BadCode`] where other characters are in it or their number is not 20.
    pub fn parse(text: &str) -> Result<Self, BadCode> {
        let bare: String = text.chars().filter(|c| *c != '-' && !c.is_whitespace()).collect();
        if bare.len() != 20 || !bare.bytes().all(|b| b.is_ascii_alphanumeric()) {
            return Err(BadCode);
        }
        let bare = bare.to_ascii_uppercase();
        let groups: Vec<&str> = (0..5).map(|group| &bare[group * 4..group * 4 + 4]).collect();
        Ok(Self(groups.join("-")))
    }

    /// The code with its dashes. It is a secret of its owner: logs get the `Debug` form.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// First and last group only, for logs.
impl fmt::Debug for ActivationCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-…-{}", &self.0[..4], &self.0[20..])
    }
}

impl Serialize for ActivationCode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for ActivationCode {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dashes_blanks_and_case_do_not_matter() {
        let code = ActivationCode::parse("4345-9320-2035-7421-536a").unwrap();
        assert_eq!(code.as_str(), "4345-9320-2035-7421-536A");
        assert_eq!(
            ActivationCode::parse(" 4345 9320 2035 7421 536A"),
            Ok(code.clone())
        );
        assert_eq!(ActivationCode::parse("4345932020357421536a"), Ok(code));
    }

    #[test]
    fn other_lengths_and_characters_are_refused() {
        for bad in [
            "",
            "4345-9320-2035-7421",
            "4345-9320-2035-7421-53611",
            "4345-9320-2035-7421-536Ж",
        ] {
            assert_eq!(ActivationCode::parse(bad), Err(BadCode), "{bad}");
        }
    }

    #[test]
    fn logs_never_show_a_code_whole() {
        let code = ActivationCode::parse("4345-9320-2035-7421-5361").unwrap();
        assert_eq!(format!("{code:?}"), "4345-…-5361");
    }
}
