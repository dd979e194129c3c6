//! 1C-Taxcom (spec, services, sections 4 and 5; seed 000).

mod cabinet;
mod callback;
mod client;
mod dialogue;
mod fields;
mod permit;
mod process;
mod registered;
mod registration;
mod rest;
mod sending;
mod session;
mod soap;
mod start;
mod trouble;
mod view;
mod walk;
mod work;
mod wsdl;
mod xml;

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

pub use cabinet::Cabinet;
pub use process::{Action, Callback, Process, ProcessKind, RequestStatus, Sending, Stage, Told};
pub use registration::{WrongField, check_registration};
pub use start::{Order, Started};

use client::Client;
use registered::Registered;
use work::{Task, Work};

use super::gateway::Shared;
use super::jobs::Next;
use super::outcome::{Detail, Trouble};
use super::state::Changes;

/// The job that asks how an application fares, and goes on with what was interrupted.
pub(super) const POLL: &str = "taxcom-poll";

/// Time until a job looks again after the node could not read or keep something, in milliseconds.
const HOLD: i64 = 60_000;

/// Why something is not done at all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// There is no such process.
    UnknownProcess,
    /// There is no such organisation.
    UnknownOrganization(String),
    /// The request makes no sense: why.
    Bad(String),
    /// Not now: why.
    Conflict(String),
    /// It did not work.
    Trouble(Trouble),
}

impl From<Trouble> for Refusal {
    fn from(trouble: Trouble) -> Self {
        Self::Trouble(trouble)
    }
}

/// Gets subscribers' numbers, registers certificates, opens the cabinet.
pub struct Taxcom {
    shared: Arc<Shared>,
    client: Client,
    /// One at a time works on a process.
    busy: Mutex<HashMap<String, Arc<tokio::sync::Mutex<()>>>>,
    registered: Registered,
}

impl Taxcom {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self {
            shared,
            client: Client::default(),
            busy: Mutex::default(),
            registered: Registered::default(),
        }
    }

    /// All processes with their IDs.
    ///
    /// # Errors
    /// [`Trouble`] of the state file.
    pub fn processes(&self) -> Result<Vec<(String, Process)>, Trouble> {
        let all = self.shared.state.all();
        all.map_err(|error| Trouble::not_saved(&error))
    }

    /// A process.
    ///
    /// # Errors
    /// [`Trouble`] of the state file.
    pub fn process(&self, id: &str) -> Result<Option<Process>, Trouble> {
        let found = self.shared.state.find(id);
        found.map_err(|error| Trouble::not_saved(&error))
    }

    /// Does what a caller wants of a process, with data where it sends an application.
    ///
    /// # Errors
    /// [`Refusal`], also where the action does not fit the state of the process.
    pub async fn act(
        &self,
        id: &str,
        action: Action,
        data: Option<BTreeMap<String, String>>,
    ) -> Result<Process, Refusal> {
        let turn = self.turn(id);
        let _turn = turn.lock().await;
        let process = self.process(id)?.ok_or(Refusal::UnknownProcess)?;
        if !action.is_allowed(&process) {
            return Err(Refusal::Conflict(format!(
                "{} does not fit now: the status is {}, the stage {}",
                action.word(),
                process.status.word(),
                process.stage.word()
            )));
        }
        if action != Action::Send && data.is_some() {
            let why = format!("{} takes no RequestData", action.word());
            return Err(Refusal::Bad(why));
        }
        Ok(self.work(id, process, Task::Do(action, data)).await?)
    }

    /// Has a process worked on; its turn is taken.
    async fn work(&self, id: &str, process: Process, task: Task) -> Result<Process, Trouble> {
        let before = (process.stage, process.status);
        let process = Work::new(&self.shared, &self.client, id, process)
            .perform(task)
            .await?;
        if (process.stage, process.status) != before {
            callback::tell(&self.shared, id, &process);
        }
        Ok(process)
    }

    /// Goes on with a process where that is due.
    pub(super) async fn poll_job(&self, id: &str) -> Next {
        let later = || Next::At(self.shared.now().plus(HOLD));
        if !self.shared.rules().taxcom.enabled {
            return later();
        }
        let turn = self.turn(id);
        let _turn = turn.lock().await;
        let process = match self.process(id) {
            Ok(Some(process)) => process,
            Ok(None) => return Next::Done,
            Err(trouble) => {
                tracing::error!(id, why = trouble.info, "a process of 1C-Taxcom cannot be read");
                return later();
            }
        };
        match process.next {
            None => return Next::Done,
            Some(next) if next > self.shared.now() || process.stage == Stage::Ended => return Next::Planned,
            Some(_) => {}
        }
        let before = process.clone();
        match self.work(id, process, Task::GoOn).await {
            Ok(process) => {
                self.note(id, &before, &process);
                Next::Planned
            }
            Err(trouble) => {
                tracing::error!(id, why = trouble.info, "a process of 1C-Taxcom cannot go on");
                later()
            }
        }
    }

    /// Keys have changed: what waited for one goes on now, where its key can be used.
    ///
    /// # Errors
    /// [`Trouble`] of the state file.
    pub(super) async fn keys_changed(&self) -> Result<(), Trouble> {
        for (id, process) in self.processes()? {
            if !waits_for_a_key(&process) {
                continue;
            }
            let turn = self.turn(&id);
            let _turn = turn.lock().await;
            let Some(mut process) = self.process(&id)?.filter(waits_for_a_key) else {
                continue;
            };
            let here = |thumbprint| self.shared.signer.check(thumbprint).is_ok();
            if process.thumbprint().is_some_and(here) {
                let now = self.shared.now();
                process.next = Some(now);
                let changes = Changes::new().update(&id, &process).plan(POLL, &id, now);
                self.shared.state.commit(changes)?;
                self.shared.wake.notify_one();
            }
        }
        Ok(())
    }

    /// Notes what a process has done by itself.
    fn note(&self, id: &str, before: &Process, now: &Process) {
        if (before.stage, before.status) != (now.stage, now.status) {
            let detail = format!("{}, {}", now.stage.word(), now.status.word());
            self.shared.host.note("taxcom", id, &detail);
        }
        if let Some(trouble) = now.trouble.as_ref().filter(|_| now.failures <= 1) {
            let detail = format!("{}: {}", trouble.code.word(), trouble.info);
            self.shared.host.note("taxcom-failure", id, &detail);
        }
    }

    /// The turn to work on a process.
    fn turn(&self, id: &str) -> Arc<tokio::sync::Mutex<()>> {
        let mut busy = self.busy.lock().unwrap_or_else(PoisonError::into_inner);
        busy.retain(|_, turn| Arc::strong_count(turn) > 1);
        busy.entry(id.to_owned()).or_default().clone()
    }
}

/// Whether it goes on by itself once its key is there. One whose PIN was refused does not.
fn waits_for_a_key(process: &Process) -> bool {
    let detail = process.trouble.as_ref().and_then(|trouble| trouble.detail);
    process.next.is_some() && matches!(detail, Some(Detail::KeyNotConnected | Detail::PinRequired))
}
