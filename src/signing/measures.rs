//! What the node's signer counts while it works.

use crate::measure::{Counter, Times};

/// What the node's signer counts while it works.
#[derive(Debug, Default)]
pub struct SigningMeasures {
    /// How long the software key took for a signature.
    pub software: Times,
    /// How long the token took for a signature, waiting for its turn included.
    pub token: Times,
    /// Signatures that the token was asked for in vain.
    pub token_failures: Counter,
    /// Signatures that nobody could make.
    pub failures: Counter,
}
