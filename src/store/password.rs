//! Passwords: argon2id, slow on purpose (about 40 ms), so never on a thread that answers requests.

use argon2::password_hash::{self, Output, ParamsString, PasswordHash, Salt, SaltString};
use argon2::{Algorithm, Argon2, Block, Params, Version};

/// The fewest characters of a password that is set by hand.
pub const MIN_PASSWORD: usize = 8;

/// Blocks of argon2 (1 KiB each) that the allocator always maps by themselves, and so gives back to the system at
/// once: glibc keeps what is smaller than 32 MiB for later, which would be 20 MB in each thread that ever
/// hashed. What is reserved beyond the need is never touched, so it costs nothing.
const OWN_MAPPING: usize = 33 * 1024;

/// In the place of a user's hash where there is no such user.
const DECOY: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$bm9ib2R5IGhhcyB0aGlz$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// A password as it is kept.
#[derive(Clone, PartialEq, Eq)]
pub struct HashedPassword(String);

impl HashedPassword {
    /// Hashes a password under a new random salt.
    pub fn new(password: &str) -> Self {
        let salt =
            SaltString::encode_b64(uuid::Uuid::new_v4().as_bytes()).expect("16 bytes are a valid salt");
        let (algorithm, version, params) = (Algorithm::Argon2id, Version::V0x13, Params::default());
        let hash = PasswordHash {
            algorithm: algorithm.ident(),
            version: Some(version.into()),
            params: ParamsString::try_from(&params).expect("default parameters are valid"),
            salt: Some(salt.as_salt()),
            hash: compute(&Argon2::new(algorithm, version, params), password, salt.as_salt()).ok(),
        };
        Self(hash.to_string())
    }

    /// One that no password matches, and that takes as long to find out.
    pub fn decoy() -> Self {
        Self(DECOY.into())
    }

    /// What [`HashedPassword::as_str`] gave.
    pub(crate) fn from_stored(text: String) -> Self {
        Self(text)
    }

    /// The text to keep (PHC string).
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether this is the password. Takes as long for a wrong one.
    pub fn matches(&self, password: &str) -> bool {
        compare(&self.0, password).unwrap_or(false)
    }
}

fn compare(stored: &str, password: &str) -> password_hash::Result<bool> {
    let stored = PasswordHash::new(stored)?;
    let (Some(salt), Some(expected)) = (stored.salt, stored.hash) else {
        return Ok(false);
    };
    let version = stored.version.map_or(Ok(Version::default()), Version::try_from)?;
    let argon2 = Argon2::new(stored.algorithm.try_into()?, version, Params::try_from(&stored)?);
    // Outputs are compared in constant time.
    Ok(compute(&argon2, password, salt)? == expected)
}

fn compute(argon2: &Argon2<'_>, password: &str, salt: Salt<'_>) -> password_hash::Result<Output> {
    let params = argon2.params();
    let mut salt_bytes = [0; Salt::MAX_LENGTH];
    let salt = salt.decode_b64(&mut salt_bytes)?;
    let mut memory = Vec::with_capacity(params.block_count().max(OWN_MAPPING));
    memory.resize(params.block_count(), Block::default());
    Output::init_with(params.output_len().unwrap_or(Params::DEFAULT_OUTPUT_LEN), |out| {
        Ok(argon2.hash_password_into_with_memory(password.as_bytes(), salt, out, &mut memory)?)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_are_those_of_any_other_argon2() {
        use argon2::{PasswordHasher, PasswordVerifier};
        let ours = HashedPassword::new("correct horse");
        let parsed = PasswordHash::new(ours.as_str()).unwrap();
        assert!(
            Argon2::default()
                .verify_password(b"correct horse", &parsed)
                .is_ok()
        );
        let salt = SaltString::encode_b64(b"sixteen bytes...").unwrap();
        let theirs = Argon2::default().hash_password(b"correct horse", &salt).unwrap();
        assert!(HashedPassword::from_stored(theirs.to_string()).matches("correct horse"));
        assert!(
            compare(DECOY, "correct horse").is_ok(),
            "the decoy is computed, not refused"
        );
    }

    #[test]
    fn only_the_password_matches_and_each_hash_has_its_salt() {
        let hash = HashedPassword::new("correct horse");
        assert!(hash.matches("correct horse") && !hash.matches("correct horse "));
        assert!(hash != HashedPassword::new("correct horse"));
        assert!(!HashedPassword::from_stored("nonsense".into()).matches("nonsense"));
        assert!(!HashedPassword::decoy().matches(""));
    }
}
