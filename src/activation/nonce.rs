//! A number that is used once: ties an answer to the request that it answers.

use std::fmt;

use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// 128 random bits, written as 22 characters of base64url.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Nonce([u8; 16]);

/// The text is no nonce, or there are no random numbers to make one of.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum BadNonce {
    /// Not 22 characters of base64url.
    #[error("a nonce has 22 characters of base64url")]
    Form,
    /// The system gives no random numbers.
    #[error("the system gives no random numbers")]
    Random,
}

impl Nonce {
    /// A new one.
    ///
    /// # Errors
    /// [`BadNonce::Random`].
    pub fn random() -> Result<Self, BadNonce> {
        let mut bytes = [0; 16];
        SystemRandom::new()
            .fill(&mut bytes)
            .map_err(|_| BadNonce::Random)?;
        Ok(Self(bytes))
    }

    /// Reads one.
    ///
    /// # Errors
    /// [`BadNonce::Form`].
    pub fn parse(text: &str) -> Result<Self, BadNonce> {
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| BadNonce::Form)?;
        bytes.try_into().map(Self).map_err(|_| BadNonce::Form)
    }

    /// One of these bytes.
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// Its bytes.
    pub fn bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl fmt::Display for Nonce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&URL_SAFE_NO_PAD.encode(self.0))
    }
}

impl Serialize for Nonce {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Nonce {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nonce_is_read_back_and_another_text_is_none() {
        let nonce = Nonce::random().unwrap();
        assert_eq!(Nonce::parse(&nonce.to_string()), Ok(nonce));
        assert_ne!(Nonce::random().unwrap(), nonce);
        for bad in ["", "AAAA", "AAAAAAAAAAAAAAAAAAAAA!", "AAAAAAAAAAAAAAAAAAAAAAAA"] {
            assert_eq!(Nonce::parse(bad), Err(BadNonce::Form), "{bad}");
        }
    }
}
