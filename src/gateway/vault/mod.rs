//! Seals what is kept of the services: AES-256-GCM, bound to the record that it is part of, under a key of the state directory
//! or one that a token guards.

mod key_file;
mod place;
mod wrapped;

#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aws_lc_rs::aead::{AES_256_GCM, Aad, Nonce, RandomizedNonceKey};
use zeroize::Zeroizing;

use crate::tokens::TokensHandle;

use super::outcome::Detail;
use super::secret::Secret;

pub(super) use place::Place;

/// Name of the key's file in the state directory.
pub(super) const KEY_FILE: &str = "gateway.key";

/// Name of the file with the key that a token's key opens.
pub(super) const WRAPPED_FILE: &str = "gateway.key.wrapped";

/// The files of the state directory that may hold the key: nobody else may read them.
pub const SEAL_FILES: [&str; 2] = [KEY_FILE, WRAPPED_FILE];

/// Length of the key in bytes.
const KEY_LENGTH: usize = 32;

/// Length of a nonce in bytes; it stands before what is sealed.
const NONCE_LENGTH: usize = 12;

/// Why something could not be sealed or opened.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum VaultError {
    /// The key's file.
    #[error("the key of the gateway, {path}: {why}")]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// The token that guards the key.
    #[error("the key of the gateway (gateway.token): {why}")]
    Token {
        /// What is wrong with it; names the token.
        why: String,
        /// What hardware has a word for.
        detail: Option<Detail>,
    },
    /// It was sealed by another key, or for another record, or is damaged.
    #[error("what is kept of {kind} {name} does not open: it is damaged, or {KEY_FILE} was replaced")]
    Closed {
        /// Kind of the record.
        kind: &'static str,
        /// Its name.
        name: String,
    },
}

/// Where the key is, and itself where it was needed.
struct Held {
    place: Arc<Place>,
    key: Option<Arc<RandomizedNonceKey>>,
    /// Why it was not to be had.
    trouble: Option<String>,
}

/// Seals and opens.
pub(super) struct Vault {
    tokens: TokensHandle,
    held: Mutex<Held>,
    /// One at a time gets the key from its place.
    getting: tokio::sync::Mutex<()>,
}

impl Vault {
    /// A vault whose key is there. It is looked for when it is needed first.
    pub(super) fn new(place: Place, tokens: TokensHandle) -> Self {
        let place = Arc::new(place);
        Self {
            tokens,
            held: Mutex::new(Held {
                place,
                key: None,
                trouble: None,
            }),
            getting: tokio::sync::Mutex::default(),
        }
    }

    /// The key is there from now on.
    pub(super) fn set_place(&self, place: Place) {
        let mut held = self.held();
        if *held.place != place {
            (held.place, held.key, held.trouble) = (Arc::new(place), None, None);
        }
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The key, where it is at hand. That of a token is forgotten when the token is away.
    fn at_hand(&self) -> (Arc<Place>, Option<Arc<RandomizedNonceKey>>) {
        let mut held = self.held();
        if held.place.is_away(&self.tokens) {
            held.key = None;
        }
        (held.place.clone(), held.key.clone())
    }

    /// The key. Where there is none anywhere, it is made if `may_make`.
    async fn key(&self, may_make: impl FnOnce() -> bool) -> Result<Arc<RandomizedNonceKey>, VaultError> {
        if let (_, Some(key)) = self.at_hand() {
            return Ok(key);
        }
        let _one = self.getting.lock().await;
        let place = match self.at_hand() {
            (_, Some(key)) => return Ok(key),
            (place, None) => place,
        };
        let bytes = place.key(&self.tokens, may_make).await;
        let key = bytes.and_then(|bytes| {
            let key = RandomizedNonceKey::new(&AES_256_GCM, &bytes);
            key.map(Arc::new).map_err(|_| VaultError::File {
                path: place.file().into(),
                why: format!("expected {KEY_LENGTH} bytes"),
            })
        });
        let mut held = self.held();
        if Arc::ptr_eq(&held.place, &place) {
            held.key = key.as_ref().ok().cloned();
            held.trouble = key.as_ref().err().map(ToString::to_string);
        }
        key
    }

    /// Makes sure that something could be sealed or opened now. Where there is no key, one is made if nothing is sealed yet,
    /// which `is_first` knows.
    pub(super) async fn unlock(&self, is_first: impl FnOnce() -> bool) -> Result<(), VaultError> {
        self.key(is_first).await.map(drop)
    }

    /// Why the key was not to be had when it was wanted last.
    pub(super) fn trouble(&self) -> Option<String> {
        self.held().trouble.clone()
    }

    /// Seals the secret part of a record. Where there is no key, one is made if nothing is sealed yet, which `is_first` knows.
    pub(super) async fn seal(
        &self,
        kind: &'static str,
        name: &str,
        secret: &Secret,
        is_first: impl FnOnce() -> bool,
    ) -> Result<Vec<u8>, VaultError> {
        let key = self.key(is_first).await?;
        let mut text = Zeroizing::new(secret.expose().as_bytes().to_vec());
        let nonce = key.seal_in_place_append_tag(Aad::from(about(kind, name)), &mut *text);
        let nonce = nonce.map_err(|_| closed(kind, name))?;
        Ok([nonce.as_ref().as_slice(), &text].concat())
    }

    /// Opens it.
    pub(super) async fn open(
        &self,
        kind: &'static str,
        name: &str,
        sealed: &[u8],
    ) -> Result<Secret, VaultError> {
        let key = self.key(|| false).await?;
        let closed = || closed(kind, name);
        let (nonce, text) = sealed.split_at_checked(NONCE_LENGTH).ok_or_else(closed)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| closed())?;
        let mut text = Zeroizing::new(text.to_vec());
        let plain = key.open_in_place(nonce, Aad::from(about(kind, name)), &mut text);
        let plain = plain.map_err(|_| closed())?;
        std::str::from_utf8(plain).map(Secret::from).map_err(|_| closed())
    }
}

fn closed(kind: &'static str, name: &str) -> VaultError {
    let name = name.into();
    VaultError::Closed { kind, name }
}

/// What binds a sealed part to its record.
fn about(kind: &str, name: &str) -> Vec<u8> {
    [kind.as_bytes(), b"\0", name.as_bytes()].concat()
}
