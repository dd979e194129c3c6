//! Decides what is worth a message, and what was told already. Pure: keys and time come in.

use std::collections::HashMap;

use crate::keyring::{Key, Keyring, ending};
use crate::licence::{DAY, KeyId, KeyNo, Timestamp};

use super::alert::Alert;

/// A licence that ends is told of when so many days are left.
const DAYS: [i64; 5] = [1, 3, 7, 14, 30];

/// What goes on being so is told again after this time, in milliseconds.
const AGAIN: i64 = 60 * 60 * 1000;

/// A series of which nobody was refused for so long, in milliseconds, had free seats meanwhile.
const FREE: i64 = 10 * 60 * 1000;

/// Objects of failures that are remembered.
const MOST: usize = 10_000;

/// What was told of a licence that ends: its end, and the step of [`DAYS`].
pub(super) type ToldDays = (Timestamp, i64);

/// What was told last.
#[derive(Default)]
pub(super) struct Watch {
    /// Keys that give seats, or did when they were last seen.
    enabled: HashMap<KeyNo, bool>,
    full: HashMap<KeyId, Full>,
    days: HashMap<KeyNo, ToldDays>,
    failures: HashMap<(String, String), Timestamp>,
}

struct Full {
    told: Timestamp,
    refused: Timestamp,
}

/// Something to tell, and what has to be remembered of it over a restart.
#[derive(Debug, PartialEq)]
pub(super) struct Told {
    pub(super) alert: Alert,
    pub(super) memory: Option<Memory>,
}

/// What is remembered over a restart.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Memory {
    /// This key was lost.
    Lost(KeyNo),
    /// It is back.
    Back(KeyNo),
    /// This was told of its end.
    Days(KeyNo, ToldDays),
}

impl Watch {
    /// Begins with the keys as they are; what was told before the restart is in `remembered`.
    pub(super) fn new(keyring: &Keyring, remembered: impl IntoIterator<Item = Memory>) -> Self {
        let mut watch = Self::default();
        let keys = seen(keyring).map(|key| (key.key_no, gives(key)));
        watch.enabled = keys.collect();
        for memory in remembered {
            match memory {
                Memory::Lost(key_no) => drop(watch.enabled.insert(key_no, false)),
                Memory::Back(_) => {}
                Memory::Days(key_no, told) => drop(watch.days.insert(key_no, told)),
            }
        }
        watch
    }

    /// What the keys as they are now are news of.
    pub(super) fn keys(&mut self, keyring: &Keyring, now: Timestamp) -> Vec<Told> {
        let mut told = Vec::new();
        let before = std::mem::take(&mut self.enabled);
        for key in seen(keyring) {
            let (number, gives) = (key.key_no, gives(key));
            match before.get(&number) {
                Some(true) if !gives => told.push(lost(key)),
                Some(false) if gives => told.push(back(key)),
                _ => {}
            }
            self.enabled.insert(number, gives);
        }
        for (number, gave) in before {
            if self.enabled.contains_key(&number) {
                continue;
            }
            if gave && let Some(key) = keyring.departed(number) {
                told.push(lost(key));
            }
            self.enabled.insert(number, false);
        }
        for one in ending(keyring, now) {
            let Some(step) = DAYS.into_iter().find(|step| one.days_left <= *step) else {
                continue;
            };
            let known = self.days.get(&one.key_no);
            if known.is_none_or(|(end, last)| *end != one.end || *last > step) {
                self.days.insert(one.key_no, (one.end, step));
                told.push(Told {
                    alert: Alert::ending(&one),
                    memory: Some(Memory::Days(one.key_no, (one.end, step))),
                });
            }
        }
        told
    }

    /// When time itself makes the keys news.
    pub(super) fn next_step(keyring: &Keyring, now: Timestamp) -> Option<Timestamp> {
        let ends = seen(keyring).filter(|key| gives(key));
        let ends = ends.filter_map(|key| key.licence.as_ref()?.expire_date());
        let steps = ends.flat_map(|end| DAYS.map(|days| end.plus(-days * DAY)));
        steps.filter(|step| *step > now).min()
    }

    /// Somebody got no seat of a series, for all are taken.
    pub(super) fn refused(&mut self, key_id: KeyId, client: &str, now: Timestamp) -> Option<Told> {
        let since = |time: Timestamp| (now.millis() - time.millis()).abs();
        if let Some(full) = self.full.get_mut(&key_id) {
            let still = since(full.refused) < FREE;
            full.refused = now;
            if still && since(full.told) < AGAIN {
                return None;
            }
        }
        let full = Full {
            told: now,
            refused: now,
        };
        self.full.insert(key_id, full);
        Some(Told {
            alert: Alert::full(key_id, client),
            memory: None,
        })
    }

    /// A job of the services failed.
    pub(super) fn failed(&mut self, event: &str, object: &str, detail: &str, now: Timestamp) -> Option<Told> {
        let recent = |told: &Timestamp| (now.millis() - told.millis()).abs() < AGAIN;
        let what = (event.to_owned(), object.to_owned());
        if self.failures.get(&what).is_some_and(recent) {
            return None;
        }
        if self.failures.len() >= MOST {
            self.failures.retain(|_, told| recent(told));
        }
        self.failures.insert(what, now);
        Some(Told {
            alert: Alert::failure(event, object, detail),
            memory: None,
        })
    }
}

/// Keys that can be told of: blank carriers give and take no seats.
fn seen(keyring: &Keyring) -> impl Iterator<Item = &Key> {
    keyring.by_number().map(|key| &**key).filter(|key| !key.blank)
}

fn gives(key: &Key) -> bool {
    key.verdict.cause.is_none()
}

fn lost(key: &Key) -> Told {
    Told {
        alert: Alert::lost(key),
        memory: Some(Memory::Lost(key.key_no)),
    }
}

fn back(key: &Key) -> Told {
    Told {
        alert: Alert::back(key),
        memory: Some(Memory::Back(key.key_no)),
    }
}
