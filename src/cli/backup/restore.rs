//! `keynode restore`: a backup becomes the state of a node that does not run.

use std::fs::{self, File};
use std::io::{self, BufReader, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt, lchown};
use std::path::{Path, PathBuf};

use clap::Args;

use crate::files;
use crate::licence::Timestamp;
use crate::node::{StateDir, UNPACKING, put_in_place};
use crate::settings::{DEFAULT_FILE, Settings, SettingsArgs};
use crate::store::{Database, append_audit, forget_sessions};

use super::super::failure::Failure;
use super::super::offline::author;
use super::contents::{LICENCES, SETTINGS, STATE, VENDORS};
use super::manifest::Manifest;
use super::unpack;

/// What is restored, and where to.
#[derive(Debug, Clone, Args)]
pub(in crate::cli) struct RestoreArgs {
    /// The backup; "-" is standard input
    file: PathBuf,
    /// Check the whole backup and say what it is; nothing is changed
    #[arg(long)]
    dry_run: bool,
    /// Put the settings file of the backup in place too
    #[arg(long)]
    with_settings: bool,
    /// Leave the sessions out: nobody has a seat when the node starts
    ///
    /// Without it the programs that had seats when the backup was made go on with them, as after a crash. Those that
    /// have gone since keep theirs until their time is over.
    #[arg(long)]
    without_sessions: bool,
    #[command(flatten)]
    settings: SettingsArgs,
}

pub(in crate::cli) fn run(args: &RestoreArgs, out: &mut impl Write) -> Result<(), Failure> {
    let refused = |why: String| Failure::of(format!("{}: {why}", args.file.display()));
    if args.dry_run {
        let manifest = unpack::check(open(&args.file)?).map_err(refused)?;
        writeln!(out, "whole: {}", manifest.summary())?;
        tell(&manifest, &args.file, out)?;
        return Ok(());
    }
    let loaded = Settings::load(&args.settings)?;
    let settings = &loaded.settings;
    let from = open(&args.file)?;
    // From here on no node can start on it, and none was running.
    let _lock = StateDir::open(&settings.state_dir)?;
    let state = &settings.state_dir;
    let staging = Staging::new(state)?;
    let manifest =
        unpack::unpack(from, &staging.0, |manifest| enough_space(manifest, state)).map_err(refused)?;
    let new = staging.0.join(STATE);
    let forgotten = prepare(&new, &manifest, args.without_sessions)?;
    let owner = fs::metadata(state).map(|about| (about.uid(), about.gid()))?;
    give(&staging.0, owner).map_err(|error| Failure::of_file(&staging.0, &error))?;
    // Licences and vendors elsewhere are added to what is there; by themselves they change nothing that was given.
    for (part, directory) in [
        (LICENCES, settings.licence_dir()),
        (VENDORS, settings.vendor_dir()),
    ] {
        add_files(&staging.0.join(part), &directory, owner)?;
    }
    let time = manifest_time(author().time);
    if args.with_settings {
        let file = loaded.file.clone().unwrap_or_else(|| DEFAULT_FILE.into());
        put_settings(&staging.0.join(SETTINGS), &file, &time, out)?;
    }
    let old = put(staging, state, &time)?;
    writeln!(out, "restored: {}", manifest.summary())?;
    writeln!(
        out,
        "the state from before is in {}: remove it when all is well",
        old.display()
    )?;
    if let Some(count) = forgotten {
        writeln!(out, "{count} session(s) were left out")?;
    }
    tell(&manifest, &args.file, out)
}

fn open(file: &Path) -> Result<Box<dyn Read>, Failure> {
    if file.as_os_str() == "-" {
        return Ok(Box::new(io::stdin().lock()));
    }
    match File::open(file) {
        Ok(opened) => Ok(Box::new(BufReader::new(opened))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(Failure::NotFound(format!(
            "{}: there is no such file",
            file.display()
        ))),
        Err(error) => Err(Failure::of_file(file, &error)),
    }
}

/// What whoever restores has to see to.
fn tell(manifest: &Manifest, file: &Path, out: &mut impl Write) -> Result<(), Failure> {
    let here = crate::computer::inspect(&crate::computer::Roots::host())
        .fingerprint
        .computer_id();
    if manifest.computer_id != here {
        writeln!(
            out,
            "it is from another computer: licences that are bound to that one give no seats here; `keynode activation \
             list` shows what to move"
        )?;
    }
    if manifest.schemas.keys().any(|name| name.ends_with("/centre.db")) {
        writeln!(
            out,
            "an activation centre is in it: before it serves again, `keynode centre restored`"
        )?;
    }
    for path in &manifest.not_included {
        let path = crate::text::clean(path.as_bytes()).unwrap_or_default();
        writeln!(out, "not in {}, put it back yourself: {path}", file.display())?;
    }
    Ok(())
}

/// The directory that everything is unpacked into; what is left of it goes with this.
struct Staging(PathBuf);

impl Staging {
    fn new(state: &Path) -> Result<Self, Failure> {
        let path = state.join(format!("{UNPACKING}.part"));
        let failed = |error: io::Error| Failure::of_file(&path, &error);
        // One that was interrupted left it.
        if path.exists() {
            fs::remove_dir_all(&path).map_err(failed)?;
        }
        fs::DirBuilder::new().mode(0o700).create(&path).map_err(failed)?;
        Ok(Self(path))
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        // The next restore removes it, too.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A backup that cannot fit is refused before it fills the disk.
fn enough_space(manifest: &Manifest, state: &Path) -> Result<(), String> {
    let space = rustix::fs::statvfs(state).map_err(|error| format!("{}: {error}", state.display()))?;
    let free = space.f_bavail.saturating_mul(space.f_frsize);
    let wanted = manifest.bytes().unwrap_or(u64::MAX);
    if wanted <= free {
        return Ok(());
    }
    let (wanted, free) = (indicatif::HumanBytes(wanted), indicatif::HumanBytes(free));
    Err(format!(
        "it holds {wanted}, and {} has only {free} left",
        state.display()
    ))
}

/// Brings the unpacked state to the present schema and notes in its audit log where it comes from.
fn prepare(new: &Path, manifest: &Manifest, without_sessions: bool) -> Result<Option<usize>, Failure> {
    let mut connection = Database::open(new)?.connect()?;
    let forgotten = without_sessions.then(|| forget_sessions(&connection)).transpose();
    let forgotten = forgotten.map_err(Failure::of)?;
    let left_out = forgotten.map(|count| format!("; {count} sessions were left out"));
    let detail = format!(
        "from a backup: {}{}",
        manifest.summary(),
        left_out.unwrap_or_default()
    );
    append_audit(&mut connection, &[author().did("restore", "state", detail)]).map_err(Failure::of)?;
    // One file again, without a log beside it.
    connection
        .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
        .map_err(Failure::of)?;
    Ok(forgotten)
}

/// What root unpacks belongs to whom the state belongs: the node could not use it else.
fn give(path: &Path, owner: (u32, u32)) -> io::Result<()> {
    if rustix::process::geteuid().is_root() {
        lchown(path, Some(owner.0), Some(owner.1))?;
    }
    if path.is_dir() {
        for entry in fs::read_dir(path)? {
            give(&entry?.path(), owner)?;
        }
        File::open(path)?.sync_all()?;
    }
    Ok(())
}

fn add_files(from: &Path, to: &Path, owner: (u32, u32)) -> Result<(), Failure> {
    if !from.exists() {
        return Ok(());
    }
    let failed = |error: &io::Error| Failure::of_file(to, error);
    fs::create_dir_all(to).map_err(|error| failed(&error))?;
    for file in super::contents::files(from)
        .map_err(|error| failed(&error))?
        .files
    {
        let target = to.join(&file);
        let parent = target.parent().unwrap_or(to);
        let put = fs::create_dir_all(parent)
            .and_then(|()| fs::read(from.join(&file)))
            .and_then(|bytes| files::replace(&target, &bytes, 0o644))
            .and_then(|()| give(&target, owner));
        put.map_err(|error| Failure::of_file(&target, &error))?;
    }
    Ok(())
}

fn put_settings(from: &Path, to: &Path, time: &str, out: &mut impl Write) -> Result<(), Failure> {
    if !from.exists() {
        return Err(Failure::NotFound(
            "no settings file is in the backup: leave --with-settings out".into(),
        ));
    }
    let failed = |error: io::Error| Failure::of_file(to, &error);
    let parent = to.parent().unwrap_or(Path::new("/"));
    fs::create_dir_all(parent).map_err(failed)?;
    // The service reads it as a member of the directory's group.
    let like = fs::metadata(if to.exists() { to } else { parent }).map_err(failed)?;
    let mode = fs::metadata(from).map_err(failed)?.permissions().mode() & 0o644;
    if to.exists() {
        let old = PathBuf::from(format!("{}.before-restore-{time}", to.display()));
        fs::copy(to, &old).map_err(failed)?;
        writeln!(out, "the settings from before are in {}", old.display())?;
    }
    let bytes = fs::read(from).map_err(failed)?;
    files::replace(to, &bytes, mode).map_err(failed)?;
    give(to, (like.uid(), like.gid())).map_err(failed)?;
    writeln!(out, "the settings are in {}", to.display())?;
    Ok(())
}

/// Lets the new state be the state.
fn put(staging: Staging, state: &Path, time: &str) -> Result<PathBuf, Failure> {
    let failed = |error: io::Error| Failure::of_file(state, &error);
    let ready = state.join(UNPACKING);
    if ready.exists() {
        fs::remove_dir_all(&ready).map_err(failed)?;
    }
    fs::rename(staging.0.join(STATE), &ready).map_err(failed)?;
    drop(staging);
    put_in_place(state, time).map_err(failed)
}

/// For a name: 20300102T030405.678Z.
fn manifest_time(time: Timestamp) -> String {
    time.to_string().replace(['-', ':'], "")
}
