//! Passwords: argon2id, slow on purpose (about 40 ms), so never on a thread that answers requests.

use argon2::Argon2;
use argon2::password_hash::{PasswordHash, PasswordHasher, PasswordVerifier, SaltString};

/// The fewest characters of a password that is set by hand.
pub const MIN_PASSWORD: usize = 8;

/// A password as it is kept.
#[derive(Clone, PartialEq, Eq)]
pub struct HashedPassword(String);

impl HashedPassword {
    /// Hashes a password under a new random salt.
    pub fn new(password: &str) -> Self {
        let salt =
            SaltString::encode_b64(uuid::Uuid::new_v4().as_bytes()).expect("16 bytes are a valid salt");
        let hash = Argon2::default()
            .hash_password(password.as_bytes(), &salt)
            .expect("default parameters are valid");
        Self(hash.to_string())
    }

    /// What [`HashedPassword::as_str`] gave.
    pub(super) fn from_stored(text: String) -> Self {
        Self(text)
    }

    /// The text to keep (PHC string).
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether this is the password. Takes as long for a wrong one.
    pub fn matches(&self, password: &str) -> bool {
        PasswordHash::new(&self.0).is_ok_and(|hash| {
            Argon2::default()
                .verify_password(password.as_bytes(), &hash)
                .is_ok()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_password_matches_and_each_hash_has_its_salt() {
        let hash = HashedPassword::new("correct horse");
        assert!(hash.matches("correct horse") && !hash.matches("correct horse "));
        assert!(hash != HashedPassword::new("correct horse"));
        assert!(!HashedPassword::from_stored("nonsense".into()).matches("nonsense"));
    }
}
