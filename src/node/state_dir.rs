//! The state directory: private to the node, and to one node at a time.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};

use crate::store::{Database, StoreError};

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
        let lock = File::options()
            .create(true)
            .append(true)
            .open(path.join("lock"))
            .map_err(failed)?;
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

    /// The state file of a node that may be running: for commands beside it.
    ///
    /// # Errors
    /// [`StartError::StateDir`] where the directory cannot be made; [`StartError::Store`].
    pub fn shared_database(path: &Path) -> Result<Database, StartError> {
        let failed = |source| StartError::StateDir {
            path: path.into(),
            source,
        };
        create(path).map_err(failed)?;
        if restoring::is_pending(path).map_err(failed)? {
            // What was interrupted is finished; while another process is at it, there is no state to work on.
            Self::open(path)?;
        }
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
