//! What is known of a key, and the snapshot of all keys.

use std::collections::HashMap;
use std::sync::Arc;

use sha2::{Digest, Sha256};

use crate::licence::{KeyId, KeyNo, Licence, OpenFailure, Timestamp, VendorKeys, Verdict, open_signed};

/// What a key lies on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyKind {
    /// A licence file.
    Virtual,
    /// A hardware key.
    Usb,
}

impl KeyKind {
    /// Type in the API.
    pub fn name(self) -> &'static str {
        match self {
            Self::Virtual => "Virtual",
            Self::Usb => "USB",
        }
    }
}

/// What a provider found in one place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// What it lies on.
    pub kind: KeyKind,
    /// The file's full path, or the device's stable name.
    pub file_name: String,
    /// Series and number as far as the place itself tells them, for keys that cannot be opened.
    pub named: Option<(Option<KeyId>, KeyNo)>,
    /// The licence, or why there is none.
    pub opened: Result<Arc<Licence>, OpenFailure>,
    /// Name of the vendor key that signed it, where it is authentic.
    pub vendor: Option<String>,
    /// Why the device that it lies on does not vouch for it: pulled, silent, not the one it belongs on. None for
    /// files.
    pub obstacle: Option<String>,
    /// When this node last found it changed.
    pub updated: Timestamp,
}

/// Opens a licence; the result is also the name of the vendor key that signed it.
pub(super) fn opened(
    bytes: &[u8],
    vendors: &VendorKeys,
) -> (Result<Arc<Licence>, OpenFailure>, Option<String>) {
    match open_signed(bytes, vendors) {
        Ok((licence, vendor)) => (Ok(Arc::new(licence)), Some(vendor)),
        Err(failure) => (Err(failure), None),
    }
}

/// A key with its verdict.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// What it lies on.
    pub kind: KeyKind,
    /// The file's full path, or the device's stable name.
    pub file_name: String,
    /// Serial number; for a file that tells none, one made of its name.
    pub key_no: KeyNo,
    /// Series, where it is known.
    pub key_id: Option<KeyId>,
    /// A carrier that holds no licence.
    pub blank: bool,
    /// The licence, where it is authentic.
    pub licence: Option<Arc<Licence>>,
    /// When this node last found it changed.
    pub updated: Timestamp,
    /// Workable, Enabled, and why not.
    pub verdict: Verdict,
}

impl Key {
    pub(super) fn new(found: &Found, verdict: Verdict) -> Self {
        let licence = found.opened.as_ref().ok().cloned();
        let known = licence
            .as_ref()
            .map(|licence| (Some(licence.key_id), licence.key_no))
            .or(found.named);
        Self {
            kind: found.kind,
            file_name: found.file_name.clone(),
            key_no: known.map_or_else(|| number_of(&found.file_name), |(_, key_no)| key_no),
            key_id: known.and_then(|(key_id, _)| key_id),
            blank: found.opened == Err(OpenFailure::Blank),
            licence,
            updated: found.updated,
            verdict,
        }
    }

    /// What is left of a key that sessions from before a restart sit on, and that has not been found since.
    pub fn unseen(key_id: KeyId, key_no: KeyNo) -> Self {
        let found = Found {
            kind: KeyKind::Virtual,
            file_name: String::new(),
            named: Some((Some(key_id), key_no)),
            opened: Err(OpenFailure::Unreadable("it is not here".into())),
            vendor: None,
            obstacle: None,
            updated: Timestamp::default(),
        };
        let why = Some("the key has not been found since the node started".to_owned());
        Self::new(
            &found,
            Verdict {
                workable: false,
                open_error: why.clone(),
                enabled: false,
                cause: why,
            },
        )
    }

    /// This key after it has gone away, for the sessions that still sit on it.
    fn departed(&self) -> Self {
        let why = match self.kind {
            KeyKind::Virtual => "the licence file is gone",
            KeyKind::Usb => "the key is not plugged in",
        };
        let verdict = Verdict {
            workable: false,
            open_error: Some(why.into()),
            enabled: false,
            cause: Some(why.into()),
        };
        Self {
            verdict,
            ..self.clone()
        }
    }
}

/// A number for what has none: the first 48 bits of SHA-256 over its stable name (spec, row 20).
fn number_of(name: &str) -> KeyNo {
    Sha256::digest(name)
        .iter()
        .take(6)
        .fold(0, |number, byte| number << 8 | u64::from(*byte))
}

/// What became of one key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Serial number.
    pub key_no: KeyNo,
    /// The file's full path, or the device's stable name.
    pub file_name: String,
    /// Why it gives no seats now; `None` where it gives some.
    pub cause: Option<String>,
}

/// All keys at one moment. Never changed: a new one is published instead.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Keyring {
    keys: Vec<Arc<Key>>,
    by_number: HashMap<KeyNo, Arc<Key>>,
    departed: HashMap<KeyNo, Arc<Key>>,
    computer_id: String,
}

impl Keyring {
    /// A snapshot of `keys` that remembers which keys of `before` are gone.
    pub(super) fn new(mut keys: Vec<Arc<Key>>, computer_id: String, before: &Self) -> Self {
        keys.sort_by(|a, b| (a.key_id, a.key_no, &a.file_name).cmp(&(b.key_id, b.key_no, &b.file_name)));
        let mut by_number: HashMap<KeyNo, Arc<Key>> = HashMap::with_capacity(keys.len());
        // A licence is worth more than what has none, such as a blank carrier whose number is the same.
        let worth = |key: &Key| (key.licence.is_some(), key.verdict.workable);
        for key in &keys {
            let best = by_number.entry(key.key_no).or_insert_with(|| key.clone());
            if worth(key) > worth(best) {
                *best = key.clone();
            }
        }
        let gone = before
            .by_number
            .values()
            .filter(|key| key.licence.is_some())
            .map(|key| Arc::new(key.departed()));
        let departed = before
            .departed
            .values()
            .cloned()
            .chain(gone)
            .filter(|key| !by_number.contains_key(&key.key_no))
            .map(|key| (key.key_no, key))
            .collect();
        Self {
            keys,
            by_number,
            departed,
            computer_id,
        }
    }

    /// All keys by (KeyID, KeyNo).
    pub fn keys(&self) -> &[Arc<Key>] {
        &self.keys
    }

    /// The key of this number; where several claim it, the one that can be used.
    pub fn find(&self, key_no: KeyNo) -> Option<&Arc<Key>> {
        self.by_number.get(&key_no)
    }

    /// One key for each number.
    pub fn by_number(&self) -> impl Iterator<Item = &Arc<Key>> {
        self.by_number.values()
    }

    /// ComputerID of the computer that the keys were judged on.
    pub fn computer_id(&self) -> &str {
        &self.computer_id
    }

    /// A key that was here and is gone.
    pub fn departed(&self, key_no: KeyNo) -> Option<&Arc<Key>> {
        self.departed.get(&key_no)
    }

    /// The keys that were here and are gone.
    pub fn all_departed(&self) -> impl Iterator<Item = &Arc<Key>> {
        self.departed.values()
    }

    /// What became of keys since an earlier snapshot: new verdicts, and keys that are gone. Blank carriers give and take
    /// no seats: they are nobody's news.
    pub fn changes_since(&self, before: &Self) -> Vec<Change> {
        let change = |key: &Key, cause: Option<String>| Change {
            key_no: key.key_no,
            file_name: key.file_name.clone(),
            cause,
        };
        let place = |key: &Key| (key.key_no, key.file_name.clone());
        let known: HashMap<_, _> = before.keys.iter().map(|key| (place(key), key)).collect();
        let licensed = |key: &&Arc<Key>| !key.blank;
        let fresh = self.keys.iter().filter(licensed).filter(|key| {
            known
                .get(&place(key))
                .is_none_or(|old| old.verdict.cause != key.verdict.cause)
        });
        let gone = before.keys.iter().filter(licensed);
        let gone = gone.filter(|key| self.find(key.key_no).is_none());
        let judged = fresh.map(|key| change(key, key.verdict.cause.clone()));
        judged
            .chain(gone.map(|key| change(key, key.departed().verdict.cause)))
            .collect()
    }
}
