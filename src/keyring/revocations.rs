//! Revocation lists: one file for each vendor key, `<kid>.jws`, read anew only where it changed.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use crate::files;
use crate::licence::{
    Licence, Notice, OpenFailure, RevocationReason, Revocations, VendorKey, VendorKeys, open_notice,
};

use super::key::Found;
use super::stamp::{Stamp, read};

/// Why a revocation list was not taken.
#[derive(Debug, thiserror::Error)]
pub enum ListError {
    /// It is none, or of nobody who is trusted.
    #[error("the revocation list is not accepted: {0}")]
    List(#[from] OpenFailure),
    /// Reading or writing failed.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// What the vendors have revoked, by the lists in a directory. The default knows of nothing.
#[derive(Clone, Debug, Default)]
pub struct Revoked {
    directory: PathBuf,
    /// By the names of the vendor keys that signed them.
    lists: HashMap<String, List>,
}

/// A list as it was read last.
#[derive(Clone, Debug)]
struct List {
    stamp: Stamp,
    /// The key that it was verified under.
    key: Option<VendorKey>,
    /// What counts: the last one that was good.
    revocations: Revocations,
    /// Why the file is not good, if it is not.
    error: Option<String>,
}

impl Revoked {
    /// The lists in this directory; they are read by [`Revoked::read`].
    pub fn new(directory: &Path) -> Self {
        Self {
            directory: directory.into(),
            lists: HashMap::new(),
        }
    }

    /// Reads what has changed since the last call. A list that cannot be read, or that no trusted vendor signed, is
    /// logged, and what it said before still counts; one that is not there any more counts no more.
    pub fn read(&mut self, vendors: &VendorKeys) {
        let entries = match fs::read_dir(&self.directory) {
            Ok(entries) => entries.collect::<io::Result<Vec<_>>>(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(error),
        };
        let entries = match entries {
            Ok(entries) => entries,
            Err(error) => {
                let directory = self.directory.display();
                tracing::warn!(%directory, %error, "revocation lists cannot be looked for; those read before still count");
                return;
            }
        };
        let mut before = std::mem::take(&mut self.lists);
        for path in entries.into_iter().map(|entry| entry.path()) {
            if path.extension().is_some_and(|extension| extension == "jws")
                && let Some(kid) = path.file_stem().and_then(|stem| stem.to_str())
            {
                let list = look_at(&path, kid, before.remove(kid), vendors);
                self.lists.insert(kid.to_owned(), list);
            }
        }
    }

    /// Why the licence that was found here is revoked, if it is. A vendor key's list counts for the licences that it
    /// signed, and for no others.
    pub(super) fn reason(&self, found: &Found) -> Option<RevocationReason> {
        self.reason_of(found.opened.as_deref().ok()?, found.vendor.as_deref()?)
    }

    /// Why this licence, which the vendor key of this name signed, is revoked, if it is.
    pub fn reason_of(&self, licence: &Licence, kid: &str) -> Option<RevocationReason> {
        self.lists.get(kid)?.revocations.reason(licence)
    }
}

fn look_at(path: &Path, kid: &str, before: Option<List>, vendors: &VendorKeys) -> List {
    let stamp = fs::metadata(path).map_or(Stamp::default(), |metadata| Stamp::of(&metadata));
    let key = vendors.get(kid);
    let unchanged =
        |list: &List| list.stamp == stamp && stamp != Stamp::default() && list.key.as_ref() == key;
    let (revocations, reported) = match before {
        Some(list) if unchanged(&list) => return list,
        Some(list) => (list.revocations, list.error),
        None => (Revocations::default(), None),
    };
    let looked = read(path, Revocations::LONGEST)
        .and_then(|(bytes, stamp)| Ok((open_list(&bytes, kid, vendors)?, stamp.if_settled())));
    let (revocations, stamp, error) = match looked {
        Ok((list, stamp)) => (list, stamp, None),
        Err(failure) => (revocations, stamp.if_settled(), Some(failure.to_string())),
    };
    if let Some(error) = error.as_ref().filter(|error| reported.as_ref() != Some(*error)) {
        let path = path.display();
        tracing::warn!(%path, error, "this revocation list is not followed; licences stay as they are");
    }
    List {
        stamp,
        key: key.cloned(),
        revocations,
        error,
    }
}

/// Opens the list of this vendor key.
fn open_list(bytes: &[u8], kid: &str, vendors: &VendorKeys) -> Result<Revocations, OpenFailure> {
    let (list, signer) = open_notice::<Revocations>(bytes, vendors)?;
    if signer != kid {
        return Err(OpenFailure::UnknownVendor(signer));
    }
    Ok(list)
}

/// Takes a revocation list that a trusted vendor signed, where it is newer than the one of the same vendor key in
/// `directory`, which is made where it is missing; the old one is replaced whole, and durably. False: it is not newer,
/// and nothing was written.
///
/// # Errors
/// [`ListError`]; nothing was written then.
pub fn accept_list(directory: &Path, bytes: &[u8], vendors: &VendorKeys) -> Result<bool, ListError> {
    let (list, kid) = open_notice::<Revocations>(bytes, vendors)?;
    let path = directory.join(format!("{kid}.jws"));
    let failed = |source| ListError::Io {
        path: path.clone(),
        source,
    };
    files::create_directories(directory, 0o700).map_err(failed)?;
    // Of two who bring lists at the same time the later one compares with what the earlier one wrote.
    let lock = File::open(directory).map_err(failed)?;
    lock.lock().map_err(failed)?;
    // One that is damaged, or that nobody trusted signed any more, is worth nothing.
    let before = read(&path, Revocations::LONGEST).and_then(|(bytes, _)| open_list(&bytes, &kid, vendors));
    if before.is_ok_and(|before| before.number >= list.number) {
        return Ok(false);
    }
    files::replace(&path, bytes, 0o600).map_err(failed)?;
    Ok(true)
}

#[cfg(test)]
#[path = "revocations_tests.rs"]
mod tests;
