//! `keynode licence`: the licence files of a node. A running node notices within a second.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::Subcommand;

use crate::files;
use crate::keyring::{KeyKind, read_vendor_keys};
use crate::licence::{KeyNo, open};
use crate::node::StateDir;
use crate::settings::{KeyArgs, Settings};
use crate::text::compact;

use super::activation::{Here, explain, tell};
use super::failure::Failure;
use super::offline::{Offline, read_bounded, read_licence};

/// What can be done with licence files.
#[derive(Debug, Clone, Subcommand)]
pub(super) enum LicenceCommand {
    /// Add licence files: each is checked, then put where the node looks for it
    ///
    /// A licence that answers a request of this node (`keynode activation request`) completes that.
    Add {
        /// The files; "-" is standard input, such as what a scanner read
        #[arg(required = true)]
        files: Vec<PathBuf>,
        #[command(flatten)]
        place: KeyArgs,
    },
    /// Remove a licence
    Remove {
        /// `KeyNo`
        key_no: KeyNo,
        #[command(flatten)]
        place: KeyArgs,
    },
    /// List the licences with their verdicts
    List {
        /// Print JSON
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        place: KeyArgs,
    },
    /// Show all that is known of a licence
    Show {
        /// `KeyNo`
        key_no: KeyNo,
        /// Print JSON
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        place: KeyArgs,
    },
}

pub(super) fn run(command: &LicenceCommand, out: &mut impl Write) -> Result<(), Failure> {
    match command {
        LicenceCommand::Add { files, place } => files.iter().try_for_each(|file| add(file, place, out)),
        LicenceCommand::Remove { key_no, place } => remove(*key_no, &Offline::look(place)?, out),
        LicenceCommand::List { json, place } => super::keys::list(
            &Offline::look_for_keys(place)?,
            Some(KeyKind::Virtual),
            *json,
            out,
        ),
        LicenceCommand::Show { key_no, json, place } => {
            super::keys::show(*key_no, *json, &Offline::look(place)?, &unknown, out)
        }
    }
}

fn add(file: &Path, place: &KeyArgs, out: &mut impl Write) -> Result<(), Failure> {
    let failed = |error: &dyn std::fmt::Display| Failure::of(format!("{}: {error}", file.display()));
    let settings = Settings::load(&place.0)?.settings;
    let from_stdin = file.as_os_str() == "-";
    let bytes = if from_stdin {
        read_bounded(io::stdin().lock()).map_err(|error| failed(&error))?
    } else {
        read_licence(file)?
    };
    let bytes = compact(&bytes);
    if answers(&bytes, &settings, out)? {
        return Ok(());
    }
    let licence = open(&bytes, &read_vendor_keys(&settings.vendor_dir())).map_err(|error| failed(&error))?;
    let target = settings.licence_dir().join(licence.file_name());
    let before = Offline::look(place)?;
    let elsewhere = before.keyring.keys().iter().find(|key| {
        key.licence
            .as_ref()
            .is_some_and(|other| other.key_no == licence.key_no)
            && Path::new(&key.file_name) != target
    });
    if let Some(other) = elsewhere {
        return Err(failed(&format!(
            "KeyNo {} is in {} already: remove that first",
            licence.key_no, other.file_name
        )));
    }
    let replaced = target.exists();
    write_whole(&target, &bytes).map_err(|error| Failure::of(format!("{}: {error}", target.display())))?;
    let word = if replaced { "replaced" } else { "added" };
    writeln!(out, "licence {} is {word}: {}", licence.key_no, target.display())?;
    let after = Offline::look(place)?;
    if let Some(cause) = after
        .keyring
        .find(licence.key_no)
        .and_then(|key| key.verdict.cause.as_ref())
    {
        writeln!(out, "it gives no seats here: {cause}")?;
    }
    Ok(())
}

/// Whether it answered a request of this node, and is here now; whatever answers none is a licence like others.
fn answers(bytes: &[u8], settings: &Settings, out: &mut impl Write) -> Result<bool, Failure> {
    if !StateDir::is_kept_in(&settings.state_dir)? {
        return Ok(false);
    }
    let here = Here::open(settings.clone())?;
    let rows = here.activator.list().map_err(explain)?;
    if rows.iter().all(|row| row.pending.is_none()) {
        return Ok(false);
    }
    match here.activator.accept(bytes).map_err(explain)? {
        Some(activated) => tell(&activated, &here, out).map(|()| true),
        None => Ok(false),
    }
}

/// Writes a file so that nobody ever sees a part of it; makes its directory where it is missing.
pub(super) fn write_whole(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    files::create_directories(path.parent().unwrap_or(Path::new(".")), 0o700)?;
    files::replace(path, bytes, 0o644)
}

fn remove(key_no: KeyNo, offline: &Offline, out: &mut impl Write) -> Result<(), Failure> {
    let mut files = offline
        .keyring
        .keys()
        .iter()
        .filter(|key| key.kind == KeyKind::Virtual && key.key_no == key_no)
        .peekable();
    if files.peek().is_none() {
        return Err(unknown(key_no, offline));
    }
    for key in files {
        fs::remove_file(&key.file_name)
            .map_err(|error| Failure::of(format!("{}: {error}", key.file_name)))?;
        writeln!(out, "licence {key_no} is removed: {}", key.file_name)?;
    }
    Ok(())
}

fn unknown(key_no: KeyNo, offline: &Offline) -> Failure {
    Failure::NotFound(format!(
        "there is no licence {key_no} in {}",
        offline.settings.licence_dir().display()
    ))
}
