//! The PINs that tokens refused, so that none is tried twice by itself, also after a restart: tokens lock after a few.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use crate::store::HashedPassword;

/// Name of the file in the state directory.
const FILE: &str = "refused-pins.json";

/// PINs kept of each token, and tokens.
const MOST: usize = 8;
const MOST_TOKENS: usize = 64;

/// Longest file that is read, in bytes.
const LONGEST: u64 = 1 << 20;

/// By a token's name (its serial number): hashes of PINs, the oldest first.
type Kept = BTreeMap<String, Vec<String>>;

/// What is remembered.
pub(super) struct RefusedPins {
    file: Option<PathBuf>,
    kept: Mutex<Kept>,
}

impl RefusedPins {
    /// Reads what an earlier run kept in this directory.
    pub(super) fn open(directory: Option<&Path>) -> Self {
        let file = directory.map(|directory| directory.join(FILE));
        let kept = file.as_deref().map(read).unwrap_or_default();
        Self {
            file,
            kept: Mutex::new(kept),
        }
    }

    /// Whether the token has refused this PIN. Takes 40 ms for each PIN that it refused.
    pub(super) fn has(&self, token: &str, pin: &str) -> bool {
        let hashes = self.lock().get(token).cloned().unwrap_or_default();
        hashes
            .into_iter()
            .any(|hash| HashedPassword::from_stored(hash).matches(pin))
    }

    /// The token has refused this PIN.
    pub(super) fn add(&self, token: &str, pin: &str) {
        let hash = HashedPassword::new(pin).as_str().to_owned();
        let mut kept = self.lock();
        if kept.len() >= MOST_TOKENS && !kept.contains_key(token) {
            kept.pop_first();
        }
        let hashes = kept.entry(token.to_owned()).or_default();
        if hashes.len() >= MOST {
            hashes.remove(0);
        }
        hashes.push(hash);
        self.write(&kept);
    }

    /// The token has accepted its PIN.
    pub(super) fn forget(&self, token: &str) {
        let mut kept = self.lock();
        if kept.remove(token).is_some() {
            self.write(&kept);
        }
    }

    fn write(&self, kept: &Kept) {
        let Some(file) = &self.file else { return };
        if let Err(error) = write(file, kept) {
            tracing::error!(
                "{}: cannot be written: {error}; after a restart, PINs that tokens refused are tried again",
                file.display()
            );
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn read(file: &Path) -> Kept {
    let text = fs::metadata(file).and_then(|metadata| {
        if metadata.len() > LONGEST {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        fs::read_to_string(file)
    });
    let kept = match text {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Kept::new(),
        text => text.and_then(|text| Ok(serde_json::from_str(&text)?)),
    };
    kept.unwrap_or_else(|error: io::Error| {
        tracing::error!(
            "{}: cannot be read: {error}; PINs that tokens refused may be tried again",
            file.display()
        );
        Kept::new()
    })
}

/// All of it or nothing, also when the power goes.
fn write(file: &Path, kept: &Kept) -> io::Result<()> {
    let new = file.with_extension("new");
    let mut options = File::options();
    let mut to = options
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&new)?;
    to.write_all(&serde_json::to_vec(kept)?)?;
    to.sync_all()?;
    fs::rename(&new, file)?;
    match file.parent() {
        Some(directory) => File::open(directory)?.sync_all(),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn refused_pins_outlive_a_restart_and_are_not_readable() {
        let directory = tempfile::tempdir().unwrap();
        let refused = RefusedPins::open(Some(directory.path()));
        refused.add("A1", "71305846");
        assert!(
            refused.has("A1", "71305846") && !refused.has("A1", "71305847") && !refused.has("B2", "71305846")
        );
        let file = directory.path().join(FILE);
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(!fs::read_to_string(&file).unwrap().contains("71305846"));

        let refused = RefusedPins::open(Some(directory.path()));
        assert!(refused.has("A1", "71305846"));
        refused.forget("A1");
        assert!(!RefusedPins::open(Some(directory.path())).has("A1", "71305846"));
    }

    #[test]
    fn a_broken_file_is_no_obstacle() {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join(FILE), "{").unwrap();
        let refused = RefusedPins::open(Some(directory.path()));
        refused.add("A1", "1");
        assert!(RefusedPins::open(Some(directory.path())).has("A1", "1"));
    }
}
