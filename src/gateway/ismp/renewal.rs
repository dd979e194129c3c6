//! The job that has a new token before the old one ends. It tries only where a signature can be had, and otherwise waits for
//! the key.

use std::sync::Arc;

use crate::licence::Timestamp;

use super::super::jobs::Next;
use super::super::outcome::{Code, Detail, Trouble};
use super::super::rules::GatewayRules;
use super::super::state::{Changes, StateError};
use super::RENEWAL;
use super::faults::Fault;
use super::keys::Keys;
use super::kind::TokenType;
use super::token::{Place, STALE, SessionKey, Slot, is_good, renewal};

/// Between two looks whether a key is there again, in milliseconds: what changes on a key is told besides.
pub(super) const LOOK: i64 = 60_000;

/// Between two tries where the operator refuses the organisation: only people can change that.
const REFUSED: i64 = 60 * 60 * 1000;

/// Between two tries after the first failures, in milliseconds; the last of them for all that follow.
const TRIES: [i64; 5] = [15_000, 30_000, 60_000, 120_000, 300_000];

impl Keys {
    /// Renews the token of this record, where it is time.
    pub(super) async fn renew_job(self: &Arc<Self>, name: &str) -> Next {
        match self.renew(name).await {
            Ok(next) => next,
            Err(trouble) => {
                tracing::error!(
                    name,
                    error = trouble.info,
                    "a session key of IS MP could not be renewed"
                );
                Next::Wait(self.shared.now().plus(LOOK))
            }
        }
    }

    async fn renew(self: &Arc<Self>, name: &str) -> Result<Next, Trouble> {
        let (rules, now) = (self.shared.rules(), self.shared.now());
        if !rules.ismp.enabled {
            return Ok(Next::Wait(now.plus(LOOK)));
        }
        self.lives.read(&self.shared).await?;
        let Some(kept) = self.shared.state.find::<SessionKey>(name)? else {
            return Ok(Next::Done);
        };
        let wanted = kept.token_type != TokenType::Retail || rules.ismp.retail;
        let place = self.place_of(&kept, name)?;
        let Some(place) = place.filter(|_| wanted) else {
            // Nobody can ask for it any more.
            let slot = Slot::new(&kept.place(), kept.connection.as_deref());
            self.lives.put(&slot, None);
            let forget = Changes::new().remove::<SessionKey>(name);
            self.shared.state.commit(forget)?;
            return Ok(Next::Done);
        };
        let live = self.live(&place)?;
        let before = lead(&rules);
        if let Some(live) = &live
            && kept.obtained != Some(live.obtained)
        {
            // It could not be kept when it was had. Another would end it, and could not be kept either.
            let own = kept.connection.clone();
            match self.write(name, &kept.place(), own, live).await {
                Ok(()) => return Ok(Next::Planned),
                Err(error) => tracing::error!(%error, "a session key of IS MP cannot be kept yet"),
            }
            if now < renewal(live.obtained, live.valid_until, before) {
                return Ok(Next::Wait(now.plus(LOOK)));
            }
        }
        if let (Some(_), Some(obtained), Some(end)) = (&live, kept.obtained, kept.valid_until)
            && !kept.doubtful
            && is_good(obtained, end, now)
            && now < renewal(obtained, end, before)
        {
            let detail = kept.trouble.as_ref().and_then(|trouble| trouble.detail);
            if detail.is_some_and(is_of_the_key) && self.can_sign(&place).is_ok() {
                // The key is back: nothing is wrong with this token.
                let mended = SessionKey {
                    failures: 0,
                    trouble: None,
                    ..kept
                };
                self.shared.state.commit(Changes::new().update(name, &mended))?;
            }
            return Ok(Next::At(renewal(obtained, end, before)));
        }
        if let Some(until) = kept.not_before.filter(|until| now < *until) {
            return Ok(Next::At(until.min(now.plus(super::faults::LONGEST_PAUSE))));
        }
        if let Err(trouble) = self.can_sign(&place) {
            if kept.failures > 0 && kept.trouble.as_ref() == Some(&trouble) {
                // As before: there is nothing to write.
                return Ok(Next::Wait(now.plus(LOOK)));
            }
            self.note(&kept, &trouble);
            self.keep_fault(name, kept, &trouble.into())?;
            // A key that came while this was written was not yet waited for.
            if self.can_sign(&place).is_ok() {
                let again = Changes::new().plan(RENEWAL, name, now);
                self.shared.state.commit(again)?;
            }
            return Ok(Next::Planned);
        }
        let not = live.map(|live| live.number);
        match self.have(&place, not).await {
            Ok(had) => {
                if had.new {
                    let (word, end) = (place.kind.word(), had.live.valid_until);
                    let detail = format!("{word}, renewed, valid until {end}");
                    self.shared.host.note("session-key", &place.itn, &detail);
                }
                Ok(Next::At(renewal(had.live.obtained, had.live.valid_until, before)))
            }
            Err(trouble) => {
                self.note(&kept, &trouble);
                let after = self.shared.state.find::<SessionKey>(name)?;
                // The next try stands in the same commit as the failure; where that failed too, some time passes.
                if after.is_some_and(|after| after.failures > kept.failures) {
                    return Ok(Next::Planned);
                }
                Ok(Next::At(now.plus(LOOK)))
            }
        }
    }

    /// Keeps that a try failed, and plans the next together with it, where there was a token to renew.
    pub(super) fn keep_fault(&self, name: &str, kept: SessionKey, fault: &Fault) -> Result<(), StateError> {
        let now = self.shared.now();
        let next = self.next_try(&kept, fault);
        let kept = SessionKey {
            failures: kept.failures.saturating_add(1),
            trouble: Some(fault.trouble.clone()),
            tried: Some(now),
            not_before: fault.pause.map(|pause| now.plus(pause)),
            ..kept
        };
        let mut changes = Changes::new().update(name, &kept);
        if kept.obtained.is_some() {
            changes = changes.plan(RENEWAL, name, next);
        }
        self.shared.state.commit(changes)?;
        self.shared.wake.notify_one();
        Ok(())
    }

    /// Plans what a clock that was set back holds up: tokens that were had in the future.
    pub(super) fn plan_those_of_the_future(&self) -> Result<(), Trouble> {
        let (state, now) = (&self.shared.state, self.shared.now());
        let mut changes = Changes::new();
        for (name, kept) in state.all::<SessionKey>()? {
            if kept.obtained.is_some_and(|obtained| obtained > now.plus(STALE)) {
                changes = changes.plan(RENEWAL, &name, now);
            }
        }
        Ok(state.commit(changes)?)
    }

    /// An organisation is other now: what failed for it is tried now, and what is for nobody any more is forgotten.
    pub(super) fn organization_changed(&self, itn: &str) -> Result<(), Trouble> {
        let (state, now) = (&self.shared.state, self.shared.now());
        let mut changes = Changes::new();
        for (name, kept) in state.all::<SessionKey>()? {
            if kept.itn != itn {
                continue;
            }
            let for_nobody = self.place_of(&kept, &name)?.is_none();
            if kept.obtained.is_none() && for_nobody {
                changes = changes.remove::<SessionKey>(&name);
            } else if kept.obtained.is_some() && (for_nobody || kept.failures > 0) {
                changes = changes.plan(RENEWAL, &name, now);
            }
        }
        state.commit(changes)?;
        self.shared.stir();
        Ok(())
    }

    /// Tokens that were had and whose last renewal failed.
    pub(super) fn failing(&self) -> Result<Vec<(Place, Trouble)>, Trouble> {
        let kept = self.shared.state.all::<SessionKey>()?.into_iter();
        let failing = kept.filter_map(|(_, kept)| {
            let place = kept.place();
            let trouble = kept.trouble.filter(|_| kept.failures > 0)?;
            kept.obtained.is_some().then_some((place, trouble))
        });
        Ok(failing.collect())
    }

    /// Whom the token of a record is renewed for; none: for nobody any more.
    fn place_of(&self, kept: &SessionKey, name: &str) -> Result<Option<Place>, Trouble> {
        let known = self.organizations()?;
        let place = kept.place();
        if let Some((slot, _)) = known.slot(&place)
            && slot.name() == name
        {
            return Ok(Some(place));
        }
        // The place has another connection now, but the token may serve others.
        let connection = kept.connection.as_deref();
        Ok(connection.and_then(|connection| known.place_with(connection)))
    }

    /// Whether a signature for a place could be had now.
    pub(super) fn can_sign(&self, place: &Place) -> Result<(), Trouble> {
        let organization = self.shared.organization(&place.itn)?;
        let thumbprint = self
            .shared
            .signer
            .thumbprint_of(&place.itn, &organization.unwrap_or_default())?;
        self.shared.signer.check(thumbprint)
    }

    /// When to try again: after a pause, but a token that was to be replaced before its time is renewed in its time.
    fn next_try(&self, before: &SessionKey, fault: &Fault) -> Timestamp {
        let (now, rules, trouble) = (self.shared.now(), self.shared.rules(), &fault.trouble);
        let at = usize::try_from(before.failures).unwrap_or(usize::MAX);
        let wait = match (trouble.detail, trouble.code) {
            (Some(detail), _) if is_of_the_key(detail) => LOOK,
            (_, Code::BadLogin | Code::BadRequest) => REFUSED,
            _ => TRIES[at.min(TRIES.len() - 1)],
        };
        let next = now.plus(wait.max(fault.pause.unwrap_or(0)));
        match (before.obtained, before.valid_until) {
            (Some(obtained), Some(end)) if is_good(obtained, end, now) && !before.doubtful => {
                next.max(renewal(obtained, end, lead(&rules)))
            }
            _ => next,
        }
    }

    /// Tells of a trouble that is new.
    fn note(&self, kept: &SessionKey, trouble: &Trouble) {
        if kept.trouble.as_ref() == Some(trouble) {
            return;
        }
        let word = trouble.detail.map_or(trouble.code.word(), Detail::word);
        let detail = format!(
            "{}, not renewed: {word}, {}",
            kept.token_type.word(),
            trouble.info
        );
        self.shared.host.note("session-key-failure", &kept.itn, &detail);
    }

    /// Keys have changed: what waited for one is tried now.
    pub(super) fn keys_changed(&self) -> Result<(), Trouble> {
        let now = self.shared.now();
        let mut changes = Changes::new();
        for (name, kept) in self.shared.state.all::<SessionKey>()? {
            let detail = kept.trouble.as_ref().and_then(|trouble| trouble.detail);
            let waits = kept.obtained.is_some() && detail.is_some_and(is_of_the_key);
            if waits && self.can_sign(&kept.place()).is_ok() {
                changes = changes.plan(RENEWAL, &name, now);
            }
        }
        self.shared.state.commit(changes)?;
        self.shared.stir();
        Ok(())
    }
}

/// So long before its end a token is renewed, in milliseconds.
pub(super) fn lead(rules: &GatewayRules) -> i64 {
    i64::try_from(rules.ismp.renew_before.as_millis()).unwrap_or(i64::MAX)
}

/// Whether a key has to be plugged in, or opened, before anything can be tried again.
pub(super) fn is_of_the_key(detail: Detail) -> bool {
    match detail {
        Detail::KeyNotConnected | Detail::PinRequired | Detail::PinWrong | Detail::CertificateExpired => true,
        Detail::Finer(_) => false,
    }
}
