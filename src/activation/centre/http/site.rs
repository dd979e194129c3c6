//! What every request to the centre goes through: who calls, how often that failed, what it asks for.

use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use actix_web::HttpRequest;

use crate::activation::{Action, Refusal, open_request};
use crate::clock::{Millis, SharedClock};

use super::super::{Answer, Centre};
use super::limits::{FailureRules, Failures};
use super::peer;

/// What the service is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SiteRules {
    /// Addresses of reverse proxies that are believed.
    pub proxies: Vec<IpAddr>,
    /// How often requests may fail.
    pub failures: FailureRules,
}

/// A centre as it is served.
pub struct Site {
    pub(super) centre: Centre,
    /// Of the centre's database.
    pub(super) dir: PathBuf,
    pub(super) clock: SharedClock,
    proxies: Vec<IpAddr>,
    failures: Mutex<Failures>,
}

impl Site {
    /// Serves this centre, whose files are in `dir`.
    pub fn new(centre: Centre, dir: PathBuf, clock: SharedClock, rules: SiteRules) -> Self {
        Self {
            centre,
            dir,
            clock,
            proxies: rules.proxies,
            failures: Mutex::new(Failures::new(rules.failures)),
        }
    }

    /// Answers a sealed request; `expected` is the only action that it may name.
    pub(super) async fn answer(
        &self,
        request: &HttpRequest,
        body: Result<Vec<u8>, Refusal>,
        expected: Option<Action>,
    ) -> Result<Answer, Refusal> {
        let caller = self.caller(request)?;
        let result = match body {
            Ok(body) => self.open_and_answer(caller, &body, expected).await,
            Err(refusal) => Err(refusal),
        };
        if let Err(refusal) = &result
            && counts(refusal)
        {
            self.failed(caller);
        }
        result
    }

    async fn open_and_answer(
        &self,
        caller: IpAddr,
        body: &[u8],
        expected: Option<Action>,
    ) -> Result<Answer, Refusal> {
        let (asked, node_key) = open_request(body).map_err(|error| Refusal::BadRequest(error.to_string()))?;
        if expected.is_some_and(|expected| expected != asked.action) {
            return Err(Refusal::BadRequest(
                "the request wants something else than its address says".into(),
            ));
        }
        let refused = self.failures().code_refused(self.now(), &asked.code, caller);
        if let Some(wait) = refused {
            return Err(too_many(wait));
        }
        let code = asked.code.clone();
        let result = self.centre.answer(asked, node_key, caller).await;
        if let Err(Refusal::Holder | Refusal::Recovery) = &result {
            self.failures().guessed(self.now(), &code, caller);
        }
        result
    }

    /// Who calls, unless too much of what that address asked for has failed.
    pub(super) fn caller(&self, request: &HttpRequest) -> Result<IpAddr, Refusal> {
        let caller = peer::caller(request, &self.proxies);
        match self.failures().address_refused(self.now(), caller) {
            Some(wait) => Err(too_many(wait)),
            None => Ok(caller),
        }
    }

    /// Counts a failure of this address.
    pub(super) fn failed(&self, caller: IpAddr) {
        self.failures().failed(self.now(), caller);
    }

    fn failures(&self) -> MutexGuard<'_, Failures> {
        self.failures.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> Millis {
        self.clock.now().mono
    }
}

fn too_many(wait: Millis) -> Refusal {
    Refusal::TooMany {
        seconds: wait.div_ceil(1000).max(1),
    }
}

/// Whether a refusal may be that of somebody who tries what he has no right to. Those who know a code and its holder
/// have the right to ask, and the centre's own faults are not theirs.
fn counts(refusal: &Refusal) -> bool {
    !matches!(
        refusal,
        Refusal::Used
            | Refusal::NoMoves { .. }
            | Refusal::NotHere
            | Refusal::TooMany { .. }
            | Refusal::Unavailable(_)
    )
}
