//! What belongs into a backup, and what the names of its entries may be.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

use toml::{Table, Value};

use crate::node::is_of_restoring;
use crate::settings::Settings;

/// The state directory.
pub(super) const STATE: &str = "state";
/// The directory of licence files, where it is outside of the state directory.
pub(super) const LICENCES: &str = "licences";
/// The directory of trusted vendors, where it is outside of the state directory.
pub(super) const VENDORS: &str = "vendors";
/// The settings file.
pub(super) const SETTINGS: &str = "settings/keynode.toml";

/// The longest name of an entry: what fits into its head.
const LONGEST: usize = 255;

/// A part of a backup and the directory that it is from.
pub(super) struct Part {
    pub(super) name: &'static str,
    pub(super) directory: PathBuf,
}

/// The parts by these settings.
pub(super) fn parts(settings: &Settings) -> Vec<Part> {
    let state = &settings.state_dir;
    let part = |name, directory: PathBuf| Part { name, directory };
    let mut parts = vec![part(STATE, state.clone())];
    for (name, directory) in [
        (LICENCES, settings.licence_dir()),
        (VENDORS, settings.vendor_dir()),
    ] {
        if !directory.starts_with(state) {
            parts.push(part(name, directory));
        }
    }
    parts
}

/// What a directory and those below it have, as paths from there.
#[derive(Default)]
pub(super) struct Found {
    pub(super) files: Vec<PathBuf>,
    /// What a backup cannot hold. Links are not followed: whoever may write into the directory could have root copy any
    /// file. A name that is no text has no place in the manifest.
    pub(super) left_out: Vec<PathBuf>,
}

/// Where the licences and the vendors are within an archive of these parts.
pub(super) fn name_of(directory: &Path, otherwise: &str, state: &Path) -> String {
    match directory.strip_prefix(state) {
        Ok(rest) => below(STATE, rest),
        Err(_) => otherwise.to_owned(),
    }
}

/// A path in an archive.
pub(super) fn below(part: &str, rest: &Path) -> String {
    match rest.as_os_str().is_empty() {
        true => part.to_owned(),
        false => format!("{part}/{}", rest.display()),
    }
}

/// Looks for the files of a directory. What is no file, such as a socket, is no state. An error has the path it is about.
pub(super) fn files(directory: &Path) -> Result<Found, (PathBuf, io::Error)> {
    let mut found = Found::default();
    let mut open = vec![PathBuf::new()];
    while let Some(below) = open.pop() {
        let path = directory.join(&below);
        let failed = |error| (path.clone(), error);
        let entries = match fs::read_dir(&path) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(failed(error)),
        };
        for entry in entries {
            let entry = entry.map_err(failed)?;
            let (name, kind) = (entry.file_name(), entry.file_type().map_err(failed)?);
            if below.as_os_str().is_empty() && is_of_restoring(&name) {
                continue;
            }
            let path = below.join(&name);
            match name.to_str() {
                None => found.left_out.push(path),
                Some(name) if is_passing(name) => {}
                Some(_) if kind.is_dir() => open.push(path),
                Some(_) if kind.is_file() => found.files.push(path),
                Some(_) if kind.is_symlink() => found.left_out.push(path),
                Some(_) => {}
            }
        }
    }
    found.files.sort();
    Ok(found)
}

/// Files that mean nothing to another process: locks, parts of what is being written, the logs beside a database.
fn is_passing(name: &str) -> bool {
    let ends = [".part", ".lock", ".db-wal", ".db-shm", ".db-journal"];
    ends.iter().any(|end| name.ends_with(end))
}

/// Whether an entry may have this name. Whoever made the archive wanted it so: nothing may lead out of where it is
/// unpacked, nor to what belongs to the unpacking itself.
pub(super) fn check(path: &str) -> Result<(), String> {
    let refused = |why: &str| {
        Err(format!(
            "an entry's name is refused, {why}: {:?}",
            path.chars().take(80).collect::<String>()
        ))
    };
    if path.is_empty() || path.len() > LONGEST || path.chars().any(char::is_control) {
        return refused("it is too long, empty or has control characters");
    }
    let plain = Path::new(path)
        .components()
        .all(|part| matches!(part, Component::Normal(_)));
    // What reads as the same path when its components are put together is written without "." and "//".
    if !plain || Path::new(path).components().collect::<PathBuf>().as_os_str() != path {
        return refused("it leads elsewhere");
    }
    if path == SETTINGS {
        return Ok(());
    }
    match path.split_once('/') {
        Some((STATE, rest)) => {
            let first = rest.split('/').next().unwrap_or_default();
            if is_of_restoring(OsStr::new(first)) || is_passing(rest) {
                refused("it is no state")
            } else {
                Ok(())
            }
        }
        Some((LICENCES | VENDORS, _)) => Ok(()),
        _ => refused("it is of no part that is known"),
    }
}

/// Whether an archive's licences or vendors may be said to be in this directory of it: what may hold an entry.
pub(super) fn check_directory(path: &str) -> Result<(), String> {
    check(&format!("{path}/x"))
}

/// Files that the settings name outside of the parts: PINs, certificates and their keys, the centre.
pub(super) fn elsewhere(settings: &Settings, parts: &[Part]) -> Vec<String> {
    let mut found = Vec::new();
    let Ok(table) = Table::try_from(settings) else {
        return found;
    };
    look(&table, &mut |name, text| {
        let path = Path::new(text);
        let inside = parts.iter().any(|part| path.starts_with(&part.directory));
        // A module belongs to the system.
        if name != "module" && path.is_absolute() && !inside && path.exists() {
            found.push(text.to_owned());
        }
    });
    found.sort();
    found.dedup();
    found
}

fn look(table: &Table, told: &mut impl FnMut(&str, &str)) {
    for (name, value) in table {
        match value {
            Value::String(text) => told(name, text),
            Value::Table(table) => look(table, told),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_lead_elsewhere_are_refused() {
        for good in [
            "state/keynode.db",
            "state/licences/672B.1.licence",
            "licences/a b",
            SETTINGS,
        ] {
            check(good).unwrap();
        }
        let long = format!("state/{}", "a".repeat(300));
        for bad in [
            "",
            "/etc/passwd",
            "state",
            "state/",
            "state/../x",
            "../state/x",
            "state//x",
            "state/./x",
            "./state/x",
            "state/a\nb",
            "settings/other",
            "settings/keynode.toml/x",
            "x/y",
            "manifest.json",
            "state/lock",
            "state/lost+found/x",
            "state/before-restore-1/x",
            "state/.restore-ready-1/x",
            "state/keynode.db-wal",
            "state/a/\0",
            &long,
        ] {
            assert!(check(bad).is_err(), "{bad:?}");
        }
    }
}
