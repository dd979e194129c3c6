//! 1C-Taxcom (spec, services, sections 4 and 5; seed 000).

mod registration;

use std::sync::Arc;

pub use registration::{WrongField, check_registration};

use super::gateway::Shared;
use super::jobs::Next;

/// The job that asks how an application fares.
pub(super) const POLL: &str = "taxcom-poll";

/// Gets subscribers' numbers, registers certificates, opens the cabinet.
pub struct Taxcom {
    shared: Arc<Shared>,
}

impl Taxcom {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    pub(super) async fn poll_job(&self, _name: &str) -> Next {
        let _ = &self.shared;
        Next::Done
    }
}
