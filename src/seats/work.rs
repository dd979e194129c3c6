//! What jobs at the desk work on, the rules that the desk follows, and why it could not do what was asked.

use crate::clock::Millis;

use super::connections::Connections;
use super::journal::Journal;
use super::ledger::{Ledger, LedgerRules};

/// The settings that the desk follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    /// Sessions.
    pub ledger: LedgerRules,
    /// Life of a connection from its last request, in milliseconds.
    pub connection_life: Millis,
}

/// Why the desk could not do what was asked.
#[derive(Clone, Debug, thiserror::Error)]
pub enum DeskError {
    /// It could not be made durable, so it did not happen.
    #[error("the state could not be saved")]
    NotSaved,
    /// The node is stopping.
    #[error("the node is stopping")]
    Stopped,
}

/// What jobs work on.
pub struct Desk {
    /// Sessions and seats.
    pub ledger: Ledger,
    /// Connections.
    pub connections: Connections,
    /// The audit log.
    pub journal: Journal,
}

impl Desk {
    pub(super) fn advance(&mut self, time: Millis) {
        self.ledger.advance(time);
        self.connections.advance(time);
    }

    pub(super) fn next_deadline(&self) -> Option<Millis> {
        [self.ledger.next_deadline(), self.connections.next_deadline()]
            .into_iter()
            .flatten()
            .min()
    }
}
