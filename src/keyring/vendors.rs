//! The directory of trusted vendor keys: `<kid>.pem` each.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::files;
use crate::licence::{BadVendorKey, VendorKey, VendorKeys};

/// A public key in PEM is far smaller.
const LARGEST: u64 = 16 * 1024;

/// Why a vendor's key was not added.
#[derive(Debug, thiserror::Error)]
pub enum TrustError {
    /// The key is no usable one.
    #[error("{path}: {source}")]
    Key {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: BadVendorKey,
    },
    /// Reading or writing failed.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// Reads all keys in `directory`. A file that holds none is logged and left out, for the licences that it
/// should verify say so themselves; a directory that does not exist holds no keys.
pub fn read_vendor_keys(directory: &Path) -> VendorKeys {
    let mut paths: Vec<PathBuf> = match fs::read_dir(directory) {
        Ok(entries) => entries.flatten().map(|entry| entry.path()).collect(),
        Err(error) => {
            if error.kind() != io::ErrorKind::NotFound {
                tracing::error!(directory = %directory.display(), %error, "the trusted vendors cannot be read");
            }
            return VendorKeys::default();
        }
    };
    paths.sort();
    let pems = paths
        .iter()
        .filter(|path| path.extension().is_some_and(|extension| extension == "pem"));
    pems.filter_map(|path| match read(path) {
        Ok(key) => Some(key),
        Err(error) => {
            tracing::warn!(%error, "this vendor key is not used");
            None
        }
    })
    .collect()
}

/// Adds the public key in the file `pem` to the trusted ones; the result is the key.
///
/// # Errors
/// [`TrustError`] names the file.
pub fn trust_vendor(directory: &Path, pem: &Path) -> Result<VendorKey, TrustError> {
    let key = read(pem)?;
    let text = fs::read(pem).map_err(|source| TrustError::Io {
        path: pem.into(),
        source,
    })?;
    let target = directory.join(format!("{}.pem", key.kid()));
    files::create_directories(directory, 0o700)
        .and_then(|()| files::replace(&target, &text, 0o644))
        .map_err(|source| TrustError::Io { path: target, source })?;
    Ok(key)
}

fn read(path: &Path) -> Result<VendorKey, TrustError> {
    let io = |source| TrustError::Io {
        path: path.into(),
        source,
    };
    let size = fs::metadata(path).map_err(io)?.len();
    let key = |source| TrustError::Key {
        path: path.into(),
        source,
    };
    if size > LARGEST {
        return Err(key(BadVendorKey::Form));
    }
    VendorKey::from_pem(&String::from_utf8_lossy(&fs::read(path).map_err(io)?)).map_err(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trusted_keys_are_read_back_and_nonsense_is_left_out() {
        let dir = tempfile::tempdir().unwrap();
        assert!(read_vendor_keys(&dir.path().join("missing")).is_empty());
        let pem = Path::new(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/tests/fixtures/vendor.pub.pem"
        ));
        let kid = trust_vendor(dir.path(), pem).unwrap().kid().to_owned();
        fs::write(dir.path().join("junk.pem"), "junk").unwrap();
        let keys = read_vendor_keys(dir.path());
        assert_eq!(keys.names(), [kid]);
    }

    #[test]
    fn a_private_key_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let pem = Path::new(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/tests/fixtures/vendor.key.pem"
        ));
        let error = trust_vendor(dir.path(), pem).unwrap_err();
        assert!(
            matches!(
                error,
                TrustError::Key {
                    source: BadVendorKey::Private,
                    ..
                }
            ),
            "{error}"
        );
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    }
}
