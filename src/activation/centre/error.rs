//! What can go wrong at the centre, beside what a node is told.

use crate::licence::KeyId;
use crate::store::StoreError;

/// Something that the vendor asked of the centre did not happen.
#[derive(Debug, thiserror::Error)]
pub enum CentreError {
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// There is no centre in this directory.
    #[error("{0} holds no activation centre: keynode centre init makes one")]
    NoCentre(std::path::PathBuf),
    /// There is one already.
    #[error("{0} holds an activation centre already: it is left as it is")]
    Exists(std::path::PathBuf),
    /// The vendor key cannot be used.
    #[error("the vendor key cannot be used: {0}")]
    Signer(String),
    /// There is no such product.
    #[error("there is no product with the article {0:?}")]
    NoProduct(String),
    /// There is no such series.
    #[error("there is no series {0}")]
    NoSeries(KeyId),
    /// There is no such batch.
    #[error("there is no batch {0}")]
    NoBatch(u64),
    /// There is no such code.
    #[error("there is no such code or KeyNo")]
    NoCode,
    /// There is something of that name.
    #[error("there is {0} already")]
    Taken(String),
    /// A value that cannot be.
    #[error("{0}")]
    Invalid(String),
    /// The system gives no random numbers.
    #[error("the system gives no random numbers")]
    Random,
    /// The program cannot start a thread.
    #[error("no thread could be started: {0}")]
    Thread(std::io::Error),
}
