//! The state directory: private to the node, and to one node at a time.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, OFlags, flock};

use crate::files;
use crate::store::{Database, FILE_NAME, StoreError};

use super::{StartError, restoring};

/// A state directory that this process has for itself.
pub struct StateDir {
    path: PathBuf,
    _lock: File,
}

impl StateDir {
    /// Makes the directory where it is missing, and locks it.
    ///
    /// # Errors
    /// [`StartError::StateDir`] where it cannot be made or written; [`StartError::InUse`].
    pub fn open(path: &Path) -> Result<Self, StartError> {
        let failed = |source| StartError::StateDir {
            path: path.into(),
            source,
        };
        create(path).map_err(failed)?;
        let lock = lock_file(path).map_err(failed)?;
        match flock(&lock, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {
                restoring::finish(path).map_err(failed)?;
                Ok(Self {
                    path: path.into(),
                    _lock: lock,
                })
            }
            Err(rustix::io::Errno::WOULDBLOCK) => Err(StartError::InUse(path.into())),
            Err(error) => Err(failed(error.into())),
        }
    }

    /// Whether a node has kept its state here. A restore that was interrupted is finished first, for the state may be
    /// between its two places.
    ///
    /// # Errors
    /// [`StartError::StateDir`] where the directory cannot be looked at; [`StartError::InUse`] while somebody restores.
    pub fn is_kept_in(path: &Path) -> Result<bool, StartError> {
        let failed = |source| StartError::StateDir {
            path: path.into(),
            source,
        };
        match restoring::is_pending(path) {
            Ok(true) => drop(Self::open(path)?),
            Ok(false) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(failed(error)),
        }
        path.join(FILE_NAME).try_exists().map_err(failed)
    }

    /// The state file of a node that may be running: for commands beside it.
    ///
    /// # Errors
    /// [`StartError::StateDir`] where the directory cannot be made; [`StartError::Store`].
    pub fn shared_database(path: &Path) -> Result<Database, StartError> {
        create(path).map_err(|source| StartError::StateDir {
            path: path.into(),
            source,
        })?;
        // While another process restores, there is no state to work on.
        Self::is_kept_in(path)?;
        Ok(Database::open(path)?)
    }

    /// The state file in it.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn database(&self) -> Result<Database, StoreError> {
        Database::open(&self.path)
    }
}

/// The file that is locked. Root may have come first, and the node must be able to open it all the same.
fn lock_file(path: &Path) -> io::Result<File> {
    let no_link = i32::try_from(OFlags::NOFOLLOW.bits()).map_err(io::Error::other)?;
    let lock = File::options()
        .create(true)
        .append(true)
        .custom_flags(no_link)
        .open(path.join("lock"))?;
    files::give(&lock, path)?;
    Ok(lock)
}

/// Makes a directory that only its owner may enter; one that exists is left as it is.
pub(super) fn create(path: &Path) -> io::Result<()> {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        // The system says "File exists" of a file in its place.
        .map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => io::Error::other("it is not a directory"),
            _ => error,
        })
}
