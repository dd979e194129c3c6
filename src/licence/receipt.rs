//! A centre's word that a licence was given back to it.

use serde::{Deserialize, Serialize};

use super::jws::Notice;
use super::record::KeyNo;

/// What a node gets for a licence that it returned.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Receipt {
    /// The key that was returned.
    pub key_no: KeyNo,
    /// Nonce of the request that this answers.
    pub nonce: String,
}

impl Notice for Receipt {
    const TYPE: &'static str = "receipt+jws";
    const LONGEST: usize = 4096;
}
