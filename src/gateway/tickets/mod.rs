//! Tickets of the support portal (spec, services, sections 1 and 5; seed 003).

use std::sync::Arc;

use super::gateway::Shared;
use super::jobs::Next;

/// The job that removes tickets whose life is over.
pub(super) const CLEANING: &str = "tickets-cleaning";

/// Gets tickets, checks them, and issues its own where there is no portal.
pub struct Tickets {
    shared: Arc<Shared>,
}

impl Tickets {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    pub(super) fn clean_job(&self) -> Next {
        let _ = &self.shared;
        Next::Done
    }
}
