//! `keynode backup` and `keynode restore`: the whole state of a node as one file, and back.

mod contents;
mod manifest;
mod pack;
mod place;
mod restore;
mod room;
mod stage;
mod unpack;
mod workplace;

use std::fs::{self, File};
use std::io::{self, BufReader, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;

use crate::settings::{Loaded, Settings, SettingsArgs};

use super::failure::Failure;
use super::progress;
pub(super) use restore::{RestoreArgs, run as restore};

/// Beside the archive its parts are copied before it is written.
const ARCHIVED: u64 = 2;

/// Where to, and whose state.
#[derive(Debug, Clone, Args)]
pub(super) struct BackupArgs {
    /// The file to write, such as keynode.tar.gz; "-" is standard output
    file: PathBuf,
    /// Replace a file that is there
    #[arg(long)]
    force: bool,
    /// Print JSON; not with "-", where the backup is what is printed
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    settings: SettingsArgs,
}

pub(super) fn run(args: &BackupArgs, out: &mut impl Write) -> Result<(), Failure> {
    let loaded = Settings::load(&args.settings)?;
    if args.file.as_os_str() == "-" {
        if args.json {
            return Err(Failure::Usage(
                "--json and \"-\" do not fit together: the backup itself is what is printed".into(),
            ));
        }
        return to_output(&loaded, out);
    }
    let file = &args.file;
    let named = |error: io::Error| Failure::of(format!("{}: {error}", file.display()));
    if let Ok(about) = file.symlink_metadata() {
        let kind = about.file_type();
        let why = if kind.is_dir() {
            "it is a directory: name a file in it"
        } else if !kind.is_file() && !kind.is_symlink() {
            "it is no file, and not to be replaced"
        } else if !args.force {
            "it is there already; --force replaces it"
        } else {
            ""
        };
        if !why.is_empty() {
            return Err(Failure::of(format!("{}: {why}", file.display())));
        }
    }
    let directory = match file.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    };
    refuse_within(&loaded.settings, directory, file)?;
    let staged = stage::gather(&loaded, directory, ARCHIVED)?;
    let part = staged.path().join("backup.tar.gz");
    let mut written = File::options()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&part)
        .map_err(named)?;
    pack::write(&staged, &mut written).map_err(named)?;
    written.sync_all().map_err(named)?;
    // What cannot be read back is no backup.
    let written = BufReader::new(File::open(&part).map_err(named)?);
    let manifest = unpack::check(written).map_err(|why| named(io::Error::other(why)))?;
    if args.force {
        fs::rename(&part, file).map_err(named)?;
    } else {
        // Unlike a renamed file, a link never replaces another.
        match fs::hard_link(&part, file) {
            // Sticks and network shares have no links, and nothing was there a moment ago.
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => fs::rename(&part, file),
            linked => linked,
        }
        .map_err(named)?;
    }
    File::open(directory)
        .and_then(|directory| directory.sync_all())
        .map_err(named)?;
    if args.json {
        let file = file.display().to_string();
        writeln!(out, "{}", json!({ "File": file, "Backup": manifest.to_json() }))?;
        return Ok(());
    }
    writeln!(out, "{}: {}", file.display(), manifest.summary())?;
    for path in &manifest.not_included {
        writeln!(out, "not in it, keep it yourself: {path}")?;
    }
    writeln!(
        out,
        "it holds the node's private keys: whoever has it can be this node"
    )?;
    Ok(())
}

fn to_output(loaded: &Loaded, out: &mut impl Write) -> Result<(), Failure> {
    if io::IsTerminal::is_terminal(&io::stdout()) {
        return Err(Failure::Usage(
            "a backup is no text for a terminal: name a file, or send it into a pipe".into(),
        ));
    }
    let staged = stage::gather(loaded, &std::env::temp_dir(), 1)?;
    // A reader that goes away has no backup: that is a failure here, unlike at a list.
    let failed = |error: io::Error| Failure::of(format!("standard output: {error}: the backup is not whole"));
    pack::write(&staged, &mut *out).map_err(failed)?;
    out.flush().map_err(failed)
}

/// The next backup would hold this one.
fn refuse_within(settings: &Settings, directory: &Path, file: &Path) -> Result<(), Failure> {
    let Ok(directory) = directory.canonicalize() else {
        // What is wrong with it is told when something is made there.
        return Ok(());
    };
    for part in contents::parts(settings) {
        if part
            .directory
            .canonicalize()
            .is_ok_and(|part| directory.starts_with(part))
        {
            return Err(Failure::of(format!(
                "{}: it would be part of the next backup: write it to another place than {}",
                file.display(),
                part.directory.display()
            )));
        }
    }
    Ok(())
}
