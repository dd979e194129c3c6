//! What the desk tells the people who watch it.

use crate::clock::Millis;
use crate::licence::KeyId;
use crate::measure::{Counter, Times};

use super::offer::Reason;
use super::work::Desk;

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
    /// Every series that there are keys or sessions of, in order.
    pub series: Vec<SeriesTotals>,
}

/// Figures of a series.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SeriesTotals {
    /// Series.
    pub key_id: KeyId,
    /// Seats of its enabled keys.
    pub seats: u64,
    /// Seats of it that are taken, also those of missing keys.
    pub used: u64,
}

/// What the desk counts while it works.
#[derive(Debug, Default)]
pub struct DeskMeasures {
    /// Jobs that it was given.
    pub(super) given: Counter,
    /// Jobs of those that it has taken up.
    pub(super) taken: Counter,
    /// How long commits took, those that failed too.
    pub commits: Times,
    /// Commits that failed.
    pub failed_commits: Counter,
}

impl DeskMeasures {
    /// Jobs done since the start.
    pub fn jobs(&self) -> u64 {
        self.taken.read()
    }

    /// Jobs that wait.
    pub fn queue(&self) -> u64 {
        // In this order a job that is given meanwhile is one too many, and none is below zero.
        let taken = self.taken.read();
        self.given.read().saturating_sub(taken)
    }
}

impl Desk {
    /// Figures as of now.
    pub fn totals(&self, time: Millis) -> Totals {
        let (seats, used) = self.ledger.totals();
        let refusals = self
            .ledger
            .refusals()
            .iter()
            .map(|((series, reason), count)| (*series, *reason, *count))
            .collect();
        Totals {
            seats,
            used,
            connections: self.connections.live(time),
            refusals,
            series: self.ledger.totals_by_series(),
        }
    }
}
