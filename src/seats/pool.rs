//! The keys that seats come from: which key is used next, who sits on which, and which are missing under
//! their sessions.

use std::collections::{BTreeSet, HashMap};

use crate::clock::Millis;
use crate::licence::{KeyId, KeyNo, KeyType};

use super::absence::Absence;
use super::offer::{Offer, Reason, Refusal};
use super::roll::Slot;

#[derive(Default)]
struct Key {
    /// What the key offers; `None` where it is gone.
    offer: Option<Offer>,
    /// The sessions with a seat on it.
    holders: Vec<Slot>,
    absence: Absence,
}

impl Key {
    /// Seats that it may give at all.
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
}

/// All keys, by number and by series.
#[derive(Default)]
pub(super) struct Pool {
    keys: HashMap<KeyNo, Key>,
    /// Keys on offer, in the order of their use.
    series: HashMap<KeyId, Vec<KeyNo>>,
    /// Keys with a surplus.
    crowded: BTreeSet<KeyNo>,
    has_codes: bool,
}

impl Pool {
    /// Replaces what is on offer.
    pub(super) fn set(&mut self, now: Millis, mut offers: Vec<Offer>, grace: Millis) {
        for key in self.keys.values_mut() {
            key.offer = None;
        }
        self.series.clear();
        self.has_codes = offers.iter().any(|offer| !offer.codes.is_empty());
        offers.sort_by(Offer::cmp_use);
        for offer in offers {
            self.series.entry(offer.key_id).or_default().push(offer.key_no);
            let key = self.keys.entry(offer.key_no).or_default();
            key.offer = Some(offer);
        }
        let numbers: Vec<KeyNo> = self.keys.keys().copied().collect();
        for key_no in numbers {
            self.settle(now, key_no, grace);
        }
    }

    /// The key that a new session of the series sits on (spec, rows 24, 25 and 40).
    pub(super) fn choose(&self, key_id: KeyId, code: Option<&str>) -> Result<KeyNo, Refusal> {
        let unknown = || Refusal {
            reason: Reason::UnknownSeries,
            text: format!("there is no licence of series {key_id}"),
        };
        let series = self
            .series
            .get(&key_id)
            .filter(|keys| !keys.is_empty())
            .ok_or_else(unknown)?;
        let offers = || {
            series
                .iter()
                .filter_map(|key_no| Some((&self.keys[key_no], self.keys[key_no].offer.as_ref()?)))
        };
        let main = offers().any(|(_, offer)| offer.key_type == KeyType::Main && offer.enabled.is_ok());
        let usable = |offer: &Offer| offer.enabled.is_ok() && (main || offer.key_type != KeyType::Additional);
        let reserved = |offer: &Offer| code.is_some_and(|code| offer.codes.iter().any(|own| own == code));
        let open = |offer: &Offer| offer.codes.is_empty();
        let free = |fits: &dyn Fn(&Offer) -> bool| {
            offers()
                .find(|(key, offer)| usable(offer) && fits(offer) && key.holders.len() < key.capacity())
                .map(|(_, offer)| offer.key_no)
        };
        if let Some(key_no) = free(&reserved).or_else(|| free(&open)) {
            return Ok(key_no);
        }
        Err(if offers().any(|(_, offer)| usable(offer)) {
            let barred = !offers().any(|(_, offer)| usable(offer) && (reserved(offer) || open(offer)));
            let text = if barred {
                format!("the licences of series {key_id} are reserved: present their AccessCode")
            } else {
                format!("all licences of series {key_id} are in use")
            };
            Refusal {
                reason: Reason::NoFreeSeat,
                text,
            }
        } else {
            let cause = offers().find_map(|(_, offer)| Some((offer.key_no, offer.enabled.as_ref().err()?)));
            let text = match cause {
                Some((key_no, cause)) => {
                    format!("no licence of series {key_id} can be used: key {key_no}: {cause}")
                }
                None => {
                    format!("series {key_id} has additional licences only: they need an enabled main licence")
                }
            };
            Refusal {
                reason: Reason::NotWorkable,
                text,
            }
        })
    }

    /// Seats a session; the result is its place among the key's sessions.
    pub(super) fn sit(&mut self, now: Millis, key_no: KeyNo, slot: Slot, grace: Millis) -> u32 {
        let key = self.keys.entry(key_no).or_default();
        key.holders.push(slot);
        let seat = u32::try_from(key.holders.len() - 1).expect("slots are counted in 32 bits");
        if key.surplus() > 0 {
            self.settle(now, key_no, grace);
        }
        seat
    }

    /// Frees a seat; the result is the session that moved into its place among the key's sessions.
    pub(super) fn leave(&mut self, now: Millis, key_no: KeyNo, seat: u32, grace: Millis) -> Option<Slot> {
        let key = self.keys.get_mut(&key_no)?;
        key.holders.swap_remove(seat as usize);
        let moved = key.holders.get(seat as usize).copied();
        if self.crowded.contains(&key_no) {
            self.settle(now, key_no, grace);
        }
        moved
    }

    /// Keys with a surplus, in the order of their number.
    pub(super) fn crowded(&self) -> Vec<KeyNo> {
        self.crowded.iter().copied().collect()
    }

    /// No key has a surplus.
    pub(super) fn is_settled(&self) -> bool {
        self.crowded.is_empty()
    }

    /// Some key is reserved to an access code.
    pub(super) fn has_codes(&self) -> bool {
        self.has_codes
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
    pub(super) fn first_deadline(&self, grace: Millis) -> Option<(Millis, KeyNo)> {
        self.crowded
            .iter()
            .filter_map(|key_no| Some((self.keys.get(key_no)?.absence.deadline(grace)?, *key_no)))
            .min()
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

    fn settle(&mut self, now: Millis, key_no: KeyNo, grace: Millis) {
        let Some(key) = self.keys.get_mut(&key_no) else {
            return;
        };
        let crowded = key.surplus() > 0;
        let missing = crowded || !matches!(&key.offer, Some(offer) if offer.enabled.is_ok());
        key.absence.note(now, missing, grace);
        if crowded {
            self.crowded.insert(key_no);
        } else {
            self.crowded.remove(&key_no);
        }
    }
}
