//! The ledger: decides who gets a seat, keeps it, and loses it (spec, rows 23 to 26, 28 and 32 to 35). Pure:
//! time comes in, changes to be saved go out.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use crate::clock::{Millis, Moment};
use crate::events::{News, SessionNews};
use crate::licence::{KeyId, KeyNo, Timestamp};
use crate::store::{Id, LedgerTime, Restored, Session, SessionFields, Write};

use super::figures::SeriesTotals;
use super::offer::{Offer, Reason, Refusal};
use super::outcome::{Release, Taken};
use super::pool::Pool;
use super::roll::{Roll, Slot};
use super::unsaved::Unsaved;
use super::usage::Usage;

/// Life that every session has at least after a restart.
const LEAST_LEFT: Millis = 30_000;

/// Renewals that a crash may have lost: the time that they are written late at most.
const LOST_RENEWALS: Millis = 60_000;

/// The settings that the ledger follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LedgerRules {
    /// Life of a session from its start or last renewal.
    pub life: Millis,
    /// How long a session keeps the seat of a missing key.
    pub grace: Millis,
}

/// All sessions and all seats.
pub struct Ledger {
    rules: LedgerRules,
    roll: Roll,
    pool: Pool,
    next_seq: u64,
    unsaved: Unsaved,
    refusals: BTreeMap<(KeyId, Reason), u64>,
    /// The history of use.
    pub usage: Usage,
}

impl Ledger {
    /// An empty ledger.
    pub fn new(rules: LedgerRules) -> Self {
        Self {
            rules,
            roll: Roll::default(),
            pool: Pool::new(rules.grace),
            next_seq: 1,
            unsaved: Unsaved::default(),
            refusals: BTreeMap::new(),
            usage: Usage::default(),
        }
    }

    /// A ledger as it was saved, and its time, which goes on where it stopped: what a session had left it has
    /// again, and at least 30 s. After a crash time goes back by a minute, for renewals are written late: the
    /// rows on disk need no change for that (spec, row 34).
    pub fn restore(rules: LedgerRules, restored: Restored) -> (Self, Millis) {
        let mut ledger = Self::new(rules);
        let LedgerTime { time, clean } = restored.time;
        let now = if clean {
            time
        } else {
            time.saturating_sub(LOST_RENEWALS)
        };
        ledger.usage = Usage::restored(restored.seats);
        ledger.roll.reserve(restored.sessions.len());
        for mut session in restored.sessions {
            if session.expires < now + LEAST_LEFT {
                Arc::make_mut(&mut session).expires = now + LEAST_LEFT;
            }
            ledger.next_seq = ledger.next_seq.max(session.seq + 1);
            let key_no = session.key_no;
            let slot = ledger.roll.insert(session);
            ledger.seat(now, key_no, slot);
        }
        (ledger, now)
    }

    /// Follows other settings from now on.
    pub fn set_rules(&mut self, rules: LedgerRules) {
        self.rules = rules;
        self.pool.set_grace(rules.grace);
    }

    /// Takes note of the keys as they are. Sessions on keys that are gone move where there is a free seat.
    pub fn offer(&mut self, now: Millis, offers: Vec<Offer>) {
        self.advance(now);
        let enabled = offers.iter().filter(|offer| offer.enabled.is_ok());
        self.usage
            .offered(enabled.map(|offer| (offer.key_id, offer.seats.into())));
        self.pool.set(now, offers);
        self.rehouse(now);
        self.end_graces(now);
    }

    /// Lets time pass: ends sessions whose life or grace has run out. Every other call does this first.
    pub fn advance(&mut self, now: Millis) {
        let mut freed = false;
        while let Some((due, slot)) = self.roll.first_due().filter(|(due, _)| *due <= now) {
            if self.roll.get(slot).ended {
                self.roll.remove(slot);
                self.unsaved.unlisted();
            } else {
                self.end(now, slot, due);
                freed = true;
            }
        }
        if freed {
            self.rehouse(now);
        }
        self.end_graces(now);
    }

    /// Gives a seat, or renews the session that has this identity. `connection` is asked for the session's
    /// connection only where a seat is given.
    ///
    /// # Errors
    /// [`Refusal`]; it is counted.
    pub fn take(
        &mut self,
        now: Moment,
        time: Millis,
        mut fields: SessionFields,
        owner: &str,
        connection: impl FnOnce(&SessionFields) -> Option<Id>,
    ) -> Result<Taken, Refusal> {
        self.advance(time);
        if let Some(slot) = self.roll.find_identity(fields.key_id, &fields.client_session_id) {
            return Ok(Taken {
                session: self.renew_slot(time, slot),
                new: false,
            });
        }
        let code = fields.access_code.as_deref();
        let Some(key_no) = self.pool.first_free(fields.key_id, code) else {
            let refusal = self.pool.refusal(fields.key_id, code);
            *self.refusals.entry((fields.key_id, refusal.reason)).or_default() += 1;
            self.usage.refused(fields.key_id);
            self.unsaved.refused(News::Refusal {
                key_id: fields.key_id,
                reason: refusal.reason.name(),
                client: fields.client_session_id,
            });
            return Err(refusal);
        };
        fields.connection = connection(&fields);
        let session = Session {
            seq: self.next_seq,
            id: Id::random(),
            key_no,
            expires: time + self.rules.life,
            created: now.wall,
            ended: false,
            owner: owner.into(),
            fields,
        };
        self.next_seq += 1;
        let session = Arc::new(session);
        let slot = self.roll.insert(session.clone());
        self.seat(time, key_no, slot);
        self.unsaved.took(&session, slot);
        Ok(Taken { session, new: true })
    }

    /// Renews a session that holds a seat, for its owner or an administrator (`owner` is `None`).
    pub fn renew(&mut self, now: Millis, id: Id, owner: Option<&str>) -> Release {
        self.advance(now);
        match self.find_slot(id, owner) {
            Ok(slot) if self.roll.get(slot).ended => Release::Unknown,
            Ok(slot) => Release::Done(self.renew_slot(now, slot)),
            Err(other) => other,
        }
    }

    /// Releases a session, for its owner or an administrator (`owner` is `None`).
    pub fn release(&mut self, now: Millis, id: Id, owner: Option<&str>) -> Release {
        self.advance(now);
        match self.find_slot(id, owner) {
            Ok(slot) => Release::Done(self.release_slot(now, slot)),
            Err(other) => other,
        }
    }

    /// Gives back the seat of a session whose own answer could not go out. None: it is over, or was renewed since, and
    /// whoever did that relies on it.
    pub fn take_back(&mut self, now: Millis, id: Id) -> Option<Arc<Session>> {
        self.advance(now);
        let slot = self.roll.find(id).filter(|&slot| !self.roll.is_renewed(slot))?;
        Some(self.release_slot(now, slot))
    }

    /// The session with a seat that has this identity.
    pub fn find_identity(&self, key_id: KeyId, client_session_id: &str) -> Option<&Arc<Session>> {
        self.roll
            .find_identity(key_id, client_session_id)
            .map(|slot| self.roll.get(slot))
    }

    /// The session of this identifier, also one that is only listed.
    pub fn find(&self, id: Id) -> Option<&Arc<Session>> {
        self.roll.find(id).map(|slot| self.roll.get(slot))
    }

    /// Up to `limit` sessions after the one given, in the order of creation, then identifier.
    pub fn page(&self, after: Option<(Timestamp, Id)>, limit: usize) -> Vec<Arc<Session>> {
        self.roll.page(after, limit)
    }

    /// When time next does something by itself.
    pub fn next_deadline(&self) -> Option<Millis> {
        let grace = self.pool.first_deadline().map(|(end, _)| end);
        [self.roll.first_due().map(|(due, _)| due), grace]
            .into_iter()
            .flatten()
            .min()
    }

    /// Sessions that hold a seat.
    pub fn live(&self) -> usize {
        self.roll.live_count()
    }

    /// Sessions that sit on this key.
    pub fn used(&self, key_no: KeyNo) -> usize {
        self.pool.used(key_no)
    }

    /// Seats on offer and seats taken, over all keys.
    pub fn totals(&self) -> (u64, u64) {
        self.pool.totals()
    }

    /// The same for each series, in order.
    pub fn totals_by_series(&self) -> Vec<SeriesTotals> {
        self.pool
            .totals_by_series(|slot| self.roll.get(slot).fields.key_id)
    }

    /// Refusals since the start, by series and reason.
    pub fn refusals(&self) -> &BTreeMap<(KeyId, Reason), u64> {
        &self.refusals
    }

    /// Demands a commit although nothing may have changed: to try whether one succeeds.
    pub fn rely_on_commit(&mut self) {
        self.unsaved.rely();
    }

    /// Whether the calls since the last question promised something that holds only when it is committed.
    pub fn take_reliance(&mut self) -> bool {
        self.unsaved.take_reliance()
    }

    /// There is something to write before the next promise.
    pub fn has_unsaved(&self) -> bool {
        self.unsaved.has_rows()
    }

    /// There are renewals to write.
    pub fn has_renewed(&self) -> bool {
        self.unsaved.has_renewed()
    }

    /// What can be told now, and whether lists look different by something that is no news.
    pub fn take_news(&mut self) -> (Vec<News>, bool) {
        self.unsaved.take_news()
    }

    /// What to write to be up to date. [`Ledger::saved`] or [`Ledger::not_saved`] must follow.
    pub fn writes(&self) -> Vec<Write> {
        self.unsaved.writes(&self.roll)
    }

    /// Everything that [`Ledger::writes`] named is durable.
    pub fn saved(&mut self) {
        self.unsaved.saved(&mut self.roll);
        self.usage.saved();
    }

    /// Nothing of it could be written: seats given since the last time are taken back, for their sessions
    /// have been promised to nobody. The rest stays to be written.
    pub fn not_saved(&mut self, now: Millis) {
        for slot in self.unsaved.take_back(&self.roll) {
            self.leave(now, slot);
            self.roll.remove(slot);
        }
        self.rehouse(now);
        self.usage.fell();
    }

    fn find_slot(&self, id: Id, owner: Option<&str>) -> Result<Slot, Release> {
        let slot = self.roll.find(id).ok_or(Release::Unknown)?;
        if owner.is_some_and(|owner| *self.roll.get(slot).owner != *owner) {
            return Err(Release::NotYours);
        }
        Ok(slot)
    }

    fn renew_slot(&mut self, now: Millis, slot: Slot) -> Arc<Session> {
        self.roll.renew(slot, now + self.rules.life);
        let session = self.roll.get(slot).clone();
        let first = self.roll.mark_stale(slot);
        self.unsaved.renewed(session.seq, slot, first);
        session
    }

    fn release_slot(&mut self, now: Millis, slot: Slot) -> Arc<Session> {
        let live = !self.roll.get(slot).ended;
        if live {
            self.leave(now, slot);
        }
        let session = self.roll.remove(slot);
        self.unsaved.released(&session, slot);
        if live {
            self.rehouse(now);
        }
        session
    }

    /// Ends sessions whose grace has run out.
    fn end_graces(&mut self, now: Millis) {
        while let Some((_, key_no)) = self.pool.first_deadline().filter(|(end, _)| *end <= now) {
            for _ in 0..self.pool.surplus(key_no) {
                let Some(slot) = self.pool.last_holder(key_no) else {
                    break;
                };
                self.end(now, slot, now);
            }
        }
    }

    /// Ends a session at `expires`: its seat is free, it is listed for one more life (spec, row 32).
    fn end(&mut self, now: Millis, slot: Slot, expires: Millis) {
        self.leave(now, slot);
        self.roll.end(slot, expires, expires + self.rules.life);
        self.unsaved
            .changed(SessionNews::Ended, self.roll.get(slot), slot);
    }

    fn seat(&mut self, now: Millis, key_no: KeyNo, slot: Slot) {
        self.usage.sat(self.roll.get(slot).fields.key_id);
        let seat = self.pool.sit(now, key_no, slot);
        self.roll.set_seat(slot, seat);
    }

    fn leave(&mut self, now: Millis, slot: Slot) {
        let (key_no, seat) = (self.roll.get(slot).key_no, self.roll.seat(slot));
        self.usage.left(self.roll.get(slot).fields.key_id);
        if let Some(moved) = self.pool.leave(now, key_no, seat) {
            self.roll.set_seat(moved, seat);
        }
    }

    /// Moves sessions off keys that cannot hold them, as far as there are free seats (spec, row 33).
    fn rehouse(&mut self, now: Millis) {
        for key_no in self.pool.crowded() {
            let mut place = self.pool.used(key_no);
            // Sessions with the same access code find a seat alike: one failure speaks for the others.
            let mut in_vain: HashSet<Option<Box<str>>> = HashSet::new();
            while place > 0 && self.pool.surplus(key_no) > 0 {
                place -= 1;
                let Some(slot) = self.pool.holder(key_no, place) else {
                    break;
                };
                let SessionFields {
                    key_id, access_code, ..
                } = &self.roll.get(slot).fields;
                if in_vain.contains(access_code) {
                    continue;
                }
                if let Some(home) = self.pool.first_free(*key_id, access_code.as_deref()) {
                    self.leave(now, slot);
                    self.roll.change(slot, |session| session.key_no = home);
                    self.seat(now, home, slot);
                    self.unsaved
                        .changed(SessionNews::Moved, self.roll.get(slot), slot);
                } else if self.pool.has_room(*key_id) {
                    in_vain.insert(access_code.clone());
                } else {
                    break;
                }
            }
        }
    }
}

#[cfg(test)]
#[path = "ledger_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "ledger_model_tests.rs"]
mod model_tests;
