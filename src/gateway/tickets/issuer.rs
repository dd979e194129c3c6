//! Tickets that this node issues itself, for networks without the portal: random, short-lived, good for one check. Only their
//! hashes are kept.

use std::sync::{Mutex, MutexGuard, PoisonError};

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::licence::Timestamp;
use crate::text::hex;

use super::super::gateway::Shared;
use super::super::jobs::Next;
use super::super::outcome::{Code, Detail, Trouble};
use super::super::secret::Secret;
use super::super::state::{Changes, Kept, StateError};

/// The job that removes tickets whose life is over.
pub(in super::super) const CLEANING: &str = "tickets-cleaning";

/// The name of that job: there is one.
const ALL: &str = "all";

/// Tickets that may be alive at once.
const MOST: usize = 10_000;

/// Length of what is random in a ticket, in bytes.
const RANDOM: usize = 32;

/// A ticket as it is kept. Its name among the records is its hash.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Issued {
    /// The service that it is good for.
    pub owner: String,
    /// Who got it.
    pub login: String,
    /// The area of data that it was asked for.
    pub area: Option<i64>,
    expires: Timestamp,
}

impl Kept for Issued {
    const KIND: &'static str = "ticket";
}

impl Issued {
    /// Whether it lives. One with more than a whole life left shows a clock that was set back: nobody knows how old it is.
    fn is_good(&self, shared: &Shared, now: Timestamp) -> bool {
        self.expires > now && self.expires <= now.plus(life(shared))
    }
}

/// The life of a ticket, in milliseconds.
fn life(shared: &Shared) -> i64 {
    i64::try_from(shared.rules().tickets.life.as_millis()).unwrap_or(i64::MAX)
}

/// What is known of the tickets without looking at all of them.
#[derive(Default)]
struct Alive {
    /// How many there are; none: not counted yet.
    number: Option<usize>,
    /// The job that removes them is planned.
    cleaning: bool,
}

/// Issues tickets.
#[derive(Default)]
pub(super) struct Issuer(Mutex<Alive>);

impl Issuer {
    fn alive(&self) -> MutexGuard<'_, Alive> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A new ticket.
    pub(super) fn issue(
        &self,
        shared: &Shared,
        owner: &str,
        login: &str,
        area: Option<i64>,
    ) -> Result<Secret, Trouble> {
        let not_kept = |error: StateError| Trouble::not_saved(&error);
        let (state, now) = (&shared.state, shared.now());
        let mut alive = self.alive();
        if alive.number.is_none_or(|number| number >= MOST) {
            alive.number = Some(clean(shared, now).map_err(not_kept)?.len());
        }
        let number = alive.number.unwrap_or_default();
        if number >= MOST {
            let info = format!("{MOST} tickets of this node are alive and none was checked");
            let trouble = Trouble::new(Code::Unknown, super::TOO_MANY, info);
            return Err(trouble.with(Detail::Finer(Code::TooMany)));
        }
        let mut random = Zeroizing::new([0; RANDOM]);
        rand::fill(&mut *random)
            .map_err(|_| Trouble::not_saved(&"the system has no randomness for a ticket"))?;
        let ticket = Secret::from(hex(&*random));
        let life = life(shared);
        let issued = Issued {
            owner: owner.into(),
            login: login.into(),
            area,
            expires: now.plus(life),
        };
        let mut changes = Changes::new().put(&hash(&ticket), &issued);
        if !alive.cleaning {
            changes = changes.plan(CLEANING, ALL, issued.expires);
        }
        state.commit(changes).map_err(not_kept)?;
        alive.number = Some(number + 1);
        if !std::mem::replace(&mut alive.cleaning, true) {
            shared.wake.notify_one();
        }
        Ok(ticket)
    }

    /// Uses a ticket up where it is good for a service that `is_for` takes. One that was meant for another stays as it is:
    /// whoever asks for the wrong thing does not take it from who may ask.
    pub(super) fn redeem(
        &self,
        shared: &Shared,
        ticket: &Secret,
        is_for: impl Fn(&str) -> bool,
    ) -> Result<Option<Issued>, StateError> {
        let name = hash(ticket);
        let mut alive = self.alive();
        let found = shared.state.find::<Issued>(&name)?;
        if found.is_none_or(|issued| !is_for(&issued.owner)) {
            return Ok(None);
        }
        // Of several who ask at once, one gets it.
        let taken = shared.state.take::<Issued>(&name)?;
        if taken.is_some() {
            alive.number = alive.number.map(|number| number.saturating_sub(1));
        }
        Ok(taken.filter(|issued| issued.is_good(shared, shared.now())))
    }

    /// Removes what is over.
    pub(super) fn clean_job(&self, shared: &Shared) -> Next {
        let (now, mut alive) = (shared.now(), self.alive());
        let next = match clean(shared, now) {
            Ok(left) => {
                alive.number = Some(left.len());
                left.into_iter().min().map_or(Next::Done, Next::At)
            }
            Err(error) => {
                tracing::error!(%error, "tickets whose life is over could not be removed");
                Next::At(now.plus(60_000))
            }
        };
        alive.cleaning = next != Next::Done;
        next
    }
}

/// Removes the tickets that are over; the ends of the others.
fn clean(shared: &Shared, now: Timestamp) -> Result<Vec<Timestamp>, StateError> {
    let (state, mut changes, mut left) = (&shared.state, Changes::new(), Vec::new());
    for (name, issued) in state.all::<Issued>()? {
        if issued.is_good(shared, now) {
            left.push(issued.expires);
        } else {
            changes = changes.remove::<Issued>(&name);
        }
    }
    state.commit(changes)?;
    Ok(left)
}

fn hash(ticket: &Secret) -> String {
    hex(digest(&SHA256, ticket.expose().as_bytes()).as_ref())
}
