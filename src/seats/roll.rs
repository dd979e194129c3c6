//! The roll of sessions: each found by its identifier, by its identity, by the order of creation and by the
//! time at which something happens to it. No search walks over all of them.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

use crate::clock::Millis;
use crate::licence::{KeyId, Timestamp};
use crate::store::{Id, Session};

use super::index::Index;

/// Place of a session in the roll. It is used again after the session has left.
pub(super) type Slot = u32;

struct Entry {
    session: Arc<Session>,
    /// When to look at the session again: its life runs out, or its listing ends.
    due: Millis,
    /// Its place among the sessions of its key.
    seat: u32,
    /// Renewed since it was last written.
    stale: bool,
    /// Renewed since it was entered.
    renewed: bool,
}

/// All sessions: those that hold a seat, and those that are only listed for a while.
#[derive(Default)]
pub(super) struct Roll {
    entries: Vec<Option<Entry>>,
    vacant: Vec<Slot>,
    hasher: RandomState,
    by_id: Index,
    /// Sessions with a seat only.
    by_identity: Index,
    by_creation: BTreeMap<(Timestamp, Id), Slot>,
    by_due: BTreeSet<(Millis, Slot)>,
}

impl Roll {
    /// Makes room for so many more sessions at once.
    pub(super) fn reserve(&mut self, more: usize) {
        self.entries.reserve(more);
        self.by_id.reserve(more);
        self.by_identity.reserve(more);
    }

    /// Enters a session that holds a seat.
    pub(super) fn insert(&mut self, session: Arc<Session>) -> Slot {
        let slot = self.vacant.pop().unwrap_or_else(|| {
            self.entries.push(None);
            Slot::try_from(self.entries.len() - 1)
                .expect("memory ends before four thousand million sessions do")
        });
        self.by_id.insert(id_hash(session.id), slot);
        self.by_identity.insert(self.hash_of(&session), slot);
        self.by_creation.insert((session.created, session.id), slot);
        self.by_due.insert((session.expires, slot));
        self.entries[slot as usize] = Some(Entry {
            due: session.expires,
            seat: 0,
            stale: false,
            renewed: false,
            session,
        });
        slot
    }

    /// Takes a session off the roll.
    pub(super) fn remove(&mut self, slot: Slot) -> Arc<Session> {
        let session = self.get(slot).clone();
        if !session.ended {
            self.by_identity.remove(self.hash_of(&session), slot);
        }
        self.by_id.remove(id_hash(session.id), slot);
        self.by_creation.remove(&(session.created, session.id));
        self.by_due.remove(&(self.entry(slot).due, slot));
        self.entries[slot as usize] = None;
        self.vacant.push(slot);
        session
    }

    /// Marks a session that gave its seat back; it is listed until `due`.
    pub(super) fn end(&mut self, slot: Slot, expires: Millis, due: Millis) {
        let hash = self.hash_of(self.get(slot));
        self.by_identity.remove(hash, slot);
        self.change(slot, |session| {
            session.ended = true;
            session.expires = expires;
        });
        self.set_due(slot, due);
    }

    /// Gives a session a new end of life.
    pub(super) fn renew(&mut self, slot: Slot, expires: Millis) {
        self.change(slot, |session| session.expires = expires);
        self.set_due(slot, expires);
        self.entry_mut(slot).renewed = true;
    }

    /// Whether it was ever renewed.
    pub(super) fn is_renewed(&self, slot: Slot) -> bool {
        self.entry(slot).renewed
    }

    /// Changes a session in place; readers that hold it keep what they saw.
    pub(super) fn change(&mut self, slot: Slot, change: impl FnOnce(&mut Session)) {
        change(Arc::make_mut(&mut self.entry_mut(slot).session));
    }

    /// Notes that a renewal is not on disk yet; false where that was noted already.
    pub(super) fn mark_stale(&mut self, slot: Slot) -> bool {
        !std::mem::replace(&mut self.entry_mut(slot).stale, true)
    }

    /// The session is as on disk.
    pub(super) fn clear_stale(&mut self, slot: Slot) {
        if let Some(Some(entry)) = self.entries.get_mut(slot as usize) {
            entry.stale = false;
        }
    }

    /// The session in this place.
    pub(super) fn get(&self, slot: Slot) -> &Arc<Session> {
        &self.entry(slot).session
    }

    /// The session in this place, if it is still the one of this row and holds a seat.
    pub(super) fn live(&self, slot: Slot, seq: u64) -> Option<&Arc<Session>> {
        let entry = self.entries.get(slot as usize)?.as_ref()?;
        (entry.session.seq == seq && !entry.session.ended).then_some(&entry.session)
    }

    /// Its place among the sessions of its key.
    pub(super) fn seat(&self, slot: Slot) -> u32 {
        self.entry(slot).seat
    }

    /// Notes its place among the sessions of its key.
    pub(super) fn set_seat(&mut self, slot: Slot, seat: u32) {
        self.entry_mut(slot).seat = seat;
    }

    /// The session of this identifier.
    pub(super) fn find(&self, id: Id) -> Option<Slot> {
        self.by_id.find(id_hash(id), |slot| self.get(slot).id == id)
    }

    /// The session with a seat that has this identity.
    pub(super) fn find_identity(&self, key_id: KeyId, client_session_id: &str) -> Option<Slot> {
        self.by_identity
            .find(self.identity_hash(key_id, client_session_id), |slot| {
                let fields = &self.get(slot).fields;
                fields.key_id == key_id && *fields.client_session_id == *client_session_id
            })
    }

    /// The first thing that is due, and when.
    pub(super) fn first_due(&self) -> Option<(Millis, Slot)> {
        self.by_due.first().copied()
    }

    /// Up to `limit` sessions after the one given, in the order of creation, then identifier.
    pub(super) fn page(&self, after: Option<(Timestamp, Id)>, limit: usize) -> Vec<Arc<Session>> {
        use std::ops::Bound::{Excluded, Unbounded};
        let from = after.map_or(Unbounded, Excluded);
        self.by_creation
            .range((from, Unbounded))
            .take(limit)
            .map(|(_, &slot)| self.get(slot).clone())
            .collect()
    }

    /// Sessions that hold a seat.
    pub(super) fn live_count(&self) -> usize {
        self.by_identity.len()
    }

    fn set_due(&mut self, slot: Slot, due: Millis) {
        let before = std::mem::replace(&mut self.entry_mut(slot).due, due);
        self.by_due.remove(&(before, slot));
        self.by_due.insert((due, slot));
    }

    fn hash_of(&self, session: &Session) -> u32 {
        self.identity_hash(session.fields.key_id, &session.fields.client_session_id)
    }

    /// Clients choose these names: the hash is one that they cannot make collide.
    #[expect(clippy::cast_possible_truncation, reason = "every part of a hash is a hash")]
    fn identity_hash(&self, key_id: KeyId, client_session_id: &str) -> u32 {
        self.hasher.hash_one((key_id, client_session_id)) as u32
    }

    fn entry(&self, slot: Slot) -> &Entry {
        self.entries[slot as usize]
            .as_ref()
            .expect("indices hold only slots in use")
    }

    fn entry_mut(&mut self, slot: Slot) -> &mut Entry {
        self.entries[slot as usize]
            .as_mut()
            .expect("indices hold only slots in use")
    }
}

/// Identifiers are random already; their four words together have no fixed bits.
fn id_hash(id: Id) -> u32 {
    let (words, _) = id.0.as_chunks();
    words
        .iter()
        .fold(0, |hash, word| hash ^ u32::from_le_bytes(*word))
}
