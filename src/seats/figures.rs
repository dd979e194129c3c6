//! What the desk tells the people who watch it.

use crate::licence::KeyId;

use super::offer::Reason;

/// Whether the store works.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeskHealth {
    /// What the store said when it last failed; `None` since it works again.
    pub store_error: Option<String>,
}

/// Figures of the desk, for the people who watch it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Seats of all enabled keys.
    pub seats: u64,
    /// Seats that are taken, also those of missing keys.
    pub used: u64,
    /// Connections that are alive.
    pub connections: usize,
    /// Refusals since the start, by series and reason.
    pub refusals: Vec<(KeyId, Reason, u64)>,
}
