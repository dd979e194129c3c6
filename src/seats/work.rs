//! What jobs at the desk work on, the rules that the desk follows, and why it could not do what was asked.

use crate::clock::{Millis, Moment};
use crate::licence::Timestamp;
use crate::store::SLOT;

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
    pub(super) fn advance(&mut self, wall: Timestamp, time: Millis) {
        self.ledger.advance(time);
        self.connections.advance(time);
        self.ledger.usage.advance(wall);
    }

    /// When the history of use has something to write after the last session is gone; before that there are commits anyway.
    pub(super) fn history_due(&self, now: Moment, time: Millis) -> Option<Millis> {
        let end = self.ledger.usage.end().filter(|_| self.ledger.live() == 0)?;
        // A clock that was put back does not put it off.
        let left = end.millis().saturating_sub(now.wall.millis()).clamp(0, SLOT);
        Some(time + left.unsigned_abs())
    }

    pub(super) fn next_deadline(&self) -> Option<Millis> {
        [self.ledger.next_deadline(), self.connections.next_deadline()]
            .into_iter()
            .flatten()
            .min()
    }
}
