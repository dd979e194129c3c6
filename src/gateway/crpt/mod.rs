//! Connections of CRPT (spec, services, sections 3 and 5; seed 002): registered by either way, none of them twice.

mod answer;
mod attempt;
mod connection;
mod operator;
mod order;
mod registration;
mod send;

use std::sync::Arc;

pub use answer::Answered;
pub use connection::Connection;
pub use order::{ConnectionOrder, SignAs};

use super::flights::Flights;
use super::gateway::Shared;
use super::jobs::Next;
use super::organization::Organization;
use super::outcome::Trouble;
use super::state::StateError;
use attempt::Attempt;

/// The job that repeats a registration once, and forgets what is settled.
pub(super) const REPEAT: &str = "crpt-repeat";

/// A job whose end could not be kept waits so long, in milliseconds.
const AGAIN: i64 = 60_000;

/// Registers connections, lists and removes them.
pub struct Crpt {
    shared: Arc<Shared>,
    flights: Flights<String, Answered>,
}

impl Crpt {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self {
            shared,
            flights: Flights::default(),
        }
    }

    /// An organisation: the one of this ITN, or else whose order management station this is.
    ///
    /// # Errors
    /// [`Trouble`]: they cannot be read.
    pub fn owner(&self, itn: Option<&str>, oms_id: &str) -> Result<Option<(String, Organization)>, Trouble> {
        if let Some(itn) = itn {
            let known = self.shared.organization(itn).map_err(not_kept)?;
            return Ok(known.map(|organization| (itn.to_owned(), organization)));
        }
        let all = self.shared.state.all::<Organization>().map_err(not_kept)?;
        let mut owners = all.into_iter().filter(|(_, organization)| {
            let own = organization.oms_id.as_deref();
            own.is_some_and(|own| !own.is_empty() && own.eq_ignore_ascii_case(oms_id))
        });
        Ok(owners.next())
    }

    /// Registers a connection. Those who want the same at once get the same answer.
    pub async fn register(&self, order: ConnectionOrder) -> Answered {
        let (name, shared) = (order.name(), self.shared.clone());
        let work = move || async move {
            let registered = registration::begin(&shared, order).await;
            registered.unwrap_or_else(Answered::failed)
        };
        self.flights.join(name, work).await
    }

    /// Repeats what is to be repeated, and forgets what is settled for long enough.
    pub(super) async fn repeat_job(&self, name: &str) -> Next {
        let (mut own, mut answered) = (false, Answered::default());
        // Somebody may be asking for the same just now: they are told what is known, and then it is repeated.
        while !own {
            let (shared, about) = (self.shared.clone(), name.to_owned());
            let work = || {
                own = true;
                async move {
                    let repeated = registration::repeat(&shared, &about).await;
                    repeated.unwrap_or_else(Answered::failed)
                }
            };
            answered = self.flights.join(name.to_owned(), work).await;
        }
        if let Some(trouble) = answered.trouble {
            tracing::warn!(why = trouble.info, "a registration with CRPT");
        }
        let now = self.shared.now();
        match self.shared.state.find::<Attempt>(name) {
            Ok(None) => Next::Done,
            Ok(Some(attempt)) if !attempt.is_over(now) => Next::Planned,
            // It could not be kept that it was done: not again at once.
            Ok(Some(_)) | Err(_) => Next::At(now.plus(AGAIN)),
        }
    }
}

#[expect(clippy::needless_pass_by_value, reason = "this is how errors are handed over")]
fn not_kept(error: StateError) -> Trouble {
    Trouble::not_saved(&error)
}
