//! A gate before the stand-in: holds one request up, so that something can happen meanwhile.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use super::super::server::Sandbox;

/// When a request is done that is held up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeldAt {
    /// Before: only its answer is held up.
    Done,
    /// Once it is let go: it comes late.
    Late,
    /// Never: it is lost on its way.
    Lost,
}

/// A gate that is shut; dropping it lets the request go.
#[derive(Debug)]
pub struct Gate {
    arrived: Receiver<()>,
    _let_go: Sender<()>,
}

impl Gate {
    /// Waits until the request is there; false: it did not come in time.
    pub fn wait(&self, patience: Duration) -> bool {
        self.arrived.recv_timeout(patience).is_ok()
    }
}

/// The other side of a gate.
#[derive(Debug)]
pub(super) struct Shut {
    requests: usize,
    pub(super) held: HeldAt,
    arrived: Sender<()>,
    go: Receiver<()>,
}

impl Shut {
    /// Counts a request; true: it is the one that is held up.
    pub(super) fn counts(&mut self) -> bool {
        self.requests = self.requests.saturating_sub(1);
        self.requests == 0
    }

    /// Holds it up.
    pub(super) fn hold(&self) {
        let _ = self.arrived.send(());
        let _ = self.go.recv();
    }
}

impl Sandbox {
    /// Holds up a request to 1C-Taxcom, the first being that which comes next; reading its description is none.
    pub fn hold_taxcom(&self, request: usize, held: HeldAt) -> Gate {
        let (arrived, seen) = channel();
        let (let_go, go) = channel();
        self.world().taxcom.gate = Some(Shut {
            requests: request,
            held,
            arrived,
            go,
        });
        Gate {
            arrived: seen,
            _let_go: let_go,
        }
    }
}
