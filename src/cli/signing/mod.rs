//! `keynode signing`: which key signs the answers, and where its private half is.

mod change;
mod show;
mod token;

pub(super) use change::Change;
pub(super) use token::OpenToken;

use std::io::Write;
use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::settings::SigningArgs;

use super::failure::Failure;

/// What can be done with signing keys.
#[derive(Debug, Clone, Subcommand)]
pub(super) enum SigningCommand {
    /// Make a key on a token that never leaves it, or adopt one that is there, and have it sign
    Init(InitArgs),
    /// Put the software key on a token: clients keep their public key
    Import(ImportArgs),
    /// Make a new key where the current one is; the public half of the old one stays listed
    Rotate(RotateArgs),
    /// List the keys, and tell how the token is
    Show {
        /// Print JSON
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        settings: SigningArgs,
    },
}

/// A key made on a token, or found there.
#[derive(Debug, Clone, Args)]
pub(super) struct InitArgs {
    /// NAME of the [tokens.NAME] in the settings
    #[arg(long, value_name = "NAME")]
    token: String,
    /// Adopt this key instead of making one: its CKA_ID in hexadecimal digits, or its label
    #[arg(long, value_name = "KEY", conflicts_with_all = ["bits", "label"])]
    key: Option<String>,
    #[command(flatten)]
    new: NewKeyArgs,
    #[command(flatten)]
    settings: SigningArgs,
}

/// What a new key is like.
#[derive(Debug, Clone, Args)]
struct NewKeyArgs {
    /// Length of the new key
    #[arg(long, value_name = "BITS", default_value = "2048", value_parser = ["2048", "3072"])]
    bits: String,
    /// Label of the new key on its token
    #[arg(long, value_name = "LABEL", default_value = "keynode signing")]
    label: String,
}

/// A software key that goes to a token.
#[derive(Debug, Clone, Args)]
pub(super) struct ImportArgs {
    /// NAME of the [tokens.NAME] in the settings
    #[arg(long, value_name = "NAME")]
    token: String,
    /// The private key (PEM) [default: the node's software key]
    #[arg(long, value_name = "PEM")]
    file: Option<PathBuf>,
    /// Remove that file afterwards: only where the settings say already that the token signs
    #[arg(long)]
    remove_file: bool,
    /// Label of the key on its token
    #[arg(long, value_name = "LABEL", default_value = "keynode signing")]
    label: String,
    #[command(flatten)]
    settings: SigningArgs,
}

/// A new key in the place of the current one.
#[derive(Debug, Clone, Args)]
pub(super) struct RotateArgs {
    #[command(flatten)]
    new: NewKeyArgs,
    #[command(flatten)]
    settings: SigningArgs,
}

pub(super) fn run(command: &SigningCommand, out: &mut impl Write) -> Result<(), Failure> {
    match command {
        SigningCommand::Init(args) => change::init(args, out),
        SigningCommand::Import(args) => change::import(args, out),
        SigningCommand::Rotate(args) => change::rotate(args, out),
        SigningCommand::Show { json, settings } => show::run(*json, settings, out),
    }
}
