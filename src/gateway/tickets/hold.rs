//! How long the portal is left in peace about a login after it said "too many tries": asking goes on counting there.

use serde::{Deserialize, Serialize};

use crate::licence::Timestamp;

use super::super::state::{Changes, Kept, State, StateError};
use super::Domain;

/// How long the portal wants to be left in peace, in milliseconds.
const PEACE: i64 = 30 * 60_000;

/// The portal is not asked about a login before this time. Its name among the records is [`name`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Hold {
    until: Timestamp,
}

impl Kept for Hold {
    const KIND: &'static str = "ticket-hold";
}

/// The domains are portals of their own.
fn name(domain: Domain, login: &str) -> String {
    format!("{} {login}", domain.number())
}

/// Until when the portal is not asked about a login; none: it may be.
pub(super) fn until(
    state: &State,
    domain: Domain,
    login: &str,
    now: Timestamp,
) -> Result<Option<Timestamp>, StateError> {
    let hold = state.find::<Hold>(&name(domain, login))?;
    // A clock that was set back lengthens no hold.
    let holds = |hold: &Hold| hold.until > now && hold.until <= now.plus(PEACE);
    Ok(hold.filter(holds).map(|hold| hold.until))
}

/// Leaves the portal in peace from now on.
pub(super) fn begin(
    state: &State,
    domain: Domain,
    login: &str,
    now: Timestamp,
) -> Result<Timestamp, StateError> {
    let until = now.plus(PEACE);
    state.commit(Changes::new().put(&name(domain, login), &Hold { until }))?;
    Ok(until)
}

impl Changes {
    /// Ends what holds a login: its password is another now.
    #[must_use]
    pub(in crate::gateway) fn release(self, login: &str) -> Self {
        let domains = [Domain::Ru, Domain::Eu];
        let names = domains.map(|domain| name(domain, login));
        names
            .iter()
            .fold(self, |changes, name| changes.remove::<Hold>(name))
    }
}
