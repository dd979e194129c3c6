//! Codes: how they are made, and how a guess is known without a look into the database.

use aws_lc_rs::hmac::{HMAC_SHA256, Key, sign};
use aws_lc_rs::rand::{SecureRandom, SystemRandom};

use crate::licence::ActivationCode;

use super::error::CentreError;

/// The characters of a code.
const LETTERS: &[u8; 36] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";

/// Random characters of a code: 93 bits.
const RANDOM: usize = 18;

/// Bytes from here on would make some letters likelier than others.
const FAIR: u8 = 252;

/// Length of the centre's secret in bytes.
pub(super) const SECRET: usize = 32;

/// Makes codes, and knows them again by their last two characters.
pub(super) struct Codes {
    key: Key,
    random: SystemRandom,
    /// Random bytes that are not used up: the system is asked for many at once.
    pool: Vec<u8>,
}

/// A new secret of a centre.
pub(super) fn new_secret() -> Result<[u8; SECRET], CentreError> {
    let mut secret = [0; SECRET];
    SystemRandom::new()
        .fill(&mut secret)
        .map_err(|_| CentreError::Random)?;
    Ok(secret)
}

impl Codes {
    pub(super) fn new(secret: &[u8; SECRET]) -> Self {
        Self {
            key: Key::new(HMAC_SHA256, secret),
            random: SystemRandom::new(),
            pool: Vec::new(),
        }
    }

    /// A new code.
    pub(super) fn make(&mut self) -> Result<ActivationCode, CentreError> {
        let mut text = [0; RANDOM + 2];
        for place in &mut text[..RANDOM] {
            *place = self.letter()?;
        }
        let check = self.check(&text[..RANDOM]);
        text[RANDOM..].copy_from_slice(&check);
        let text = String::from_utf8_lossy(&text);
        ActivationCode::parse(&text).map_err(|error| CentreError::Invalid(error.to_string()))
    }

    /// Whether this centre may have made it; a guess passes once in 1,296 times.
    pub(super) fn may_be_ours(&self, code: &ActivationCode) -> bool {
        let bare = bare(code);
        let (random, check) = bare.as_bytes().split_at(RANDOM);
        self.check(random) == check
    }

    fn check(&self, random: &[u8]) -> [u8; 2] {
        let tag = sign(&self.key, random);
        let first = tag.as_ref().iter().take(8);
        let number = first.fold(0_u64, |number, byte| number << 8 | u64::from(*byte)) % (36 * 36);
        let letter = |index: u64| LETTERS[usize::try_from(index % 36).unwrap_or(0)];
        [letter(number / 36), letter(number)]
    }

    fn letter(&mut self) -> Result<u8, CentreError> {
        loop {
            match self.pool.pop() {
                Some(byte) if byte < FAIR => return Ok(LETTERS[usize::from(byte) % LETTERS.len()]),
                Some(_) => {}
                None => {
                    self.pool.resize(4096, 0);
                    self.random
                        .fill(&mut self.pool)
                        .map_err(|_| CentreError::Random)?;
                }
            }
        }
    }
}

/// The 20 characters, as the database has them.
pub(super) fn bare(code: &ActivationCode) -> String {
    code.as_str().chars().filter(|c| *c != '-').collect()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn codes_are_known_again_and_another_centres_are_not() {
        let mut codes = Codes::new(&[7; SECRET]);
        let other = Codes::new(&[8; SECRET]);
        let made: Vec<_> = (0..2_000).map(|_| codes.make().unwrap()).collect();
        assert!(made.iter().all(|code| codes.may_be_ours(code)));
        let distinct: HashSet<&str> = made.iter().map(ActivationCode::as_str).collect();
        assert_eq!(distinct.len(), made.len());
        let passed = made.iter().filter(|code| other.may_be_ours(code)).count();
        assert!(passed < 20, "{passed} of 2000 guesses passed");
    }

    #[test]
    fn a_typing_error_is_found_without_the_database() {
        let mut codes = Codes::new(&[7; SECRET]);
        let code = codes.make().unwrap();
        let mistyped = |place: usize| {
            let mut text: Vec<char> = code.as_str().chars().collect();
            text[place] = if text[place] == 'A' { 'B' } else { 'A' };
            ActivationCode::parse(&text.into_iter().collect::<String>()).unwrap()
        };
        let passed = (0..24)
            .filter(|place| place % 5 != 4)
            .filter(|place| codes.may_be_ours(&mistyped(*place)))
            .count();
        assert!(passed <= 1, "{passed}");
    }

    #[test]
    fn every_letter_is_as_likely() {
        let mut codes = Codes::new(&[7; SECRET]);
        let mut counts = [0_u32; 36];
        for _ in 0..4_000 {
            for letter in bare(&codes.make().unwrap()).bytes().take(RANDOM) {
                counts[LETTERS.iter().position(|known| *known == letter).unwrap()] += 1;
            }
        }
        // 2,000 each; the standard deviation is 44.
        assert!(
            counts.iter().all(|count| (1_700..2_300).contains(count)),
            "{counts:?}"
        );
    }
}
