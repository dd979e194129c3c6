//! What fails for long, and how much waits for it, by name: told by whom it concerns, shown by health and metrics.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::licence::Timestamp;

/// What fails for less is no fault yet, in milliseconds.
const LONG: i64 = 15 * 60 * 1000;

/// What fails, since when, and why. Cheap to clone.
#[derive(Clone, Default)]
pub struct Faults(Arc<Mutex<Known>>);

#[derive(Default)]
struct Known {
    /// Names of all that may fail.
    names: Vec<String>,
    failing: BTreeMap<String, (Timestamp, String)>,
    /// Since when nothing can be kept for them, and why.
    unkept: Option<(Timestamp, String)>,
    /// How many messages wait, where any do.
    waiting: BTreeMap<String, u64>,
}

impl Faults {
    /// There are these, and no others.
    pub fn keep(&self, names: &[&str]) {
        let mut known = self.lock();
        known.names = names.iter().map(|name| (*name).to_owned()).collect();
        known.failing.retain(|name, _| names.contains(&name.as_str()));
    }

    /// This one fails, since then if it did not before, for this reason.
    pub fn set(&self, name: &str, since: Timestamp, why: &str) {
        let mut known = self.lock();
        let failing = known.failing.entry(name.to_owned());
        why.clone_into(&mut failing.or_insert((since, String::new())).1);
    }

    /// From `now` on what they are to be told cannot be kept, for this reason; none: it can.
    pub fn set_unkept(&self, now: Timestamp, why: Option<&str>) {
        let mut known = self.lock();
        let since = known.unkept.as_ref().map_or(now, |(since, _)| *since);
        known.unkept = why.map(|why| (since, why.to_owned()));
    }

    /// So many messages wait for each; none for those that are not named.
    pub fn set_waiting(&self, waiting: BTreeMap<String, u64>) {
        self.lock().waiting = waiting;
    }

    /// All names, with the number of messages that wait.
    pub fn waiting(&self) -> Vec<(String, u64)> {
        let known = self.lock();
        let number = |name: &String| known.waiting.get(name).copied().unwrap_or_default();
        known
            .names
            .iter()
            .map(|name| (name.clone(), number(name)))
            .collect()
    }

    /// This one does not fail any more; whether it did.
    pub fn clear(&self, name: &str) -> bool {
        self.lock().failing.remove(name).is_some()
    }

    /// `ok`, `off` where there is none, or what fails for long, and whether nothing can be kept, which is told at once.
    pub fn words(&self, now: Timestamp) -> String {
        let known = self.lock();
        if known.names.is_empty() {
            return "off".into();
        }
        let long = known.failing.iter();
        let long = long.filter(|(_, (since, _))| now.millis() - since.millis() >= LONG);
        let unkept = known.unkept.iter();
        let unkept = unkept.map(|(since, why)| format!("messages cannot be kept since {since}: {why}"));
        let long = long.map(|(name, (since, why))| format!("{name} is not reached since {since}: {why}"));
        let words: Vec<String> = unkept.chain(long).collect();
        if words.is_empty() {
            "ok".into()
        } else {
            words.join("; ")
        }
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
