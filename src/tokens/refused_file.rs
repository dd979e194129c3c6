//! The file in the state directory with the PINs that tokens refused: hashes, shared by the node and its commands.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, chown};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// Its name.
const FILE: &str = "refused-pins";

/// Longest file that is read, in bytes.
const LONGEST: u64 = 1 << 20;

/// By a token's name (its serial number).
pub(super) type Kept = BTreeMap<String, Known>;

/// Hashes of a token's PINs, the oldest first.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(from = "Stored")]
pub(super) struct Known {
    /// Those that it refused.
    pub(super) refused: Vec<String>,
    /// Those that it was being given when the node ended.
    pub(super) begun: Vec<String>,
}

/// As it stands in the file; it began as a list of those that were refused.
#[derive(Deserialize)]
#[serde(untagged)]
enum Stored {
    Refused(Vec<String>),
    Known {
        refused: Vec<String>,
        begun: Vec<String>,
    },
}

impl From<Stored> for Known {
    fn from(stored: Stored) -> Self {
        let (refused, begun) = match stored {
            Stored::Refused(refused) => (refused, Vec::new()),
            Stored::Known { refused, begun } => (refused, begun),
        };
        Self { refused, begun }
    }
}

/// The file, and those that lock it.
pub(super) struct RefusedFile {
    directory: PathBuf,
}

impl RefusedFile {
    pub(super) fn new(directory: &Path) -> Self {
        Self {
            directory: directory.into(),
        }
    }

    fn path(&self, end: &str) -> PathBuf {
        self.directory.join(format!("{FILE}.{end}"))
    }

    /// What is in it; none where that cannot be read, which is logged.
    pub(super) fn read(&self) -> Option<Kept> {
        let file = self.path("json");
        let text = fs::metadata(&file).and_then(|metadata| {
            if metadata.len() > LONGEST {
                return Err(io::ErrorKind::FileTooLarge.into());
            }
            fs::read_to_string(&file)
        });
        let kept = match text {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Some(Kept::new()),
            text => text.and_then(|text| Ok(serde_json::from_str(&text)?)),
        };
        kept.inspect_err(|error| {
            tracing::error!(
                "{}: cannot be read: {error}; PINs that tokens refused may be tried again",
                file.display()
            );
        })
        .ok()
    }

    /// Writes all of it or nothing, also when the power goes; a failure is logged.
    pub(super) fn write(&self, kept: &Kept) {
        if let Err(error) = self.replace(kept) {
            tracing::error!(
                "{}: cannot be written: {error}; after a restart, PINs that tokens refused are tried again",
                self.path("json").display()
            );
        }
    }

    fn replace(&self, kept: &Kept) -> io::Result<()> {
        let new = self.path("new");
        let mut to = self.open(&new)?;
        to.set_len(0)?;
        to.write_all(&serde_json::to_vec(kept)?)?;
        to.sync_all()?;
        fs::rename(&new, self.path("json"))?;
        File::open(&self.directory)?.sync_all()
    }

    /// Waits until nobody else changes the file. None, which is logged: it cannot be locked, and that is no reason to do
    /// without the token.
    pub(super) fn lock_all(&self) -> Option<File> {
        self.locked("lock", |lock| {
            flock(lock, FlockOperation::LockExclusive).map_err(io::Error::from)
        })
    }

    /// Waits, as long as `wait` says so, until nobody else gives this token a PIN; as [`RefusedFile::lock_all`] otherwise.
    ///
    /// # Errors
    /// Another still does.
    pub(super) fn lock(&self, token: &str, mut wait: impl FnMut() -> bool) -> Result<Option<File>, ()> {
        let hash = Sha256::digest(token);
        let name = hash[..8]
            .iter()
            .fold(0, |name: u64, byte| name << 8 | u64::from(*byte));
        let mut busy = false;
        let lock = self.locked(&format!("{name:016x}.lock"), |lock| {
            loop {
                match flock(lock, FlockOperation::NonBlockingLockExclusive) {
                    Err(Errno::WOULDBLOCK) if wait() => {}
                    Err(Errno::WOULDBLOCK) => {
                        busy = true;
                        return Ok(());
                    }
                    result => return Ok(result?),
                }
            }
        });
        if busy { Err(()) } else { Ok(lock) }
    }

    fn locked(&self, end: &str, lock: impl FnOnce(&File) -> io::Result<()>) -> Option<File> {
        let path = self.path(end);
        let locked = self.open(&path).and_then(|file| {
            lock(&file)?;
            Ok(file)
        });
        locked
            .inspect_err(|error| tracing::error!("{}: cannot be locked: {error}", path.display()))
            .ok()
    }

    /// Opens a file of the directory to be written. What root makes belongs to whom the directory does: the node could not
    /// use it else.
    fn open(&self, path: &Path) -> io::Result<File> {
        let mut options = File::options();
        let options = options.write(true).create(true).truncate(false).mode(0o600);
        let file = options.open(path)?;
        let (wanted, found) = (fs::metadata(&self.directory)?, file.metadata()?);
        if (wanted.uid(), wanted.gid()) != (found.uid(), found.gid()) && rustix::process::geteuid().is_root()
        {
            chown(path, Some(wanted.uid()), Some(wanted.gid()))?;
        }
        Ok(file)
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn kept() -> Kept {
        let known = Known {
            refused: vec!["hash".into()],
            begun: Vec::new(),
        };
        [("A1".to_owned(), known)].into()
    }

    #[test]
    fn it_is_for_nobody_else_and_belongs_to_whom_the_directory_does() {
        let directory = tempfile::tempdir().unwrap();
        let root = rustix::process::geteuid().is_root();
        if root {
            chown(directory.path(), Some(1234), Some(1235)).unwrap();
        }
        let file = RefusedFile::new(directory.path());
        let locks = (file.lock_all(), file.lock("A1", || false).unwrap());
        assert!(locks.0.is_some() && locks.1.is_some());
        file.write(&kept());
        for entry in fs::read_dir(directory.path()).unwrap() {
            let metadata = entry.unwrap().metadata().unwrap();
            assert_eq!(metadata.permissions().mode() & 0o777, 0o600);
            assert!(!root || (metadata.uid(), metadata.gid()) == (1234, 1235));
        }
        assert_eq!(file.read().unwrap()["A1"].refused, ["hash"]);
    }

    #[test]
    fn a_list_of_an_earlier_version_is_read() {
        let directory = tempfile::tempdir().unwrap();
        let file = RefusedFile::new(directory.path());
        fs::write(file.path("json"), r#"{"A1":["one","two"]}"#).unwrap();
        assert_eq!(file.read().unwrap()["A1"].refused, ["one", "two"]);
    }

    #[test]
    fn a_broken_file_is_no_obstacle() {
        let directory = tempfile::tempdir().unwrap();
        let file = RefusedFile::new(directory.path());
        fs::write(file.path("json"), "{").unwrap();
        assert!(file.read().is_none());
        file.write(&kept());
        assert!(file.read().is_some());
    }
}
