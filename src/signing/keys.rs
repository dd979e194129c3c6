//! `signing.json` in the state directory: the keys that the node signs with or has signed with. It holds public
//! halves and places only; which of them is current the settings say.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};
use serde::{Deserialize, Serialize};

use crate::licence::Timestamp;
use crate::settings::{OnSigningFailure, Signing, SigningProvider};

use super::{KeyFileError, PublicKey, Signer, SoftwareKey};

/// Name of the first software key in the state directory.
pub const SIGNING_KEY: &str = "signing.key";

/// Name of the list in the state directory.
pub const KEY_LIST: &str = "signing.json";

/// The longest list in bytes: some thousand keys.
const LONGEST: u64 = 4 << 20;

/// Where a private key is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "provider", rename_all = "lowercase", deny_unknown_fields)]
pub enum Place {
    /// In a file of this name in the state directory.
    Software {
        /// Its name.
        file: String,
    },
    /// On a token.
    Pkcs11 {
        /// NAME of its `[tokens.NAME]`.
        token: String,
        /// CKA_ID in hexadecimal digits.
        id: String,
    },
}

impl Place {
    /// As the settings write it: `software`, `pkcs11`.
    pub fn provider(&self) -> &'static str {
        match self {
            Self::Software { .. } => "software",
            Self::Pkcs11 { .. } => "pkcs11",
        }
    }
}

/// A key of the list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyEntry {
    /// Public half, `SubjectPublicKeyInfo` in PEM.
    pub public_key: String,
    /// Where its private half is.
    pub place: Place,
    /// Since when it is listed; none: for as long as there is a list.
    pub since: Option<Timestamp>,
    /// When another took its place.
    pub retired: Option<Timestamp>,
}

/// What a key of the list is for, by the settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyState {
    /// Signs.
    Current,
    /// Signs while the current one cannot.
    Fallback,
    /// Signs no more; answers of its time verify with it.
    Retired,
}

impl KeyState {
    /// As the API writes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Current => "Current",
            Self::Fallback => "Fallback",
            Self::Retired => "Retired",
        }
    }
}

/// Why the list cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum KeyListError {
    /// Reading or writing failed.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It is not what this program writes.
    #[error("{path}: it is not the list of signing keys that `keynode signing` writes: {what}")]
    Form {
        /// The file.
        path: PathBuf,
        /// Where, or what.
        what: String,
    },
    /// The software key beside it cannot be read.
    #[error(transparent)]
    Key(#[from] KeyFileError),
}

/// The keys, the oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyList {
    /// All that were ever used.
    pub keys: Vec<KeyEntry>,
}

impl KeyList {
    /// Reads the list in a state directory. Where it names no software key in force and there is a `signing.key`,
    /// that is one: nodes that never left it have no list.
    ///
    /// # Errors
    /// [`KeyListError`].
    pub fn load(state_dir: &Path) -> Result<Self, KeyListError> {
        let mut list = Self::read(&state_dir.join(KEY_LIST))?;
        let first = state_dir.join(SIGNING_KEY);
        if list.software().is_none() && first.exists() {
            let entry = KeyEntry {
                public_key: SoftwareKey::read(&first)?.public_key().pem.clone(),
                place: Place::Software {
                    file: SIGNING_KEY.into(),
                },
                since: None,
                retired: None,
            };
            list.keys.insert(0, entry);
        }
        Ok(list)
    }

    fn read(path: &Path) -> Result<Self, KeyListError> {
        let io = |source| KeyListError::Io {
            path: path.into(),
            source,
        };
        let form = |what: String| KeyListError::Form {
            path: path.into(),
            what,
        };
        let mut text = String::new();
        match File::open(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => return Err(io(error)),
            Ok(file) => file.take(LONGEST).read_to_string(&mut text).map_err(io)?,
        };
        let list: Self = serde_json::from_str(&text).map_err(|error| form(error.to_string()))?;
        for entry in &list.keys {
            if PublicKey::from_pem(&entry.public_key).is_none() {
                return Err(form("a public key is no RSA key in PEM".into()));
            }
            match &entry.place {
                Place::Software { file } if file.contains('/') || file.starts_with('.') => {
                    return Err(form(format!("{file:?} is no name of a key file")));
                }
                Place::Pkcs11 { id, .. } if from_hex(id).is_none() => {
                    return Err(form(format!("{id:?} is no CKA_ID in hexadecimal digits")));
                }
                _ => {}
            }
        }
        Ok(list)
    }

    /// Writes the list in one piece: a reader sees the old one or this.
    ///
    /// # Errors
    /// [`KeyListError::Io`].
    pub fn save(&self, state_dir: &Path) -> Result<(), KeyListError> {
        let path = state_dir.join(KEY_LIST);
        let part = path.with_added_extension("part");
        let write = || -> io::Result<()> {
            let mut text = serde_json::to_vec_pretty(self)?;
            text.push(b'\n');
            let mut file = File::create(&part)?;
            file.write_all(&text)?;
            file.sync_all()?;
            give_to_owner(state_dir, &part)?;
            fs::rename(&part, &path)?;
            File::open(state_dir)?.sync_all()
        };
        write().map_err(|source| KeyListError::Io {
            path: path.clone(),
            source,
        })
    }

    /// Each key with what the settings make of it.
    pub fn states<'a>(&'a self, rules: &Signing) -> impl Iterator<Item = (&'a KeyEntry, KeyState)> {
        let (current, fallback) = (self.current(rules), self.fallback(rules));
        let is = |one: Option<&KeyEntry>, entry| one.is_some_and(|one| std::ptr::eq(one, entry));
        self.keys.iter().map(move |entry| {
            let state = match entry {
                _ if is(current, entry) => KeyState::Current,
                _ if is(fallback, entry) => KeyState::Fallback,
                _ => KeyState::Retired,
            };
            (entry, state)
        })
    }

    /// The key that signs, by the settings.
    pub fn current(&self, rules: &Signing) -> Option<&KeyEntry> {
        match (&rules.provider, &rules.token) {
            (SigningProvider::Software, _) => self.software(),
            (SigningProvider::Pkcs11, Some(name)) => self.on_token(name),
            (SigningProvider::Pkcs11, None) => None,
        }
    }

    /// The key that signs while the current one cannot, by the settings.
    pub fn fallback(&self, rules: &Signing) -> Option<&KeyEntry> {
        let wanted = falls_back(rules);
        wanted.then(|| self.software()).flatten()
    }

    /// The software key in force.
    pub fn software(&self) -> Option<&KeyEntry> {
        self.in_force()
            .find(|entry| matches!(entry.place, Place::Software { .. }))
    }

    /// The key in force on a token.
    pub fn on_token(&self, name: &str) -> Option<&KeyEntry> {
        self.in_force()
            .find(|entry| matches!(&entry.place, Place::Pkcs11 { token, .. } if token == name))
    }

    /// Puts a key in force, in the place of the one that is in force there.
    pub fn put(&mut self, public: &PublicKey, place: Place, now: Timestamp) {
        let same_place = |entry: &KeyEntry| match (&entry.place, &place) {
            (Place::Software { .. }, Place::Software { .. }) => true,
            (Place::Pkcs11 { token, .. }, Place::Pkcs11 { token: new, .. }) => token == new,
            _ => false,
        };
        // A key that is taken up again is not listed twice.
        self.keys
            .retain(|entry| entry.place != place || entry.public_key != public.pem);
        for entry in &mut self.keys {
            if entry.retired.is_none() && same_place(entry) {
                entry.retired = Some(now);
            }
        }
        self.keys.push(KeyEntry {
            public_key: public.pem.clone(),
            place,
            since: Some(now),
            retired: None,
        });
    }

    fn in_force(&self) -> impl Iterator<Item = &KeyEntry> {
        self.keys.iter().rev().filter(|entry| entry.retired.is_none())
    }
}

/// Whether the software key signs while the token cannot.
pub(super) fn falls_back(rules: &Signing) -> bool {
    rules.provider == SigningProvider::Pkcs11 && rules.on_failure == OnSigningFailure::Software
}

/// Keeps others from changing the list of a state directory until it is dropped.
pub struct KeyListLock(#[expect(dead_code, reason = "held, not used")] File);

impl KeyListLock {
    /// Waits until nobody else changes it.
    ///
    /// # Errors
    /// [`KeyListError::Io`].
    pub fn wait(state_dir: &Path) -> Result<Self, KeyListError> {
        let lock = || -> io::Result<File> {
            let directory = File::open(state_dir)?;
            flock(&directory, FlockOperation::LockExclusive)?;
            Ok(directory)
        };
        lock().map(Self).map_err(|source| KeyListError::Io {
            path: state_dir.into(),
            source,
        })
    }
}

/// Gives a file that root made to whom the directory belongs: the node could not read it else.
///
/// # Errors
/// What the system says.
pub fn give_to_owner(directory: &Path, file: &Path) -> io::Result<()> {
    let (wanted, found) = (fs::metadata(directory)?, fs::metadata(file)?);
    if (wanted.uid(), wanted.gid()) == (found.uid(), found.gid()) || !rustix::process::geteuid().is_root() {
        return Ok(());
    }
    std::os::unix::fs::chown(file, Some(wanted.uid()), Some(wanted.gid()))
}

/// The bytes of hexadecimal digits; none where it is something else, or nothing.
pub fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> = text
        .chars()
        .map(|digit| u8::try_from(digit.to_digit(16)?).ok())
        .collect();
    let digits = digits?;
    (!digits.is_empty() && digits.len() % 2 == 0)
        .then(|| digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect())
}

#[cfg(test)]
#[path = "keys_tests.rs"]
mod tests;
