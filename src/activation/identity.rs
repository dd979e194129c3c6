//! The key by which a centre knows a node again: Ed25519, in a file of the state directory.

use std::fs::{self};
use std::io;
use std::path::{Path, PathBuf};

use aws_lc_rs::encoding::AsBigEndian;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use zeroize::Zeroizing;

use crate::files;

/// Name of the file in the state directory.
const FILE_NAME: &str = "activation.key";

/// The key cannot be read or made.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// The file cannot be read or written.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It holds no key.
    #[error(
        "{0}: this is no activation key of a node; without it the centre takes this node for another one"
    )]
    Form(PathBuf),
    /// The system gives no random numbers.
    #[error("the system gives no random numbers")]
    Random,
}

/// A node's key pair for activation. It says which node asks, and opens nothing.
pub struct NodeIdentity(Ed25519KeyPair);

impl NodeIdentity {
    /// The key in this state directory; made, readable by its owner alone, where there is none.
    ///
    /// # Errors
    /// [`IdentityError`] names the file.
    pub fn open(state_dir: &Path) -> Result<Self, IdentityError> {
        let path = state_dir.join(FILE_NAME);
        match fs::read(&path) {
            Ok(seed) => {
                let seed = Zeroizing::new(seed);
                let pair = Ed25519KeyPair::from_seed_unchecked(&seed);
                pair.map(Self).map_err(|_| IdentityError::Form(path))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Self::make(state_dir, &path),
            Err(source) => Err(IdentityError::Io { path, source }),
        }
    }

    /// Makes a key. Of two processes that do so at once, both end up with the key of the one that was first.
    fn make(state_dir: &Path, path: &Path) -> Result<Self, IdentityError> {
        let pair = Ed25519KeyPair::generate().map_err(|_| IdentityError::Random)?;
        let seed = pair.seed().map_err(|_| IdentityError::Random)?;
        let seed = seed.as_be_bytes().map_err(|_| IdentityError::Random)?;
        match files::create_private(path, seed.as_ref()) {
            Ok(()) => Ok(Self(pair)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Self::open(state_dir),
            Err(source) => Err(IdentityError::Io {
                path: path.into(),
                source,
            }),
        }
    }

    /// Its public half, 32 bytes.
    pub fn public_key(&self) -> [u8; 32] {
        let mut key = [0; 32];
        key.copy_from_slice(self.0.public_key().as_ref());
        key
    }

    /// Signs a text.
    pub fn sign(&self, text: &[u8]) -> Vec<u8> {
        self.0.sign(text).as_ref().to_vec()
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn the_key_is_made_once_and_for_its_owner_alone() {
        let dir = tempfile::tempdir().unwrap();
        let first = NodeIdentity::open(dir.path()).unwrap();
        let again = NodeIdentity::open(dir.path()).unwrap();
        assert_eq!(first.public_key(), again.public_key());
        let path = dir.path().join(FILE_NAME);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
        fs::write(&path, "nonsense").unwrap();
        assert!(matches!(
            NodeIdentity::open(dir.path()),
            Err(IdentityError::Form(_))
        ));
    }
}
