//! `keynode public-key` and `keynode verify`: whether an answer really came from a node.

use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use clap::Args;

use crate::node::SIGNING_KEY;
use crate::settings::{PlaceArgs, Settings};
use crate::signing::{Message, Signer, SoftwareKey, verify as verify_signature};

use super::failure::Failure;

/// Where the node is.
#[derive(Debug, Clone, Args)]
pub(super) struct PublicKeyArgs {
    #[command(flatten)]
    place: PlaceArgs,
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
    let path = Settings::load(&args.place.0)?
        .settings
        .state_dir
        .join(SIGNING_KEY);
    if !path.exists() {
        return Err(Failure::NotFound(format!(
            "{}: there is no key yet; a node makes it at its first start",
            path.display()
        )));
    }
    let key = SoftwareKey::read(&path).map_err(Failure::of)?;
    out.write_all(key.public_key().pem.as_bytes())?;
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
