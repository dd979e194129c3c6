//! The job that has a new token before the old one ends. It tries only where a signature can be had, and otherwise waits for
//! the key.

use std::sync::Arc;

use crate::licence::Timestamp;

use super::super::jobs::Next;
use super::super::outcome::{Code, Detail, Trouble};
use super::super::state::{Changes, StateError};
use super::RENEWAL;
use super::keys::Keys;
use super::kind::TokenType;
use super::token::{Place, SessionKey, Slot, is_good, renewal};

/// Between two looks whether a key is there again, in milliseconds: what changes on a key is told besides.
const LOOK: i64 = 60_000;

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
                Next::At(self.shared.now().plus(LOOK))
            }
        }
    }

    async fn renew(self: &Arc<Self>, name: &str) -> Result<Next, Trouble> {
        let unsaved = |error: StateError| Trouble::not_saved(&error);
        let (rules, now) = (self.shared.rules(), self.shared.now());
        if !rules.ismp.enabled {
            return Ok(Next::At(now.plus(LOOK)));
        }
        self.lives.read(&self.shared).await?;
        let Some(kept) = self.shared.state.find::<SessionKey>(name).map_err(unsaved)? else {
            return Ok(Next::Done);
        };
        let wanted = kept.token_type != TokenType::Retail || rules.ismp.retail;
        let place = self.place_of(&kept, name)?;
        let Some(place) = place.filter(|_| wanted) else {
            // Nobody can ask for it any more.
            let slot = Slot::new(&kept.place(), kept.connection.as_deref());
            self.lives.put(&slot, None);
            let forget = Changes::new().remove::<SessionKey>(name);
            self.shared.state.commit(forget).map_err(unsaved)?;
            return Ok(Next::Done);
        };
        let live = self.live(&place)?;
        let before = i64::try_from(rules.ismp.renew_before.as_millis()).unwrap_or(i64::MAX);
        if let (Some(_), Some(obtained), Some(end)) = (&live, kept.obtained, kept.valid_until)
            && is_good(obtained, end, now)
            && now < renewal(obtained, end, before)
        {
            return Ok(Next::At(renewal(obtained, end, before)));
        }
        if let Some(until) = kept.not_before.filter(|until| now < *until) {
            return Ok(Next::At(until.min(now.plus(super::faults::LONGEST_PAUSE))));
        }
        if let Err(trouble) = self.can_sign(&place) {
            if kept.trouble.as_ref() != Some(&trouble) {
                self.note(&kept, &trouble);
                let failures = kept.failures.saturating_add(1);
                let kept = SessionKey {
                    failures,
                    trouble: Some(trouble),
                    ..kept
                };
                let changes = Changes::new().update(name, &kept);
                self.shared.state.commit(changes).map_err(unsaved)?;
            }
            return Ok(Next::At(now.plus(LOOK)));
        }
        let not = live.map(|live| live.number);
        match self.have(&place, not).await {
            Ok(had) => {
                if had.new {
                    let detail = format!(
                        "{}, renewed, valid until {}",
                        place.kind.word(),
                        had.live.valid_until
                    );
                    self.shared.host.note("session-key", &place.itn, &detail);
                }
                Ok(Next::At(renewal(had.live.obtained, had.live.valid_until, before)))
            }
            Err(trouble) => {
                if kept.trouble.as_ref() != Some(&trouble) {
                    self.note(&kept, &trouble);
                }
                Ok(Next::At(self.next_try(&kept, &trouble)))
            }
        }
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
        let organization = self.shared.organization(&place.itn);
        let organization = organization.map_err(|error| Trouble::not_saved(&error))?;
        let thumbprint = self
            .shared
            .signer
            .thumbprint_of(&place.itn, &organization.unwrap_or_default())?;
        self.shared.signer.check(thumbprint)
    }

    fn next_try(&self, before: &SessionKey, trouble: &Trouble) -> Timestamp {
        let now = self.shared.now();
        let at = usize::try_from(before.failures).unwrap_or(usize::MAX);
        let wait = match (trouble.detail, trouble.code) {
            (Some(detail), _) if is_of_the_key(detail) => LOOK,
            (_, Code::BadLogin | Code::BadRequest) => REFUSED,
            _ => TRIES[at.min(TRIES.len() - 1)],
        };
        let name = Slot::new(&before.place(), before.connection.as_deref()).name();
        let kept = self.shared.state.find::<SessionKey>(&name).ok().flatten();
        let not_before = kept.and_then(|kept| kept.not_before);
        now.plus(wait).max(not_before.unwrap_or(now))
    }

    fn note(&self, kept: &SessionKey, trouble: &Trouble) {
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
        let unsaved = |error: StateError| Trouble::not_saved(&error);
        let now = self.shared.now();
        let mut changes = Changes::new();
        for (name, kept) in self.shared.state.all::<SessionKey>().map_err(unsaved)? {
            let detail = kept.trouble.as_ref().and_then(|trouble| trouble.detail);
            let waits = kept.obtained.is_some() && detail.is_some_and(is_of_the_key);
            if waits && self.can_sign(&kept.place()).is_ok() {
                changes = changes.plan(RENEWAL, &name, now);
            }
        }
        self.shared.state.commit(changes).map_err(unsaved)?;
        self.shared.wake.notify_one();
        Ok(())
    }
}

/// Whether a key has to be plugged in, or opened, before anything can be tried again.
pub(super) fn is_of_the_key(detail: Detail) -> bool {
    match detail {
        Detail::KeyNotConnected | Detail::PinRequired | Detail::PinWrong | Detail::CertificateExpired => true,
        Detail::Finer(_) => false,
    }
}
