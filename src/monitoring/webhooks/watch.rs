//! Decides what is worth a message, and what was told already. Pure: keys and time come in.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use crate::keyring::{Key, Keyring, ending};
use crate::licence::{DAY, KeyId, KeyNo, Timestamp};

use super::alert::Alert;

/// A licence that ends is told of when so many days are left.
const DAYS: [i64; 5] = [1, 3, 7, 14, 30];

/// A licence of which more days are left is far from its end.
const FAR: i64 = 60;

/// What goes on being so is told again after this time, in milliseconds.
const AGAIN: i64 = 60 * 60 * 1000;

/// A series of which nobody was refused for so long, in milliseconds, had free seats meanwhile.
const FREE: i64 = 10 * 60 * 1000;

/// Objects of failures that are remembered.
const MOST: usize = 10_000;

/// What was told of a licence that ends: its end, and the step of [`DAYS`]; one higher than all: nothing holds any more.
pub(super) type ToldDays = (Timestamp, i64);

/// What was told last.
#[derive(Default)]
pub(super) struct Watch {
    /// Keys that gave seats when they were last looked at, be it before the restart.
    gave: HashMap<KeyNo, Gave>,
    /// Keys that were told of as lost and are not back.
    lost: HashSet<KeyNo>,
    full: HashMap<KeyId, Full>,
    days: HashMap<KeyNo, ToldDays>,
    failures: HashMap<(String, String), Timestamp>,
}

/// A key that gave seats.
struct Gave {
    /// The key; none while it was not seen to give any since the start.
    key: Option<Arc<Key>>,
    /// What would be told of it, were it gone without a trace.
    alert: Alert,
}

struct Full {
    told: Timestamp,
    refused: Timestamp,
}

/// Something to tell, and what has to be remembered over a restart.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Told {
    pub(super) alert: Option<Alert>,
    pub(super) memory: Option<Memory>,
}

/// What is remembered over a restart.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Memory {
    /// This key gives seats; what is told should it not come back.
    Gives(KeyNo, Alert),
    /// This key was lost.
    Lost(KeyNo),
    /// This was told of its end.
    Days(KeyNo, ToldDays),
}

impl Watch {
    /// Begins with what was remembered before the restart.
    pub(super) fn new(remembered: impl IntoIterator<Item = Memory>) -> Self {
        let mut watch = Self::default();
        for memory in remembered {
            match memory {
                Memory::Gives(key_no, alert) => {
                    watch.gave.insert(key_no, Gave { key: None, alert });
                }
                Memory::Lost(key_no) => drop(watch.lost.insert(key_no)),
                Memory::Days(key_no, told) => drop(watch.days.insert(key_no, told)),
            }
        }
        watch
    }

    /// Forgets which keys gave seats: what becomes of them while nobody is to be told is no news.
    pub(super) fn forget_keys(&mut self) {
        self.gave.clear();
        self.lost.clear();
    }

    /// Some key gave seats before the restart and was not seen to give any since.
    pub(super) fn awaits_keys(&self) -> bool {
        self.gave.values().any(|gave| gave.key.is_none())
    }

    /// What the keys as they are now are news of. Until the node has `settled`, keys from before its start may still come.
    pub(super) fn keys(&mut self, keyring: &Keyring, settled: bool) -> Vec<Told> {
        let mut told = Vec::new();
        let mut before = std::mem::take(&mut self.gave);
        for key in seen(keyring).filter(|key| gives(key)) {
            let known = before.remove(&key.key_no);
            let back = self.lost.remove(&key.key_no).then(|| Alert::back(key));
            let same = |gave: &Gave| gave.key.as_ref().is_some_and(|known| Arc::ptr_eq(known, key));
            if back.is_none() && known.as_ref().is_some_and(same) {
                self.gave.extend(known.map(|gave| (key.key_no, gave)));
                continue;
            }
            let alert = Alert::vanished(key);
            if back.is_some() || known.is_none_or(|gave| gave.alert != alert) {
                told.push(Told {
                    alert: back,
                    memory: Some(Memory::Gives(key.key_no, alert.clone())),
                });
            }
            let gave = Gave {
                key: Some(key.clone()),
                alert,
            };
            self.gave.insert(key.key_no, gave);
        }
        for (key_no, gave) in before {
            if gave.key.is_none() && !settled {
                self.gave.insert(key_no, gave);
                continue;
            }
            let left = keyring.find(key_no).filter(|key| !key.blank);
            let left = left.or_else(|| keyring.departed(key_no));
            self.lost.insert(key_no);
            told.push(Told {
                alert: Some(left.map_or(gave.alert, |key| Alert::lost(key))),
                memory: Some(Memory::Lost(key_no)),
            });
        }
        told
    }

    /// Which licences end soon, each of [`DAYS`] once.
    pub(super) fn days(&mut self, keyring: &Keyring, now: Timestamp) -> Vec<Told> {
        let mut told = self.take_back_days(now);
        for one in ending(keyring, now) {
            let Some(step) = DAYS.into_iter().find(|step| one.days_left <= *step) else {
                continue;
            };
            let known = self.days.get(&one.key_no);
            if known.is_none_or(|(end, last)| *end != one.end || *last > step) {
                self.days.insert(one.key_no, (one.end, step));
                told.push(Told {
                    alert: Some(Alert::ending(&one)),
                    memory: Some(Memory::Days(one.key_no, (one.end, step))),
                });
            }
        }
        told
    }

    /// What a clock told that ran ahead holds no more once it is right: the steps in between are told again. Where it went back
    /// a little, they are not.
    fn take_back_days(&mut self, now: Timestamp) -> Vec<Told> {
        let mut told = Vec::new();
        for (key_no, (end, last)) in &mut self.days {
            let left = (end.millis() - now.millis() + DAY - 1).div_euclid(DAY);
            let step = DAYS.into_iter().find(|step| left <= *step).unwrap_or(i64::MAX);
            let next = DAYS.into_iter().find(|step| *last < *step).unwrap_or(FAR);
            if left > next && step > *last {
                *last = step;
                told.push(Told {
                    alert: None,
                    memory: Some(Memory::Days(*key_no, (*end, step))),
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
            alert: Some(Alert::full(key_id, client)),
            ..Told::default()
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
            alert: Some(Alert::failure(event, object, detail)),
            ..Told::default()
        })
    }
}

/// Keys that can be told of: blank carriers give and take no seats.
fn seen(keyring: &Keyring) -> impl Iterator<Item = &Arc<Key>> {
    keyring.by_number().filter(|key| !key.blank)
}

fn gives(key: &Key) -> bool {
    key.verdict.cause.is_none()
}

#[cfg(test)]
#[path = "watch_tests.rs"]
mod tests;
