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

/// All characters of a code.
const LENGTH: usize = RANDOM + 2;

/// By what a code is found: a number that its characters and the centre's secret give. Codes are written in the order of their
/// tags, so that the index grows in few places at a time; the codes themselves are in no order that tells anything.
pub(super) type Tag = i64;

/// A new code. Sorts by its tag.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Made {
    pub(super) tag: Tag,
    text: [u8; LENGTH],
}

impl Made {
    pub(super) fn code(&self) -> ActivationCode {
        let text = String::from_utf8_lossy(&self.text);
        ActivationCode::parse(&text).expect("20 digits and letters are a code")
    }
}

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
    pub(super) fn make(&mut self) -> Result<Made, CentreError> {
        let mut text = [0; LENGTH];
        for place in &mut text[..RANDOM] {
            *place = self.letter()?;
        }
        let (tag, check) = self.seal(&text[..RANDOM]);
        text[RANDOM..].copy_from_slice(&check);
        Ok(Made { tag, text })
    }

    /// The tag of a code that this centre may have made, none for others; a guess passes once in 1,296 times.
    pub(super) fn tag(&self, code: &ActivationCode) -> Option<Tag> {
        let bare = bare(code);
        let (random, given) = bare.as_bytes().split_at(RANDOM);
        let (tag, check) = self.seal(random);
        (check == given).then_some(tag)
    }

    /// What the secret makes of the random characters: the tag, and the two that check them.
    fn seal(&self, random: &[u8]) -> (Tag, [u8; 2]) {
        let seal = sign(&self.key, random);
        let number = |from: usize| {
            let bytes = seal.as_ref().iter().skip(from).take(8);
            bytes.fold(0_u64, |number, byte| number << 8 | u64::from(*byte))
        };
        let letter = |index: u64| LETTERS[usize::try_from(index % 36).unwrap_or(0)];
        let check = number(8) % (36 * 36);
        (number(0).cast_signed(), [letter(check / 36), letter(check)])
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
        assert!(made.iter().all(|made| codes.tag(&made.code()) == Some(made.tag)));
        let distinct: HashSet<_> = made.iter().map(|made| made.text).collect();
        assert_eq!(distinct.len(), made.len());
        let passed = made
            .iter()
            .filter(|made| other.tag(&made.code()).is_some())
            .count();
        assert!(passed < 20, "{passed} of 2000 guesses passed");
    }

    #[test]
    fn a_typing_error_is_found_without_the_database() {
        let codes = Codes::new(&[7; SECRET]);
        let random = "4345932020357421ZZ";
        let check = codes.seal(random.as_bytes()).1.map(char::from);
        let code: Vec<char> = random.chars().chain(check).collect();
        let read = |code: &[char]| ActivationCode::parse(&code.iter().collect::<String>()).unwrap();
        assert!(codes.tag(&read(&code)).is_some());
        for place in 0..code.len() {
            let mut mistyped = code.clone();
            mistyped[place] = if code[place] == 'A' { 'B' } else { 'A' };
            assert!(codes.tag(&read(&mistyped)).is_none(), "{place}");
            mistyped.clone_from(&code);
            mistyped.swap(place, (place + 1) % 20);
            let same = mistyped == code;
            assert_eq!(codes.tag(&read(&mistyped)).is_some(), same, "{place}");
        }
    }

    #[test]
    fn every_letter_is_as_likely() {
        let mut codes = Codes::new(&[7; SECRET]);
        let mut counts = [0_u32; 36];
        for _ in 0..4_000 {
            for letter in &codes.make().unwrap().text[..RANDOM] {
                counts[LETTERS.iter().position(|known| known == letter).unwrap()] += 1;
            }
        }
        // 2,000 each; the standard deviation is 44.
        assert!(
            counts.iter().all(|count| (1_700..2_300).contains(count)),
            "{counts:?}"
        );
    }
}
