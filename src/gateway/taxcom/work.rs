//! What a process does next: the actions of a caller, and the standard processing (spec, services, section 5).

use std::collections::BTreeMap;

use crate::gateway::gateway::Shared;
use crate::gateway::outcome::Trouble;

use super::client::{Client, Failure};
use super::dialogue::{Dialogue, Entry, Form};
use super::permit::{Verdict, verdict};
use super::process::{Action, Callback, Process, ProcessKind, RequestStatus, Stage};
use super::session::Session;
use super::trouble::nonsense;
use super::walk::{self, Rest, Walk};

/// The most forms of one go: the service cannot lead on for ever.
const MOST_FORMS: usize = 8;

/// What is to be done with a process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Task {
    /// To go on, from wherever it is.
    GoOn,
    /// What a caller wants, with the data that were given.
    Do(Action, Option<BTreeMap<String, String>>),
}

/// What somebody wants of an application.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wish {
    /// A new one, whose form may wait for the caller.
    New,
    /// To send it.
    Send,
}

/// Work on one process, which nobody else works on now.
pub(super) struct Work<'a> {
    pub(super) shared: &'a Shared,
    pub(super) client: &'a Client,
    pub(super) id: &'a str,
    pub(super) process: Process,
    /// What somebody wants of an application; one, whatever became of the last.
    pub(super) wish: Option<Wish>,
    /// Why an application may not have arrived that was just sent.
    pub(super) lost: Option<Trouble>,
    /// A new application was wanted of the service in this session.
    pressed: bool,
    /// The subscriber's number has just been told.
    pub(super) found: bool,
}

impl<'a> Work<'a> {
    pub(super) fn new(shared: &'a Shared, client: &'a Client, id: &'a str, process: Process) -> Self {
        Self {
            shared,
            client,
            id,
            process,
            wish: None,
            lost: None,
            pressed: false,
            found: false,
        }
    }

    /// Does a task as far as it goes, and keeps where that is. Trouble with the service is kept in the process.
    ///
    /// # Errors
    /// What could not be kept or read.
    pub(super) async fn perform(mut self, task: Task) -> Result<Process, Trouble> {
        let session = walk::session(self.shared, self.id).await;
        if task == Task::Do(Action::Close, None) {
            // Nobody needs a key to end it, be it the one that the session is sealed with.
            return self.closed(session.unwrap_or_default()).await;
        }
        let session = session?;
        let stage = self.process.stage;
        if let Task::Do(action, data) = &task {
            self.wish = match action {
                Action::New => Some(Wish::New),
                Action::Send => Some(Wish::Send),
                _ => None,
            };
            if let Some(data) = data {
                self.process.draft = Some(data.clone());
            }
            match (action, stage) {
                (Action::Standard, Stage::Application) => {
                    self.process.on_create = Callback::Standard;
                    self.wish = Some(Wish::Send);
                }
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
        if let Err(failure) = self.steps(&mut walk, form).await {
            let lost = !failure.again && failure.refused;
            self.fail(failure);
            walk.forget(lost);
        }
        let session = std::mem::take(&mut walk.dialogue.session);
        self.keep(&session).await.map_err(|failure| failure.trouble)?;
        Ok(self.finished())
    }

    pub(super) fn finished(self) -> Process {
        self.shared.wake.notify_one();
        self.process
    }

    async fn walk(&mut self, session: Session, form: Option<Form>) -> Result<Walk<'a>, Failure> {
        let process = &mut self.process;
        let thumbprint = process.thumbprint();
        let thumbprint =
            thumbprint.ok_or_else(|| Failure::from(nonsense("its process has no certificate")))?;
        let facts = walk::facts(
            self.shared,
            Entry::Subscriber,
            thumbprint,
            (&process.itn, &process.der),
            &process.configuration,
            process.add_to.as_deref(),
        );
        let facts = facts.await?;
        process.der.clone_from(&facts.certificate);
        Ok(Walk {
            shared: self.shared,
            client: self.client,
            facts,
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
        for _ in 0..MOST_FORMS {
            self.learn(walk);
            let verdict = verdict(&self.process, self.wish.is_some(), self.shared.now());
            let mine = self.process.on_status == Callback::Standard;
            if verdict == Verdict::Doubt && (mine || self.process.is_in_doubt()) {
                walk.close().await;
                self.doubt();
                return Ok(());
            }
            if self.lacks_number() {
                return Err(Failure::nonsense("it took the application and told no number"));
            }
            let next = match rest {
                Rest::Over => {
                    walk.dialogue.session = Session::default();
                    self.ended_by_the_service();
                    None
                }
                Rest::At(Form::Cabinet(..)) => return Err(Failure::nonsense("it opened the cabinet")),
                Rest::At(Form::Application) => self.at_application(walk, verdict).await?,
                Rest::At(Form::Status) => self.at_status(walk, verdict).await?,
            };
            match next {
                Some(next) => rest = next,
                None => return Ok(()),
            }
        }
        Err(Failure::nonsense("it leads from form to form without end"))
    }

    /// Takes over what the service has told.
    pub(super) fn learn(&mut self, walk: &Walk<'_>) {
        let now = self.shared.now();
        let Walk { dialogue, facts, .. } = walk;
        let clean = |text: &str| dialogue.told(text, facts);
        self.process
            .learn(&dialogue.session, &dialogue.message, now, clean);
    }

    /// Whether a subscriber's number is missing that should be there.
    fn lacks_number(&self) -> bool {
        let process = &self.process;
        let done = process.status == RequestStatus::Done && process.kind == ProcessKind::SubscriberId;
        done && process.subscriber_id.is_empty()
    }

    /// At the form of the application: where it leads; none: it stays open, or there is nothing to send.
    async fn at_application(
        &mut self,
        walk: &mut Walk<'_>,
        verdict: Verdict,
    ) -> Result<Option<Rest>, Failure> {
        let led = self.process.on_create != Callback::Standard && self.wish != Some(Wish::Send);
        let open = matches!(
            self.process.status,
            RequestStatus::Absent | RequestStatus::Rejected
        );
        if led && open {
            self.stay(Stage::Application);
            return Ok(None);
        }
        if verdict == Verdict::Send {
            self.process.stage = Stage::Application;
            return self.send(walk).await;
        }
        // It opened the form although there is an application.
        walk.close().await;
        self.at_status(walk, verdict).await
    }

    /// At the form that shows the status: where it leads; none: it stays open, or everything is over.
    async fn at_status(&mut self, walk: &mut Walk<'_>, verdict: Verdict) -> Result<Option<Rest>, Failure> {
        let standard = self.process.on_status == Callback::Standard;
        if self.process.status == RequestStatus::Done {
            self.found = true;
            if standard {
                walk.close().await;
                self.over();
                return Ok(None);
            }
        }
        if verdict == Verdict::Send && (standard || self.wish.is_some()) {
            return self.new_application(walk).await.map(Some);
        }
        self.stay(Stage::Status);
        Ok(None)
    }

    /// Wants the form of a new application, once in a session: who shows another form then would do so for ever.
    async fn new_application(&mut self, walk: &mut Walk<'_>) -> Result<Rest, Failure> {
        if self.pressed {
            return Err(Failure::nonsense("it opens no form of an application"));
        }
        let fresh = walk.fresh;
        let rest = self.press(walk, "newApplicationED").await?;
        self.pressed = walk.fresh == fresh;
        Ok(rest)
    }

    /// Presses a button within the session; where the service has lost that, whatever it says then, a new one leads to the
    /// form of the status.
    async fn press(&mut self, walk: &mut Walk<'_>, button: &str) -> Result<Rest, Failure> {
        if !walk.dialogue.session.is_open() {
            return walk.begin().await;
        }
        match walk.press(button).await {
            Err(failure) if failure.refused && !walk.fresh => walk.begin().await,
            pressed => pressed,
        }
    }
}
