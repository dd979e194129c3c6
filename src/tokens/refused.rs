//! The PINs that tokens refused, so that none is tried twice by itself: not after a restart, nor by another process, or for
//! another entry of the settings that means the same token. Tokens lock after a few wrong ones.

use std::fs::File;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::refused_file::{Kept, Known, RefusedFile};
use crate::store::HashedPassword;

/// PINs kept of each token, and tokens.
const MOST: usize = 8;
const MOST_TOKENS: usize = 64;

/// A login that was begun and of which nobody noted the end, for the node ended with it, is repeated so often.
const MOST_BEGUN: usize = 2;

/// What is remembered.
pub(super) struct RefusedPins {
    file: Option<RefusedFile>,
    /// As it was read or written last.
    kept: Mutex<Kept>,
}

/// Why a PIN is not given.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Held {
    /// The token refused it.
    Refused,
    /// The node ended each time that it was given.
    Begun,
    /// Another is giving it a PIN just now, or has given it a wrong one.
    Busy,
}

/// A PIN that is being given to a token: nobody else gives it one meanwhile. Where this is not ended, the node was.
pub(super) struct Attempt<'a> {
    pins: &'a RefusedPins,
    token: String,
    hash: String,
    _lock: Option<File>,
}

impl RefusedPins {
    /// Keeps it in this directory, with what earlier runs kept there.
    pub(super) fn open(directory: Option<&Path>) -> Self {
        let file = directory.map(RefusedFile::new);
        let kept = file.as_ref().and_then(RefusedFile::read).unwrap_or_default();
        Self {
            file,
            kept: Mutex::new(kept),
        }
    }

    /// Whether the token has refused this PIN. Takes 40 ms for each PIN that it refused.
    pub(super) fn has(&self, token: &str, pin: &str) -> bool {
        count(&self.known(token).refused, pin) > 0
    }

    /// The token has refused this PIN.
    pub(super) fn add(&self, token: &str, pin: &str) {
        let hash = HashedPassword::new(pin).as_str().to_owned();
        self.change(token, |known| known.refused.push(hash));
    }

    /// Begins to give a token a PIN. Waits for another who does, as long as `wait`, called again and again, says so.
    ///
    /// # Errors
    /// It is not to be given.
    pub(super) fn begin(
        &self,
        token: &str,
        pin: &str,
        wait: impl FnMut() -> bool,
    ) -> Result<Attempt<'_>, Held> {
        let before = self.known(token);
        let lock = match &self.file {
            Some(file) => file.lock(token, wait).map_err(|()| Held::Busy)?,
            None => None,
        };
        let known = self.known(token);
        if count(&known.refused, pin) > 0 {
            return Err(Held::Refused);
        }
        // What the token told of itself was told before that.
        if known.refused.iter().any(|hash| !before.refused.contains(hash)) {
            return Err(Held::Busy);
        }
        if count(&known.begun, pin) >= MOST_BEGUN {
            return Err(Held::Begun);
        }
        let hash = HashedPassword::new(pin).as_str().to_owned();
        self.change(token, |known| known.begun.push(hash.clone()));
        Ok(Attempt {
            pins: self,
            token: token.to_owned(),
            hash,
            _lock: lock,
        })
    }

    fn known(&self, token: &str) -> Known {
        let mut kept = self.lock();
        if let Some(read) = self.file.as_ref().and_then(RefusedFile::read) {
            *kept = read;
        }
        kept.get(token).cloned().unwrap_or_default()
    }

    /// Changes what is known of a token, and leaves the others as they are kept by now.
    fn change(&self, token: &str, change: impl FnOnce(&mut Known)) {
        let mut kept = self.lock();
        let _alone = self.file.as_ref().map(RefusedFile::lock_all);
        if let Some(read) = self.file.as_ref().and_then(RefusedFile::read) {
            *kept = read;
        }
        if kept.len() >= MOST_TOKENS && !kept.contains_key(token) {
            kept.pop_first();
        }
        let known = kept.entry(token.to_owned()).or_default();
        change(known);
        for hashes in [&mut known.refused, &mut known.begun] {
            hashes.drain(..hashes.len().saturating_sub(MOST));
        }
        if known.refused.is_empty() && known.begun.is_empty() {
            kept.remove(token);
        }
        if let Some(file) = &self.file {
            file.write(&kept);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Attempt<'_> {
    /// The token has accepted it.
    pub(super) fn accepted(self) {
        self.pins.change(&self.token, |known| *known = Known::default());
    }

    /// The token has refused it.
    pub(super) fn refused(self) {
        self.pins.change(&self.token, |known| {
            known.begun.retain(|hash| *hash != self.hash);
            known.refused.push(self.hash.clone());
        });
    }

    /// Neither, or it is not known.
    pub(super) fn ended(self) {
        self.pins.change(&self.token, |known| {
            known.begun.retain(|hash| *hash != self.hash);
        });
    }
}

fn count(hashes: &[String], pin: &str) -> usize {
    let hashes = hashes.iter().cloned().map(HashedPassword::from_stored);
    hashes.filter(|hash| hash.matches(pin)).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn never() -> bool {
        false
    }

    #[test]
    fn refused_pins_outlive_a_restart() {
        let directory = tempfile::tempdir().unwrap();
        let refused = RefusedPins::open(Some(directory.path()));
        refused.begin("A1", "71305846", never).unwrap().refused();
        assert!(
            refused.has("A1", "71305846") && !refused.has("A1", "71305847") && !refused.has("B2", "71305846")
        );
        let refused = RefusedPins::open(Some(directory.path()));
        assert!(refused.has("A1", "71305846"));
        assert_eq!(refused.begin("A1", "71305846", never).err(), Some(Held::Refused));
        refused.begin("A1", "1", never).unwrap().accepted();
        assert!(!RefusedPins::open(Some(directory.path())).has("A1", "71305846"));
    }

    #[test]
    fn what_one_process_learns_the_others_know() {
        let directory = tempfile::tempdir().unwrap();
        let [node, command] = [(); 2].map(|()| RefusedPins::open(Some(directory.path())));
        command.begin("A1", "1", never).unwrap().refused();
        assert_eq!(node.begin("A1", "1", never).err(), Some(Held::Refused));
        // Neither loses what the other wrote.
        node.begin("B2", "2", never).unwrap().refused();
        command.begin("C3", "3", never).unwrap().refused();
        for (token, pin) in [("A1", "1"), ("B2", "2"), ("C3", "3")] {
            assert!(
                RefusedPins::open(Some(directory.path())).has(token, pin),
                "{token}"
            );
        }
    }

    #[test]
    fn one_at_a_time_gives_a_token_a_pin() {
        let directory = tempfile::tempdir().unwrap();
        let [node, command] = [(); 2].map(|()| RefusedPins::open(Some(directory.path())));
        let attempt = node.begin("A1", "1", never).unwrap();
        assert_eq!(command.begin("A1", "1", never).err(), Some(Held::Busy));
        command.begin("B2", "1", never).unwrap().accepted();
        // Who waits finds what came of it.
        let mut attempt = Some(attempt);
        let wait = || {
            attempt.take().unwrap().refused();
            true
        };
        assert_eq!(command.begin("A1", "1", wait).err(), Some(Held::Refused));
        // Also of another PIN: the token may be near to be locked now.
        let mut attempt = Some(node.begin("A1", "2", never).unwrap());
        let wait = || {
            attempt.take().unwrap().refused();
            true
        };
        assert_eq!(command.begin("A1", "3", wait).err(), Some(Held::Busy));
        command.begin("A1", "3", never).unwrap().accepted();
    }

    #[test]
    fn a_login_whose_end_nobody_saw_is_repeated_once() {
        let directory = tempfile::tempdir().unwrap();
        for _ in 0..MOST_BEGUN {
            // As if the node was killed.
            let killed = RefusedPins::open(Some(directory.path()));
            drop(killed.begin("A1", "1", never).unwrap());
        }
        let refused = RefusedPins::open(Some(directory.path()));
        assert_eq!(refused.begin("A1", "1", never).err(), Some(Held::Begun));
        refused.begin("A1", "2", never).unwrap().ended();
        assert_eq!(refused.begin("A1", "1", never).err(), Some(Held::Begun));
        refused.begin("A1", "2", never).unwrap().accepted();
        refused.begin("A1", "1", never).unwrap().ended();
    }

    #[test]
    fn without_a_directory_it_is_remembered_as_long_as_the_node_runs() {
        let refused = RefusedPins::open(None);
        refused.begin("A1", "1", never).unwrap().refused();
        assert_eq!(refused.begin("A1", "1", never).err(), Some(Held::Refused));
    }
}
