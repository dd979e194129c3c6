//! Seals what is kept of the services: AES-256-GCM under a key of the state directory, bound to the record that it is part of.

use std::fs::File;
use std::io::{Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use aws_lc_rs::aead::{AES_256_GCM, Aad, Nonce, RandomizedNonceKey};
use aws_lc_rs::rand;
use tokio::sync::OnceCell;
use zeroize::Zeroizing;

use super::secret::Secret;

/// Name of the key's file in the state directory.
pub(super) const KEY_FILE: &str = "gateway.key";

/// Length of the key in bytes.
const KEY_LENGTH: usize = 32;

/// Why something could not be sealed or opened.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum VaultError {
    /// The key's file.
    #[error("the key of the gateway {path}: {why}")]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// It was sealed by another key, or for another record, or is damaged.
    #[error("what is kept of {kind} {name} does not open: was {KEY_FILE} replaced?")]
    Closed {
        /// Kind of the record.
        kind: &'static str,
        /// Its name.
        name: String,
    },
}

/// Seals and opens.
pub(super) struct Vault {
    path: PathBuf,
    key: OnceCell<RandomizedNonceKey>,
}

impl Vault {
    /// The vault of this state directory.
    pub(super) fn new(state_dir: &Path) -> Self {
        Self {
            path: state_dir.join(KEY_FILE),
            key: OnceCell::new(),
        }
    }

    async fn key(&self) -> Result<&RandomizedNonceKey, VaultError> {
        self.key
            .get_or_try_init(|| async {
                let key = read_or_make(&self.path).map_err(|error| VaultError::File {
                    path: self.path.clone(),
                    why: error.to_string(),
                })?;
                RandomizedNonceKey::new(&AES_256_GCM, &*key).map_err(|_| VaultError::File {
                    path: self.path.clone(),
                    why: format!("expected {KEY_LENGTH} bytes"),
                })
            })
            .await
    }

    /// Seals the secret part of a record.
    pub(super) async fn seal(
        &self,
        kind: &'static str,
        name: &str,
        secret: &Secret,
    ) -> Result<Vec<u8>, VaultError> {
        let closed = |_| VaultError::Closed {
            kind,
            name: name.into(),
        };
        let mut text = Zeroizing::new(secret.expose().as_bytes().to_vec());
        let nonce = self.key().await?;
        let nonce = nonce.seal_in_place_append_tag(Aad::from(about(kind, name)), &mut *text);
        let nonce = nonce.map_err(closed)?;
        Ok([nonce.as_ref().as_slice(), &text].concat())
    }

    /// Opens it.
    pub(super) async fn open(
        &self,
        kind: &'static str,
        name: &str,
        sealed: &[u8],
    ) -> Result<Secret, VaultError> {
        let closed = || VaultError::Closed {
            kind,
            name: name.into(),
        };
        let (nonce, text) = sealed.split_at_checked(12).ok_or_else(closed)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| closed())?;
        let mut text = Zeroizing::new(text.to_vec());
        let key = self.key().await?;
        let plain = key.open_in_place(nonce, Aad::from(about(kind, name)), &mut text);
        let plain = plain.map_err(|_| closed())?;
        std::str::from_utf8(plain).map(Secret::from).map_err(|_| closed())
    }
}

/// What binds a sealed part to its record.
fn about(kind: &str, name: &str) -> Vec<u8> {
    [kind.as_bytes(), b"\0", name.as_bytes()].concat()
}

fn read_or_make(path: &Path) -> std::io::Result<Zeroizing<Vec<u8>>> {
    if !path.exists() {
        let mut key = Zeroizing::new(vec![0; KEY_LENGTH]);
        rand::fill(&mut key).map_err(|_| std::io::Error::other("the system has no randomness"))?;
        let part = path.with_extension("part");
        let mut file = File::options();
        let mut file = file
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&part)?;
        file.write_all(&key)?;
        file.sync_all()?;
        std::fs::rename(&part, path)?;
    }
    let mut key = Zeroizing::new(Vec::with_capacity(KEY_LENGTH + 1));
    File::open(path)?
        .take(KEY_LENGTH as u64 + 1)
        .read_to_end(&mut key)?;
    Ok(key)
}
