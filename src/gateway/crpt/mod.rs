//! Connections of CRPT (spec, services, sections 3 and 5; seed 002).

mod connection;

use std::sync::Arc;

pub use connection::Connection;

use super::gateway::Shared;
use super::jobs::Next;

/// The job that repeats a registration once.
pub(super) const REPEAT: &str = "crpt-repeat";

/// Registers connections, lists and removes them.
pub struct Crpt {
    shared: Arc<Shared>,
}

impl Crpt {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    pub(super) async fn repeat_job(&self, _name: &str) -> Next {
        let _ = &self.shared;
        Next::Done
    }
}
