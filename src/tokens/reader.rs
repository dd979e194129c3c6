//! The thread that takes the answers of a module's process.

use std::sync::Arc;

use super::lane::Lane;
use super::opening::CRASHED;
use super::process::{Process, Received};
use super::wire::Inbox;

/// Takes the answers of one process.
pub(super) struct Reader {
    pub(super) process: Arc<Process>,
    pub(super) lane: Arc<Lane>,
    pub(super) generation: u64,
}

impl Reader {
    /// Takes them until it ends.
    pub(super) fn run(self) {
        let mut inbox = Inbox::new();
        loop {
            match self.process.receive(&mut inbox, None) {
                Received::Answer(id, answer, bytes) => {
                    self.lane.answered(self.generation, id, answer, bytes);
                }
                Received::Late => {}
                Received::Ended => {
                    self.lane.ended(self.generation, CRASHED);
                    return;
                }
            }
        }
    }
}
