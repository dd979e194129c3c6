//! `keynode public-key` and `keynode verify`: whether an answer really came from a node.

use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use clap::Args;

use crate::settings::{Settings, SigningArgs, SigningProvider};
use crate::signing::{KeyList, Message, SIGNING_KEY, verify as verify_signature};

use super::failure::Failure;

/// Where the node is.
#[derive(Debug, Clone, Args)]
pub(super) struct PublicKeyArgs {
    /// Print all keys, those of former times too, each under a line that says what it is
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    settings: SigningArgs,
}

/// An answer and its signature.
#[derive(Debug, Clone, Args)]
pub(super) struct VerifyArgs {
    /// Public key of the node (PEM file)
    #[arg(long, value_name = "PEM")]
    public_key: PathBuf,
    /// The Licence-QueryID of the request, where it had one
    #[arg(long, value_name = "Q", default_value = "")]
    query_id: String,
    /// The Licence-Signature of the answer
    #[arg(long, value_name = "S")]
    signature: String,
    /// File with the exact bytes of the body ("-" is standard input)
    body: PathBuf,
}

pub(super) fn print(args: &PublicKeyArgs, out: &mut impl Write) -> Result<(), Failure> {
    let settings = Settings::load(&args.settings.0)?.settings;
    let list = KeyList::load(&settings.state_dir).map_err(Failure::of)?;
    if args.all {
        for (entry, state) in list.states(&settings.signing) {
            let time = |name: &str, time: Option<_>| {
                time.map(|time: crate::licence::Timestamp| format!(", {name} {time}"))
            };
            writeln!(
                out,
                "{}, {}{}{}\n{}",
                state.name(),
                entry.place.provider(),
                time("since", entry.since).unwrap_or_default(),
                time("retired", entry.retired).unwrap_or_default(),
                entry.public_key.trim_end(),
            )?;
        }
        return Ok(());
    }
    let Some(current) = list.current(&settings.signing) else {
        return Err(Failure::NotFound(match &settings.signing.token {
            Some(token) if settings.signing.provider == SigningProvider::Pkcs11 => {
                format!("token {token} has no signing key yet: keynode signing init --token {token}")
            }
            _ => format!(
                "{}: there is no key yet; a node makes it at its first start",
                settings.state_dir.join(SIGNING_KEY).display()
            ),
        }));
    };
    out.write_all(current.public_key.as_bytes())?;
    Ok(())
}

pub(super) fn verify(args: &VerifyArgs, out: &mut impl Write) -> Result<(), Failure> {
    let pem = String::from_utf8_lossy(&read(&args.public_key)?).into_owned();
    let body = read(&args.body)?;
    let message = Message {
        query_id: args.query_id.as_bytes(),
        body: &body,
    };
    verify_signature(&pem, message, &args.signature).map_err(Failure::of)?;
    writeln!(out, "verified: the node of this key gave exactly this answer")?;
    Ok(())
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    if path.as_os_str() == "-" {
        let mut bytes = Vec::new();
        std::io::stdin().lock().read_to_end(&mut bytes)?;
        return Ok(bytes);
    }
    fs::read(path).map_err(|error| Failure::of(format!("{}: {error}", path.display())))
}
