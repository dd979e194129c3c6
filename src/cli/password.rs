//! Passwords from people and scripts; never from arguments, which every user of the computer can read.

use std::fs;
use std::io::{self, BufRead, IsTerminal};
use std::path::PathBuf;

use clap::Args;
use zeroize::Zeroizing;

use super::failure::Failure;

/// Where a password comes from: a file, standard input, or the terminal.
#[derive(Debug, Clone, Args)]
pub(super) struct PasswordArgs {
    /// Read the password from the first line of this file ("-" is standard input)
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
}

impl PasswordArgs {
    /// A password that is to be set: asked for twice at a terminal.
    pub(super) fn new_password(&self, user: &str) -> Result<Zeroizing<String>, Failure> {
        self.given()?.map_or_else(
            || {
                let first = ask(&format!("New password for {user}: "))?;
                let second = ask("Once more: ")?;
                if first == second {
                    Ok(first)
                } else {
                    Err(Failure::of("the two passwords differ"))
                }
            },
            Ok,
        )
    }

    /// A password to log in with; `KEYNODE_PASSWORD` counts too.
    pub(super) fn password(&self, user: &str) -> Result<Zeroizing<String>, Failure> {
        if self.password_file.is_none()
            && let Ok(password) = std::env::var("KEYNODE_PASSWORD")
        {
            return Ok(Zeroizing::new(password));
        }
        match self.given()? {
            Some(password) => Ok(password),
            None => ask(&format!("Password of {user}: ")),
        }
    }

    /// The password, unless it is to be asked for.
    fn given(&self) -> Result<Option<Zeroizing<String>>, Failure> {
        match &self.password_file {
            Some(path) if path.as_os_str() != "-" => {
                let text = fs::read_to_string(path).map(Zeroizing::new);
                let text = text.map_err(|error| Failure::of(format!("{}: {error}", path.display())))?;
                let first_line = text.lines().next().unwrap_or_default();
                Ok(Some(Zeroizing::new(first_line.to_owned())))
            }
            None if io::stdin().is_terminal() => Ok(None),
            _ => standard_input().map(Some),
        }
    }
}

fn standard_input() -> Result<Zeroizing<String>, Failure> {
    let mut line = Zeroizing::new(String::new());
    io::stdin().lock().read_line(&mut line)?;
    if line.is_empty() {
        return Err(Failure::Usage(
            "no password: standard input is empty; --password-file names a file with it".into(),
        ));
    }
    Ok(Zeroizing::new(line.trim_end_matches(['\r', '\n']).to_owned()))
}

fn ask(prompt: &str) -> Result<Zeroizing<String>, Failure> {
    Ok(Zeroizing::new(rpassword::prompt_password(prompt)?))
}
