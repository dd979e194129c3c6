//! Keeps activations in order without being asked: repeats what was not answered, gives signs of life, renews, activates
//! again where the computer changed, fetches revocations.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

use crate::keyring::{Keyring, accept_list, read_vendor_keys};
use crate::licence::{Timestamp, VendorKeys};
use crate::store::{ActivationRow, ChangeWatch};

use super::activator::Activator;
use super::client::{Failure, List};
use super::order::{ActivationError, Order, Place};
use super::request::Action;
use super::requests::{opened, order_of};
use super::schedule::{Scene, Task, is_gone, next};
use super::trouble::wait_after;

/// Between looks at the clock, where nothing says that something happened.
const TICK: Duration = Duration::from_secs(2);

/// Milliseconds between two tries of what leaves no trace in the records.
const HOLD: i64 = 60_000;

/// The directory of the revocation lists, in the state directory.
const REVOCATIONS: &str = "revocations";

/// How things stand, in words, for whoever looks after the node.
pub(super) type Standing = Arc<Mutex<String>>;

/// Revocations: what is known of them, and when they are fetched.
#[derive(Default)]
struct Lists {
    /// Of the list that was taken last, by the vendor key that was named.
    tags: HashMap<Option<String>, String>,
    failures: u32,
    next: Option<Timestamp>,
    trouble: Option<String>,
}

impl Lists {
    fn tag(&self, kid: Option<&str>) -> Option<&str> {
        self.tags.get(&kid.map(str::to_owned)).map(String::as_str)
    }
}

/// The keeper's own state.
pub(super) struct ActivationKeeper {
    activator: Arc<Activator>,
    standing: Standing,
    wake: Arc<Notify>,
    watch: Option<ChangeWatch>,
    keyring: Arc<Keyring>,
    due: Option<Timestamp>,
    /// Codes about which nothing is done before a moment.
    held: HashMap<String, Timestamp>,
    /// What the centre has refused, by code, and how often.
    refused: HashMap<String, u32>,
    lists: Lists,
}

impl ActivationKeeper {
    pub(super) fn new(activator: Arc<Activator>, standing: Standing, wake: Arc<Notify>) -> Self {
        Self {
            watch: ChangeWatch::new(&activator.parts.database).ok(),
            keyring: activator.parts.host.keyring(),
            activator,
            standing,
            wake,
            due: Some(Timestamp::default()),
            held: HashMap::new(),
            refused: HashMap::new(),
            lists: Lists::default(),
        }
    }

    /// What has it look.
    pub(super) fn wake(&self) -> Arc<Notify> {
        self.wake.clone()
    }

    /// Runs until it is dropped.
    pub(super) async fn run(mut self) {
        loop {
            let woken = tokio::select! {
                () = self.wake.notified() => true,
                () = tokio::time::sleep(TICK) => false,
            };
            if woken || self.is_due() {
                self.look().await;
            }
        }
    }

    /// Whether anything may have to be done: its time has come, keys changed, or somebody wrote the state file.
    fn is_due(&mut self) -> bool {
        let keyring = self.activator.parts.host.keyring();
        let other_keys = !Arc::ptr_eq(&keyring, &self.keyring);
        let written = self.watch.as_mut().is_some_and(ChangeWatch::changed);
        other_keys || written || self.due.is_some_and(|due| due <= self.activator.now())
    }

    /// Does all that is due, and finds out when the next is.
    async fn look(&mut self) {
        self.keyring = self.activator.parts.host.keyring();
        if self.activator.rules().centre.is_none() {
            self.due = None;
            self.stand("off".into());
            return;
        }
        let now = self.activator.now();
        self.held.retain(|_, until| *until > now);
        let tasks = self.plan(&self.keyring).0;
        for (row, task) in &tasks {
            self.work(row, *task).await;
        }
        self.note_refusals();
        let lists = self.revocations().await;
        let keyring = self.activator.parts.host.keyring();
        let (rest, mut later) = self.plan(&keyring);
        let now = self.activator.now();
        for (row, task) in rest {
            // What was done and has left no trace would be done all the time.
            let again = tasks.contains(&(row.clone(), task));
            let moment = if again { now.plus(HOLD) } else { now };
            if again {
                self.held.insert(row.code.as_str().to_owned(), moment);
            }
            later = Some(later.map_or(moment, |later| later.min(moment)));
        }
        self.due = later.into_iter().chain(lists).min();
        self.tell(&keyring);
    }

    /// Says how things stand.
    fn tell(&self, keyring: &Keyring) {
        let words = match self.activator.list() {
            Ok(rows) => {
                // About a licence that is gone nothing is to be done any more.
                let troubles = rows
                    .iter()
                    .filter(|row| !is_gone(row, keyring))
                    .filter_map(|row| Some(format!("{:?}: {}", row.code, row.trouble.as_ref()?)));
                let all: Vec<String> = troubles.chain(self.lists.trouble.clone()).collect();
                if all.is_empty() {
                    "ok".into()
                } else {
                    all.join("; ")
                }
            }
            Err(error) => error.to_string(),
        };
        self.stand(words);
    }

    fn stand(&self, words: String) {
        *self.standing.lock().unwrap_or_else(PoisonError::into_inner) = words;
    }

    /// What is due now, and when the first of the rest is.
    fn plan(&self, keyring: &Keyring) -> (Vec<(ActivationRow, Task)>, Option<Timestamp>) {
        let rows = self.activator.list().unwrap_or_else(|error| {
            tracing::error!(%error, "activations cannot be read");
            Vec::new()
        });
        if rows.is_empty() {
            return (Vec::new(), None);
        }
        let (rules, computer) = (self.activator.rules(), || self.activator.fingerprint());
        let now = self.activator.now();
        let scene = Scene {
            keyring,
            computer: &computer,
            rules: &rules,
            now,
        };
        let (mut due, mut later) = (Vec::new(), None::<Timestamp>);
        for row in rows {
            let held = self.held.get(row.code.as_str());
            let planned = next(&row, &scene);
            match planned.map(|(moment, task)| (held.map_or(moment, |held| moment.max(*held)), task)) {
                Some((moment, task)) if moment <= now => due.push((row, task)),
                Some((moment, _)) => later = Some(later.map_or(moment, |later| later.min(moment))),
                None => {}
            }
        }
        (due, later)
    }

    async fn work(&self, row: &ActivationRow, task: Task) {
        let (activator, code) = (&self.activator, &row.code);
        let done = match task {
            Task::Repeat => self.repeat(row).await,
            Task::Renew => match row.key_no {
                Some(key_no) => activator
                    .renew(key_no)
                    .await
                    .map(|licence| licence.map(|_| "renewed")),
                None => Ok(None),
            },
            Task::Reactivate => {
                let order = Order {
                    code: code.clone(),
                    itn: row.itn.clone(),
                    iec: row.iec.clone(),
                    place: Place::Computer,
                    recovery: None,
                };
                tracing::info!(
                    ?code,
                    "the computer of a licence has changed: it is activated again"
                );
                activator
                    .activate(&order)
                    .await
                    .map(|_| Some("activated again, for the computer changed"))
            }
        };
        match done {
            Ok(None) => {}
            Ok(Some(what)) => {
                tracing::info!(?code, key_no = row.key_no, "licence is {what}");
                activator.parts.host.note(code, what);
            }
            Err(error) => {
                let what = if task == Task::Reactivate {
                    "a licence whose computer has changed could not be activated again"
                } else {
                    "a request to the activation centre has failed"
                };
                tracing::warn!(?code, key_no = row.key_no, %error, "{what}");
                if matches!(error, ActivationError::Refused(_)) {
                    activator.parts.host.note(code, &format!("refused: {error}"));
                }
            }
        }
    }

    /// Sends a request again.
    async fn repeat(&self, row: &ActivationRow) -> Result<Option<&'static str>, ActivationError> {
        let Some(pending) = &row.pending else {
            return Ok(None);
        };
        let activator = &self.activator;
        match (opened(pending)?.action, row.key_no) {
            (Action::Activate, _) => {
                let order = order_of(row, pending)?;
                activator.repeat(&order).await.map(|_| Some("activated"))
            }
            (Action::Renew, Some(key_no)) => activator
                .renew(key_no)
                .await
                .map(|licence| licence.map(|_| "renewed")),
            (Action::Return, Some(key_no)) => activator.give_back(key_no).await.map(|()| Some("returned")),
            (Action::Renew | Action::Return, None) => Ok(None),
        }
    }

    /// What is refused may have been revoked: the list that says so is fetched at once.
    fn note_refusals(&mut self) {
        let rows = self.activator.list().unwrap_or_default();
        let refused = rows
            .iter()
            .filter(|row| row.trouble.is_some() && row.pending.is_none())
            .map(|row| (row.code.as_str().to_owned(), row.failures));
        let refused: HashMap<_, _> = refused.collect();
        if refused
            .iter()
            .any(|(code, times)| self.refused.get(code) != Some(times))
        {
            self.lists.next = None;
        }
        self.refused = refused;
    }

    /// Fetches the revocation list where that is due; the result is when it is due again.
    async fn revocations(&mut self) -> Option<Timestamp> {
        let rules = self.activator.rules();
        let check = i64::try_from(rules.check.as_millis())
            .ok()
            .filter(|check| *check > 0)?;
        let now = self.activator.now();
        let held_up = self
            .lists
            .next
            .filter(|next| *next > now && *next <= now.plus(check.saturating_mul(2)));
        if held_up.is_some() {
            return held_up;
        }
        let fetched = self.fetch().await;
        let trouble = fetched.err();
        if let Some(why) = &trouble {
            if self.lists.failures == 0 {
                tracing::warn!(%why, "the revocation list cannot be fetched");
            }
            self.lists.failures += 1;
        } else {
            self.lists.failures = 0;
        }
        let wait = if trouble.is_none() {
            check
        } else {
            wait_after(self.lists.failures).min(check)
        };
        let said = trouble.map(|why| format!("revocations: {why}"));
        self.lists.trouble = said;
        self.lists.next = Some(self.activator.now().plus(wait));
        self.lists.next
    }

    async fn fetch(&mut self) -> Result<(), String> {
        let client = self.activator.client().map_err(|error| error.to_string())?;
        let vendors = read_vendor_keys(&self.activator.parts.vendor_dir);
        let current = client.revocations(None, self.lists.tag(None)).await;
        let reached = !matches!(current, Err(Failure::Unreachable { .. }));
        let mut taken = vec![self.take(None, current, &vendors)];
        // A list counts for the licences of the key that signed it: a centre whose key was changed has one for each key.
        let keys = vendors.names();
        if reached && (keys.len() > 1 || taken[0].is_err()) {
            for kid in keys {
                let list = client.revocations(Some(&kid), self.lists.tag(Some(&kid))).await;
                taken.push(self.take(Some(kid), list, &vendors));
            }
        }
        if taken.contains(&Ok(true)) {
            tracing::info!("a newer revocation list is here");
            let host = self.activator.parts.host.clone();
            let _ = tokio::task::spawn_blocking(move || host.look_again()).await;
        }
        taken.into_iter().find_map(Result::err).map_or(Ok(()), Err)
    }

    /// Takes a list that was fetched, of this vendor key where one was named; whether it is newer than what was here.
    fn take(
        &mut self,
        kid: Option<String>,
        fetched: Result<Option<List>, Failure>,
        vendors: &VendorKeys,
    ) -> Result<bool, String> {
        let list = fetched.map_err(|failure| match failure {
            Failure::Unreachable { why, .. } => format!("the centre cannot be reached: {why}"),
            Failure::Refused(refusal) => refusal.to_string(),
            Failure::Foreign(why) => format!("the answer is not accepted: {why}"),
        })?;
        let Some(list) = list else {
            return Ok(false);
        };
        let directory = self.activator.parts.state_dir.join(REVOCATIONS);
        let newer = accept_list(&directory, &list.text, vendors).map_err(|error| error.to_string())?;
        if let Some(tag) = list.etag {
            self.lists.tags.insert(kid, tag);
        }
        Ok(newer)
    }
}
