//! What a process does next: the actions of a caller, and the standard processing (spec, services, section 5).

use std::collections::BTreeMap;

use crate::gateway::gateway::Shared;
use crate::gateway::outcome::Trouble;
use crate::gateway::state::Changes;

use super::POLL;
use super::client::{Client, Failure};
use super::dialogue::{Dialogue, Entry, Form, Session};
use super::process::{Action, Callback, Process, ProcessKind, RequestStatus, Stage};
use super::trouble::nonsense;
use super::walk::{self, Rest, Walk};

/// So often the service must know nothing of an application before that counts as not sent.
const DOUBTS: u32 = 2;

/// The longest time between two tries, in milliseconds.
const LONGEST_BACK_OFF: i64 = 3_600_000;

/// What is to be done with a process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Task {
    /// To go on, from wherever it is.
    GoOn,
    /// What a caller wants, with the data that were given.
    Do(Action, Option<BTreeMap<String, String>>),
}

/// Work on one process, which nobody else works on now.
pub(super) struct Work<'a> {
    pub(super) shared: &'a Shared,
    pub(super) client: &'a Client,
    pub(super) id: &'a str,
    pub(super) process: Process,
    /// A new application is wanted, whatever became of the last.
    wants_new: bool,
    /// The application is to be sent although its caller wanted to be asked.
    wants_send: bool,
    /// The subscriber's number has just been told.
    found: bool,
}

impl<'a> Work<'a> {
    pub(super) fn new(shared: &'a Shared, client: &'a Client, id: &'a str, process: Process) -> Self {
        Self {
            shared,
            client,
            id,
            process,
            wants_new: false,
            wants_send: false,
            found: false,
        }
    }

    /// Does a task as far as it goes, and keeps where that is. Trouble with the service is kept in the process.
    ///
    /// # Errors
    /// What could not be kept or read.
    pub(super) async fn perform(mut self, task: Task) -> Result<Process, Trouble> {
        let session = walk::session(self.shared, self.id).await;
        let session = session.map_err(|error| Trouble::not_saved(&error))?;
        let stage = self.process.stage;
        if let Task::Do(action, data) = &task {
            self.wants_new = *action == Action::New;
            self.wants_send = *action == Action::Send;
            if let Some(data) = data {
                self.process.draft = Some(data.clone());
            }
            match (action, stage) {
                (Action::Standard, Stage::Application) => self.process.on_create = Callback::Standard,
                (Action::Standard, _) => self.process.on_status = Callback::Standard,
                _ => {}
            }
        }
        // An interruption from here on is found by the job, which is due at once.
        self.process.trouble = None;
        self.process.next = Some(self.shared.now());
        self.keep(&session).await.map_err(|failure| failure.trouble)?;

        let form = match stage {
            Stage::Status => Some(Form::Status),
            Stage::Application => Some(Form::Application),
            _ => None,
        };
        let mut walk = match self.walk(session.clone(), form.clone()).await {
            Ok(walk) => walk,
            Err(failure) => {
                self.fail(failure);
                self.keep(&session).await.map_err(|failure| failure.trouble)?;
                return Ok(self.finished());
            }
        };
        if task == Task::Do(Action::Close, None) {
            self.end(&mut walk).await;
        } else if let Err(failure) = self.steps(&mut walk, form).await {
            self.fail(failure);
            walk.forget_unfinished();
        }
        let session = std::mem::take(&mut walk.dialogue.session);
        self.keep(&session).await.map_err(|failure| failure.trouble)?;
        Ok(self.finished())
    }

    fn finished(self) -> Process {
        self.shared.wake.notify_one();
        self.process
    }

    async fn walk(&self, session: Session, form: Option<Form>) -> Result<Walk<'a>, Failure> {
        let process = &self.process;
        let thumbprint = process.thumbprint();
        let thumbprint =
            thumbprint.ok_or_else(|| Failure::from(nonsense("its process has no certificate")))?;
        let facts = walk::facts(
            self.shared,
            Entry::Subscriber,
            thumbprint,
            &process.itn,
            &process.configuration,
            process.add_to.as_deref(),
        );
        Ok(Walk {
            shared: self.shared,
            client: self.client,
            facts: facts.await?,
            dialogue: Dialogue::resume(session, form),
            process: Some((self.id.to_owned(), process.clone())),
            beginning: false,
            fresh: false,
        })
    }

    /// Goes from form to form until there is nothing to be done.
    async fn steps(&mut self, walk: &mut Walk<'_>, form: Option<Form>) -> Result<(), Failure> {
        let asks = self.process.status == RequestStatus::Waiting || self.lacks_number();
        let mut rest = match form {
            Some(Form::Status) if asks => self.press(walk, "getApplicationStatus").await?,
            Some(form) if walk.dialogue.session.is_open() => Rest::At(form),
            _ => walk.begin().await?,
        };
        loop {
            self.process.learn(&walk.dialogue.session, &walk.dialogue.message);
            if matches!(rest, Rest::Over) {
                walk.dialogue.session = Session::default();
            }
            if self.is_in_doubt() {
                // The service may still be busy with it: it is asked again before anything is sent.
                walk.close().await;
                self.stay(Stage::Working);
                return Ok(());
            }
            if self.lacks_number() {
                return Err(Failure::nonsense("it took the application and told no number"));
            }
            rest = match rest {
                Rest::Over => {
                    if self.process.status == RequestStatus::Waiting {
                        self.stay(Stage::Status);
                    } else {
                        self.found = self.process.status == RequestStatus::Done;
                        self.over();
                    }
                    return Ok(());
                }
                Rest::At(Form::Cabinet(..)) => return Err(Failure::nonsense("it opened the cabinet")),
                Rest::At(Form::Application) => {
                    if self.process.on_create != Callback::Standard && !self.wants_send {
                        self.stay(Stage::Application);
                        return Ok(());
                    }
                    self.process.stage = Stage::Application;
                    match self.send(walk).await? {
                        Some(rest) => rest,
                        None => return Ok(()),
                    }
                }
                Rest::At(Form::Status) => match self.at_status(walk).await? {
                    Some(rest) => rest,
                    None => return Ok(()),
                },
            }
        }
    }

    /// Whether it is still unclear what became of an application that was sent; where it is clear, that is over.
    fn is_in_doubt(&mut self) -> bool {
        let Some(arrived) = self.process.arrived() else {
            return false;
        };
        if let Some(sending) = self.process.sending.as_mut().filter(|_| !arrived) {
            sending.doubts += 1;
            if sending.doubts < DOUBTS {
                return true;
            }
        }
        self.process.sending = None;
        self.process.trouble = None;
        self.wants_send &= !arrived;
        false
    }

    /// Whether a subscriber's number is missing that should be there.
    fn lacks_number(&self) -> bool {
        let process = &self.process;
        let done = process.status == RequestStatus::Done && process.kind == ProcessKind::SubscriberId;
        done && process.subscriber_id.is_empty()
    }

    /// At the form that shows the status: where it leads; none: it stays open, or everything is over.
    async fn at_status(&mut self, walk: &mut Walk<'_>) -> Result<Option<Rest>, Failure> {
        let standard = self.process.on_status == Callback::Standard;
        match self.process.status {
            RequestStatus::Done => {
                self.found = true;
                if standard {
                    self.end(walk).await;
                } else {
                    self.stay(Stage::Status);
                }
            }
            RequestStatus::Absent if standard || self.wants_new || self.wants_send => {
                return self.new_application(walk).await.map(Some);
            }
            RequestStatus::Rejected if self.wants_new || self.wants_send => {
                return self.new_application(walk).await.map(Some);
            }
            _ => self.stay(Stage::Status),
        }
        Ok(None)
    }

    async fn new_application(&mut self, walk: &mut Walk<'_>) -> Result<Rest, Failure> {
        let rest = self.press(walk, "newApplicationED").await?;
        self.wants_new &= !matches!(rest, Rest::At(Form::Application));
        Ok(rest)
    }

    /// Presses a button within the session; where the service has lost that, a new one leads to the form of the status.
    async fn press(&mut self, walk: &mut Walk<'_>, button: &str) -> Result<Rest, Failure> {
        if !walk.dialogue.session.is_open() {
            return walk.begin().await;
        }
        match walk.press(button).await {
            Err(failure) if failure.fault && !walk.fresh => walk.begin().await,
            pressed => pressed,
        }
    }

    /// Leaves a form open.
    fn stay(&mut self, stage: Stage) {
        self.process.stage = stage;
        self.process.failures = 0;
        let polls = match stage {
            Stage::Working => true,
            Stage::Status => {
                self.process.status == RequestStatus::Waiting && self.process.on_status == Callback::Standard
            }
            _ => false,
        };
        self.process.next = polls.then(|| self.later(0));
    }

    /// Tells the service that the process is over.
    async fn end(&mut self, walk: &mut Walk<'_>) {
        walk.close().await;
        self.over();
    }

    fn over(&mut self) {
        self.process.stage = Stage::Ended;
        self.process.failures = 0;
        self.process.next = None;
    }

    /// Keeps in mind what went wrong, and when it is tried again.
    fn fail(&mut self, failure: Failure) {
        let process = &mut self.process;
        process.trouble = Some(failure.trouble);
        if process.sending.is_some() || process.stage == Stage::Stopped {
            process.stage = Stage::Working;
        }
        let alone = match process.stage {
            Stage::Working | Stage::Stopped => true,
            Stage::Status => process.on_status == Callback::Standard,
            Stage::Application => process.on_create == Callback::Standard,
            Stage::Ended => false,
        };
        if failure.again && alone {
            process.failures = process.failures.saturating_add(1);
            self.process.next = Some(self.later(self.process.failures));
        } else {
            process.next = None;
            if process.stage == Stage::Working {
                process.stage = Stage::Stopped;
            }
        }
    }

    /// When to look again, after so many failures.
    fn later(&self, failures: u32) -> crate::licence::Timestamp {
        let poll = i64::try_from(self.shared.rules().taxcom.poll.as_millis()).unwrap_or(LONGEST_BACK_OFF);
        let factor = 1 << failures.saturating_sub(1).min(6);
        let most = LONGEST_BACK_OFF.max(poll);
        self.shared.now().plus(poll.saturating_mul(factor).min(most))
    }

    /// Keeps the process, its session and when it goes on; with the subscriber's number the organisation too.
    pub(super) async fn keep(&mut self, session: &Session) -> Result<(), Failure> {
        let failed = |error| Failure::not_saved(&error);
        let state = &self.shared.state;
        let mut changes = Changes::new();
        let put = walk::put(state, &mut changes, self.id, &self.process, session);
        put.await.map_err(failed)?;
        let mut changes = match self.process.next {
            Some(next) => changes.plan(POLL, self.id, next),
            None => changes.done(POLL, self.id),
        };
        let subscriber = &self.process.subscriber_id;
        if self.found && self.process.kind == ProcessKind::SubscriberId && !subscriber.is_empty() {
            let organization = self.shared.organization(&self.process.itn).map_err(failed)?;
            if let Some(mut organization) = organization {
                organization.subscriber_id = Some(subscriber.clone());
                changes = changes.update(&self.process.itn, &organization);
            }
        }
        state.commit(changes).map_err(failed)
    }
}
