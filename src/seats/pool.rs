//! The keys that seats come from: which key is used next, who sits on which, and which are missing under
//! their sessions.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use crate::clock::Millis;
use crate::licence::{KeyId, KeyNo, KeyType};

use super::absence::{Absence, Standing};
use super::figures::SeriesTotals;
use super::offer::{Offer, Reason, Refusal};
use super::roll::Slot;
use super::series::{Place, Series};

#[derive(Default)]
struct Key {
    /// What the key offers; `None` where it is gone.
    offer: Option<Offer>,
    /// Its place in its series, where it may give seats at all (spec, row 24).
    place: Option<Place>,
    /// The sessions with a seat on it.
    holders: Vec<Slot>,
    absence: Absence,
    /// As [`Pool::crowded`] knows it.
    deadline: Option<Millis>,
}

impl Key {
    fn is_enabled(&self) -> bool {
        matches!(&self.offer, Some(offer) if offer.enabled.is_ok())
    }

    /// Sessions that may sit on it.
    fn capacity(&self) -> usize {
        match &self.offer {
            Some(offer) if offer.enabled.is_ok() => offer.seats as usize,
            _ => 0,
        }
    }

    /// Sessions that sit on it without a right to: the key is missing, or has fewer seats than before.
    fn surplus(&self) -> usize {
        self.holders.len().saturating_sub(self.capacity())
    }

    fn standing(&self) -> Standing {
        if self.surplus() > 0 {
            Standing::Crowded
        } else if self.is_enabled() {
            Standing::Sound
        } else {
            Standing::Idle
        }
    }
}

/// All keys, by number and by series.
pub(super) struct Pool {
    grace: Millis,
    keys: HashMap<KeyNo, Key>,
    series: HashMap<KeyId, Series>,
    /// Keys with a surplus, by the end of their sessions' grace.
    crowded: BTreeSet<(Millis, KeyNo)>,
}

impl Pool {
    /// No keys. Sessions keep the seat of a missing key for `grace` milliseconds.
    pub(super) fn new(grace: Millis) -> Self {
        Self {
            grace,
            keys: HashMap::new(),
            series: HashMap::new(),
            crowded: BTreeSet::new(),
        }
    }

    /// Follows another grace from now on.
    pub(super) fn set_grace(&mut self, grace: Millis) {
        self.grace = grace;
        for (_, key_no) in std::mem::take(&mut self.crowded) {
            if let Some(key) = self.keys.get_mut(&key_no) {
                key.deadline = key.absence.deadline(grace);
                self.crowded
                    .extend(key.deadline.map(|deadline| (deadline, key_no)));
            }
        }
    }

    /// Replaces what is on offer.
    pub(super) fn set(&mut self, now: Millis, mut offers: Vec<Offer>) {
        for key in self.keys.values_mut() {
            key.offer = None;
            key.place = None;
        }
        self.series.clear();
        let with_main: HashSet<KeyId> = offers
            .iter()
            .filter(|offer| offer.key_type == KeyType::Main && offer.enabled.is_ok())
            .map(|offer| offer.key_id)
            .collect();
        offers.sort_by(Offer::cmp_use);
        for offer in offers {
            let usable = offer.enabled.is_ok()
                && (offer.key_type != KeyType::Additional || with_main.contains(&offer.key_id));
            let series = self.series.entry(offer.key_id).or_default();
            let place = series.enter(offer.key_no, usable.then_some(&offer.codes));
            let key = self.keys.entry(offer.key_no).or_default();
            key.place = usable.then_some(place);
            key.offer = Some(offer);
        }
        let numbers: Vec<KeyNo> = self.keys.keys().copied().collect();
        for key_no in numbers {
            self.settle(now, key_no);
            self.note_room(key_no);
        }
    }

    /// The key that a new session of the series sits on (spec, rows 24 and 40), if there is a free seat.
    pub(super) fn first_free(&self, key_id: KeyId, code: Option<&str>) -> Option<KeyNo> {
        self.series.get(&key_id)?.first_free(code)
    }

    /// The series has a free seat for somebody.
    pub(super) fn has_room(&self, key_id: KeyId) -> bool {
        self.series.get(&key_id).is_some_and(Series::has_room)
    }

    /// Why there is no free seat (spec, rows 25 and 40).
    pub(super) fn refusal(&self, key_id: KeyId, code: Option<&str>) -> Refusal {
        let (reason, text) = match self.series.get(&key_id) {
            None => (
                Reason::UnknownSeries,
                format!("there is no licence of series {key_id}"),
            ),
            Some(series) if series.is_usable_with(code) => (
                Reason::NoFreeSeat,
                format!("all licences of series {key_id} are in use"),
            ),
            Some(series) if series.is_usable() => (
                Reason::NoFreeSeat,
                format!("the licences of series {key_id} are reserved: present their AccessCode"),
            ),
            Some(series) => (Reason::NotWorkable, self.not_workable(key_id, series)),
        };
        Refusal { reason, text }
    }

    fn not_workable(&self, key_id: KeyId, series: &Series) -> String {
        let mut causes = series.keys().iter().filter_map(|key_no| {
            let cause = self.keys.get(key_no)?.offer.as_ref()?.enabled.as_ref().err()?;
            Some((key_no, cause))
        });
        let told: Vec<String> = causes
            .by_ref()
            .take(3)
            .map(|(key_no, cause)| format!("key {key_no}: {cause}"))
            .collect();
        let more = causes.count();
        match (told.is_empty(), more) {
            (true, _) => {
                format!("series {key_id} has additional licences only: they need an enabled main licence")
            }
            (false, 0) => format!("no licence of series {key_id} can be used: {}", told.join("; ")),
            (false, _) => format!(
                "no licence of series {key_id} can be used: {}; and {more} more",
                told.join("; ")
            ),
        }
    }

    /// Seats a session; the result is its place among the key's sessions.
    pub(super) fn sit(&mut self, now: Millis, key_no: KeyNo, slot: Slot) -> u32 {
        let key = self.keys.entry(key_no).or_default();
        key.holders.push(slot);
        let seat = u32::try_from(key.holders.len() - 1).expect("slots are counted in 32 bits");
        if key.holders.len() >= key.capacity() {
            self.note_room(key_no);
            self.settle(now, key_no);
        }
        seat
    }

    /// Frees a seat; the result is the session that moved into its place among the key's sessions.
    pub(super) fn leave(&mut self, now: Millis, key_no: KeyNo, seat: u32) -> Option<Slot> {
        let key = self.keys.get_mut(&key_no)?;
        key.holders.swap_remove(seat as usize);
        let moved = key.holders.get(seat as usize).copied();
        if key.holders.len() + 1 >= key.capacity() {
            self.note_room(key_no);
            self.settle(now, key_no);
        }
        moved
    }

    /// Keys with a surplus, those first whose sessions' grace ends first.
    pub(super) fn crowded(&self) -> Vec<KeyNo> {
        self.crowded.iter().map(|(_, key_no)| *key_no).collect()
    }

    /// How many sessions have to leave a key.
    pub(super) fn surplus(&self, key_no: KeyNo) -> usize {
        self.keys.get(&key_no).map_or(0, Key::surplus)
    }

    /// The session in this place among the key's sessions.
    pub(super) fn holder(&self, key_no: KeyNo, place: usize) -> Option<Slot> {
        self.keys.get(&key_no)?.holders.get(place).copied()
    }

    /// The session in the last place among the key's sessions.
    pub(super) fn last_holder(&self, key_no: KeyNo) -> Option<Slot> {
        self.keys.get(&key_no)?.holders.last().copied()
    }

    /// When the first grace ends, and which key's it is.
    pub(super) fn first_deadline(&self) -> Option<(Millis, KeyNo)> {
        self.crowded.first().copied()
    }

    /// Sessions on a key.
    pub(super) fn used(&self, key_no: KeyNo) -> usize {
        self.keys.get(&key_no).map_or(0, |key| key.holders.len())
    }

    /// Seats on offer and seats taken, over all keys.
    pub(super) fn totals(&self) -> (u64, u64) {
        self.keys.values().fold((0, 0), |(seats, used), key| {
            (seats + key.capacity() as u64, used + key.holders.len() as u64)
        })
    }

    /// The same for each series, in order. Of a missing key only its sessions know the series.
    pub(super) fn totals_by_series(&self, series_of: impl Fn(Slot) -> KeyId) -> Vec<SeriesTotals> {
        let mut series = BTreeMap::new();
        for key in self.keys.values() {
            let on_offer = key.offer.as_ref().map(|offer| offer.key_id);
            let Some(key_id) = on_offer.or_else(|| key.holders.first().map(|slot| series_of(*slot))) else {
                continue;
            };
            let totals = series.entry(key_id).or_insert(SeriesTotals {
                key_id,
                seats: 0,
                used: 0,
            });
            totals.seats += key.capacity() as u64;
            totals.used += key.holders.len() as u64;
        }
        series.into_values().collect()
    }

    /// Tells the series whether the key has a free seat.
    fn note_room(&mut self, key_no: KeyNo) {
        let Some(key) = self.keys.get(&key_no) else {
            return;
        };
        if let (Some(place), Some(offer)) = (key.place, &key.offer)
            && let Some(series) = self.series.get_mut(&offer.key_id)
        {
            series.set_room(place, &offer.codes, key.holders.len() < key.capacity());
        }
    }

    /// Begins, continues or ends the grace of the key's sessions.
    fn settle(&mut self, now: Millis, key_no: KeyNo) {
        let Some(key) = self.keys.get_mut(&key_no) else {
            return;
        };
        key.absence.note(now, key.standing(), self.grace);
        let deadline = key.absence.deadline(self.grace);
        if deadline != key.deadline {
            if let Some(before) = std::mem::replace(&mut key.deadline, deadline) {
                self.crowded.remove(&(before, key_no));
            }
            self.crowded.extend(deadline.map(|deadline| (deadline, key_no)));
        }
    }
}
