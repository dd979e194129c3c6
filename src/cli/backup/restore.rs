//! `keynode restore`: a backup becomes the state of a node that does not run.

use std::fs::{self, File};
use std::io::{self, BufReader, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;

use crate::licence::Timestamp;
use crate::node::{StateDir, UNPACKING, may_begin, put_in_place};
use crate::settings::{DEFAULT_FILE, Settings, SettingsArgs};
use crate::store::{Database, append_audit, forget_sessions};

use super::super::failure::Failure;
use super::super::offline::author;
use super::contents::{SETTINGS, STATE};
use super::manifest::Manifest;
use super::place::{arrange, give};
use super::{place, room, unpack};

/// What is restored, and where to.
#[derive(Debug, Clone, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
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
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    settings: SettingsArgs,
}

pub(in crate::cli) fn run(args: &RestoreArgs, out: &mut impl Write) -> Result<(), Failure> {
    let refused = |why: String| Failure::of(format!("{}: {why}", args.file.display()));
    if args.dry_run {
        let manifest = unpack::check(open(&args.file)?).map_err(refused)?;
        let notes = notes(&manifest, &args.file);
        if args.json {
            writeln!(out, "{}", json!({ "Backup": manifest.to_json(), "Notes": notes }))?;
            return Ok(());
        }
        writeln!(out, "whole: {}", manifest.summary())?;
        return Ok(notes.iter().try_for_each(|line| writeln!(out, "{line}"))?);
    }
    let loaded = Settings::load(&args.settings)?;
    let settings = &loaded.settings;
    let from = open(&args.file)?;
    // From here on no node can start on it, and none was running.
    let _lock = StateDir::open(&settings.state_dir)?;
    let state = &settings.state_dir;
    may_begin(state).map_err(Failure::of)?;
    let staging = Staging::new(state)?;
    let manifest =
        unpack::unpack(from, &staging.0, |manifest| enough_space(manifest, state)).map_err(refused)?;
    let mut told = Vec::new();
    // What is in force afterwards says where the licences and the vendors are looked for.
    let after = if args.with_settings {
        settings_within(args, &staging.0.join(SETTINGS), state, &mut told)?
    } else {
        settings.clone()
    };
    let new = staging.0.join(STATE);
    let forgotten = prepare(&new, &manifest, args.without_sessions)?;
    let outside = arrange(&staging.0, &manifest, &after)?;
    let owner = fs::metadata(state).map(|about| (about.uid(), about.gid()))?;
    give(&staging.0, owner).map_err(|error| Failure::of_file(&staging.0, &error))?;
    let time = manifest_time(author().time);
    // They are added to what is there; by themselves they change nothing that was given.
    for (from, to) in &outside {
        place::add_files(from, to, owner, &time, &mut told)?;
    }
    if args.with_settings {
        let file = loaded.file.clone().unwrap_or_else(|| DEFAULT_FILE.into());
        place::put_settings(&staging.0.join(SETTINGS), &file, &time, &mut told)?;
    }
    let old = put(staging, state, &time)?;
    told.extend(notes(&manifest, &args.file));
    // Nothing is said before all is done: a reader that goes away would end it in the middle.
    if args.json {
        let result = json!({
            "Backup": manifest.to_json(),
            "Before": old.display().to_string(),
            "SessionsLeftOut": forgotten,
            "Notes": told,
        });
        writeln!(out, "{result}")?;
        return Ok(());
    }
    writeln!(out, "restored: {}", manifest.summary())?;
    writeln!(
        out,
        "the state from before is in {}: remove it when all is well",
        old.display()
    )?;
    if let Some(count) = forgotten {
        writeln!(out, "{count} session(s) were left out")?;
    }
    for line in told {
        writeln!(out, "{line}")?;
    }
    Ok(())
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
fn notes(manifest: &Manifest, file: &Path) -> Vec<String> {
    let here = crate::computer::inspect(&crate::computer::Roots::host())
        .fingerprint
        .computer_id();
    let mut notes = Vec::new();
    if manifest.computer_id != here {
        notes.push(
            "it is from another computer: licences that are bound to that one give no seats here; `keynode activation \
             list` shows what to move"
                .into(),
        );
    }
    if manifest.schemas.keys().any(|name| name.ends_with("/centre.db")) {
        notes.push("an activation centre is in it: before it serves again, `keynode centre restored`".into());
    }
    for path in &manifest.not_included {
        let path = crate::text::clean(path.as_bytes()).unwrap_or_default();
        notes.push(format!("not in {}, put it back yourself: {path}", file.display()));
    }
    notes
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
    room::check(state, manifest.bytes().unwrap_or(u64::MAX))
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

/// The settings in the backup, with the variables and flags of this command over them; refused where a node with them
/// would not find the state, or not start.
fn settings_within(
    args: &RestoreArgs,
    file: &Path,
    state: &Path,
    told: &mut Vec<String>,
) -> Result<Settings, Failure> {
    if !file.exists() {
        return Err(Failure::NotFound(
            "no settings file is in the backup: leave --with-settings out".into(),
        ));
    }
    let load = |overrides| {
        let config = Some(file.to_owned());
        Settings::load(&SettingsArgs { config, overrides })
            .map(|loaded| loaded.settings)
            .map_err(|error| {
                let why = error.to_string().replace(&file.display().to_string(), SETTINGS);
                Failure::Settings(format!(
                    "the settings in the backup will not do: {why}: leave --with-settings out, and write them anew"
                ))
            })
    };
    let settings = load(args.settings.overrides.clone())?;
    let here = state.display();
    let there = settings.state_dir.display();
    if settings.state_dir != state {
        return Err(Failure::of(format!(
            "the settings in the backup have the state in {there}, those in force here in {here}: say where it goes with \
             --state-dir {there}"
        )));
    }
    let by_file = load(Vec::new())?.state_dir;
    if by_file != state {
        told.push(format!(
            "by the settings file alone the node looks for its state in {}; the state is in {here}",
            by_file.display()
        ));
    }
    Ok(settings)
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
