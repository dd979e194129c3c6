//! The name by which programs know a certificate: SHA-1 over it, as Windows and 1C have it.

use std::fmt;
use std::str::FromStr;

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// SHA-1 over a certificate's DER. It names the certificate and protects nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Thumbprint([u8; 20]);

/// A text that is no thumbprint.
#[derive(Clone, Copy, Debug, thiserror::Error, PartialEq, Eq)]
#[error("a thumbprint has 40 hexadecimal digits")]
pub struct BadThumbprint;

impl Thumbprint {
    /// That of a certificate.
    pub fn of(der: &[u8]) -> Self {
        let mut bytes = [0; 20];
        bytes.copy_from_slice(digest(&SHA1_FOR_LEGACY_USE_ONLY, der).as_ref());
        Self(bytes)
    }

    /// Its bytes.
    pub fn bytes(&self) -> [u8; 20] {
        self.0
    }

    /// Base64, as 1C keeps it.
    pub fn base64(&self) -> String {
        STANDARD.encode(self.0)
    }
}

impl From<[u8; 20]> for Thumbprint {
    fn from(bytes: [u8; 20]) -> Self {
        Self(bytes)
    }
}

/// 40 upper-case digits.
impl fmt::Display for Thumbprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02X}"))
    }
}

/// Hexadecimal digits of any case, where colons and blanks, as programs print them, do not count; or Base64, as 1C keeps it.
impl FromStr for Thumbprint {
    type Err = BadThumbprint;

    fn from_str(text: &str) -> Result<Self, BadThumbprint> {
        if let Ok(Ok(bytes)) = STANDARD.decode(text.trim()).map(<[u8; 20]>::try_from) {
            return Ok(Self(bytes));
        }
        let mut digits = text.chars().filter(|c| !matches!(c, ':' | ' '));
        let mut bytes = [0; 20];
        for byte in &mut bytes {
            let mut digit = || {
                digits
                    .next()
                    .and_then(|digit| digit.to_digit(16))
                    .ok_or(BadThumbprint)
            };
            let value = digit()? * 16 + digit()?;
            *byte = u8::try_from(value).map_err(|_| BadThumbprint)?;
        }
        if digits.next().is_some() {
            return Err(BadThumbprint);
        }
        Ok(Self(bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_spelling_is_read_and_one_is_written() {
        let print = Thumbprint::of(b"abc");
        assert_eq!(print.to_string(), "A9993E364706816ABA3E25717850C26C9CD0D89D");
        for spelled in [
            "a9993e364706816aba3e25717850c26c9cd0d89d",
            "A9:99:3E:36:47:06:81:6A:BA:3E:25:71:78:50:C2:6C:9C:D0:D8:9D",
            "a9 99 3e 36 47 06 81 6a ba 3e 25 71 78 50 c2 6c 9c d0 d8 9d",
            "qZk+NkcGgWq6PiVxeFDCbJzQ2J0=",
        ] {
            assert_eq!(spelled.parse(), Ok(print), "{spelled}");
        }
        for wrong in [
            "",
            "A9",
            "xx993e364706816aba3e25717850c26c9cd0d89d",
            "a9993e364706816aba3e25717850c26c9cd0d89d00",
            "+9993e364706816aba3e25717850c26c9cd0d89d",
        ] {
            assert_eq!(wrong.parse::<Thumbprint>(), Err(BadThumbprint), "{wrong}");
        }
    }
}
