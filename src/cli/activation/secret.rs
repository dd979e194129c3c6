//! Codes from people and scripts. A code is worth a licence: where `-` stands for it, neither the shell's history nor
//! the list of processes has it.

use std::convert::Infallible;
use std::fmt;
use std::io::{self, BufRead, IsTerminal};
use std::str::FromStr;

use zeroize::Zeroizing;

use crate::licence::{ActivationCode, KeyNo};

use super::super::failure::Failure;

/// An argument that may be a code; nothing but its reading ever shows it.
#[derive(Clone, PartialEq, Eq)]
pub(in crate::cli) struct Secret(Zeroizing<String>);

/// What names a licence.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Named {
    /// The code that it was bought with.
    Code(ActivationCode),
    /// Its number.
    KeyNo(KeyNo),
}

impl FromStr for Secret {
    type Err = Infallible;

    // Whatever is wrong with it is told later: clap would repeat it.
    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(Self(Zeroizing::new(text.to_owned())))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a code")
    }
}

impl Secret {
    /// The code. `what` says on the terminal which one is wanted.
    pub(super) fn code(&self, what: &str) -> Result<ActivationCode, Failure> {
        parse(&self.text(what)?, what)
    }

    /// The code, or the number of the licence.
    pub(super) fn named(&self) -> Result<Named, Failure> {
        let text = self.text("activation code")?;
        let bare = text.trim();
        // A code has 20 characters, a number 16 at most.
        let is_number = (1..=16).contains(&bare.len()) && bare.bytes().all(|b| b.is_ascii_digit());
        match bare.parse() {
            Ok(key_no) if is_number => Ok(Named::KeyNo(key_no)),
            _ => parse(bare, "activation code or KeyNo").map(Named::Code),
        }
    }

    /// What stands there; where that is `-`, what is typed at the terminal unseen, or the next line of standard input.
    fn text(&self, what: &str) -> Result<Zeroizing<String>, Failure> {
        if *self.0 != "-" {
            return Ok(self.0.clone());
        }
        if io::stdin().is_terminal() {
            let asked = format!("{}{}: ", what[..1].to_uppercase(), &what[1..]);
            return Ok(Zeroizing::new(rpassword::prompt_password(asked)?));
        }
        let mut line = Zeroizing::new(String::new());
        io::stdin().lock().read_line(&mut line)?;
        if line.is_empty() {
            return Err(Failure::Usage(format!("no {what}: standard input has ended")));
        }
        Ok(line)
    }
}

fn parse(text: &str, what: &str) -> Result<ActivationCode, Failure> {
    ActivationCode::parse(text).map_err(|error| Failure::Usage(format!("this is no {what}: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(text: &str) -> Secret {
        text.parse().unwrap()
    }

    #[test]
    fn a_code_and_a_number_are_told_apart() {
        let code = ActivationCode::parse("4345-9320-2035-7421-5361").unwrap();
        for text in [
            "4345-9320-2035-7421-5361",
            "43459320203574215361",
            " 4345 9320 2035 7421 5361\n",
        ] {
            assert_eq!(secret(text).named().unwrap(), Named::Code(code.clone()), "{text}");
        }
        assert_eq!(secret("7131766").named().unwrap(), Named::KeyNo(7_131_766));
        for bad in ["", "12345678901234567", "4345-9320", "+5"] {
            let failure = secret(bad).named().unwrap_err();
            assert!(matches!(failure, Failure::Usage(_)), "{bad}");
        }
    }

    #[test]
    fn nothing_repeats_a_code_that_was_mistyped() {
        let mistyped = secret("4345-9320-2035-7421-536");
        let told = format!("{mistyped:?} {}", mistyped.code("activation code").unwrap_err());
        assert!(!told.contains("9320"), "{told}");
    }
}
