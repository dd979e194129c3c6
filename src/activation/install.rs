//! Licence files that a centre's answers bring and take away: written whole, and never over somebody else's.

use std::fs::{self, File};
use std::io::{self};
use std::path::{Path, PathBuf};

use crate::files;
use crate::keyring::{KeyKind, Keyring};
use crate::licence::{ActivationCode, KeyNo, Licence};

use super::order::ActivationError;

/// The files of the licence that a code was activated into.
pub(super) fn files_of(keyring: &Keyring, key_no: KeyNo, code: &ActivationCode) -> Vec<PathBuf> {
    let files = keyring.keys().iter().filter(|key| {
        let licence = key.licence.as_deref();
        key.kind == KeyKind::Virtual
            && licence.is_some_and(|own| own.key_no == key_no && own.activation_code.as_ref() == Some(code))
    });
    files.map(|key| PathBuf::from(&key.file_name)).collect()
}

/// Where a licence goes: to the file that holds it already, whatever its name, else to its own name. `known` says that
/// this node has activated it before.
pub(super) fn target(
    keyring: &Keyring,
    directory: &Path,
    licence: &Licence,
    known: bool,
) -> Result<PathBuf, ActivationError> {
    let own = licence
        .activation_code
        .as_ref()
        .map_or_else(Vec::new, |code| files_of(keyring, licence.key_no, code));
    let rivals = keyring.keys().iter().filter(|key| {
        let same = key
            .licence
            .as_deref()
            .is_some_and(|other| other.key_no == licence.key_no);
        same && !own.iter().any(|path| path.as_os_str() == key.file_name.as_str())
    });
    let rivals: Vec<&str> = rivals.map(|key| key.file_name.as_str()).collect();
    if !rivals.is_empty() {
        return Err(in_the_way(licence.key_no, &rivals.join(", ")));
    }
    match own.as_slice() {
        [path] => Ok(path.clone()),
        [] => {
            let path = directory.join(licence.file_name());
            if path.symlink_metadata().is_ok() && !known {
                return Err(in_the_way(licence.key_no, &path.to_string_lossy()));
            }
            Ok(path)
        }
        [first, ..] => Err(in_the_way(licence.key_no, &first.to_string_lossy())),
    }
}

fn in_the_way(key_no: KeyNo, place: &str) -> ActivationError {
    ActivationError::Here(format!(
        "the licence {key_no} was not written, for {place} has one with this number already, which is not from this \
         activation: remove that first"
    ))
}

/// Writes a file so that nobody ever sees a part of it, durably. It is readable by all who may enter its directory, for
/// the node may be another user than who writes it.
pub(super) fn write(path: &Path, text: &str) -> io::Result<()> {
    let directory = path.parent().unwrap_or(Path::new("."));
    files::create_directories(directory, 0o700)?;
    files::replace(path, text.as_bytes(), 0o644)
}

/// Removes a file durably; one that is gone is no failure.
pub(super) fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
        Ok(()) => File::open(path.parent().unwrap_or(Path::new(".")))?.sync_all(),
    }
}
