//! Identifiers of sessions and connections: UUID v4, shown as 32 upper-case hexadecimal digits (spec, row 31).

use std::fmt;

/// An identifier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id(pub [u8; 16]);

/// The text is no identifier.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("expected 32 hexadecimal digits")]
pub struct BadId;

impl Id {
    /// A new random one.
    pub fn random() -> Self {
        Self(*uuid::Uuid::new_v4().as_bytes())
    }

    /// Reads an identifier in any case, with or without dashes and braces.
    ///
    /// # Errors
    /// [`BadId`] for anything else.
    pub fn parse(text: &str) -> Result<Self, BadId> {
        let bare = text
            .strip_prefix('{')
            .and_then(|t| t.strip_suffix('}'))
            .unwrap_or(text);
        uuid::Uuid::try_parse(bare)
            .map(|uuid| Self(*uuid.as_bytes()))
            .map_err(|_| BadId)
    }

    /// The 32 digits.
    pub fn hex(self) -> [u8; 32] {
        const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
        let mut text = [0; 32];
        for (pair, byte) in text.chunks_exact_mut(2).zip(self.0) {
            pair[0] = DIGITS[usize::from(byte >> 4)];
            pair[1] = DIGITS[usize::from(byte & 15)];
        }
        text
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(std::str::from_utf8(&self.hex()).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_usual_form_is_read_and_one_is_shown() {
        let id = Id::parse("AF72CC4124DD4B588AA9039D31035A5C").unwrap();
        for text in [
            "af72cc4124dd4b588aa9039d31035a5c",
            "AF72CC41-24DD-4B58-8AA9-039D31035A5C",
            "{af72cc41-24dd-4b58-8aa9-039d31035a5c}",
        ] {
            assert_eq!(Id::parse(text), Ok(id), "{text}");
        }
        assert_eq!(id.to_string(), "AF72CC4124DD4B588AA9039D31035A5C");
        for bad in [
            "",
            "DB4AC14978FA4B5815A813550A031424B",
            "zz72CC4124DD4B588AA9039D31035A5C",
        ] {
            assert_eq!(Id::parse(bad), Err(BadId), "{bad}");
        }
    }
}
