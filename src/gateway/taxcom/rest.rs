//! Where work on a process ends for now: at a form, in doubt, with a failure, or for good; and how that is kept.

use crate::gateway::gateway::Shared;
use crate::gateway::outcome::Trouble;
use crate::gateway::state::Changes;
use crate::licence::Timestamp;

use super::POLL;
use super::client::Failure;
use super::permit;
use super::process::{Callback, Process, ProcessKind, RequestStatus, Sending, Stage};
use super::session::Session;
use super::trouble::nonsense;
use super::walk;
use super::work::Work;

/// The longest time between two tries, in milliseconds.
const LONGEST_BACK_OFF: i64 = 3_600_000;

impl Work<'_> {
    /// Leaves a form open.
    pub(super) fn stay(&mut self, stage: Stage) {
        self.process.stage = stage;
        self.process.failures = 0;
        let polls = stage == Stage::Status
            && self.process.status == RequestStatus::Waiting
            && self.process.on_status == Callback::Standard;
        self.process.next = polls.then(|| self.later(0));
    }

    /// Leaves it to a later look whether there is an application.
    pub(super) fn doubt(&mut self) {
        let (now, poll) = (self.shared.now(), poll(self.shared));
        self.process.trouble = Some(permit::doubt(&self.process, self.lost.as_ref()));
        if self.process.is_in_doubt() {
            self.process.stage = Stage::Working;
            self.process.failures = 0;
        } else {
            self.process.stage = Stage::Status;
            self.process.failures = self.process.failures.saturating_add(1);
        }
        let mut looks = self.process.failures;
        if let Some(sending) = &mut self.process.sending {
            // Looks that follow each other at once are one.
            if sending.looks == 0 || now >= sending.looked.plus(poll) {
                sending.looks = sending.looks.saturating_add(1);
                sending.looked = now;
            }
            looks = looks.max(sending.looks);
        }
        self.process.next = Some(self.later(looks));
    }

    /// The service says that there is nothing more to be done.
    pub(super) fn ended_by_the_service(&mut self) {
        match self.process.status {
            RequestStatus::Waiting => self.stay(Stage::Status),
            RequestStatus::Done => {
                self.found = true;
                self.over();
            }
            RequestStatus::Absent | RequestStatus::Rejected => {
                let status = self.process.status.word();
                self.process.trouble =
                    Some(nonsense(&format!("it ended the process; the status is {status}")));
                self.over();
            }
        }
    }

    /// Nothing is to be done any more.
    pub(super) fn over(&mut self) {
        self.process.stage = Stage::Ended;
        self.process.failures = 0;
        self.process.next = None;
    }

    /// Ends the process because its caller wants that; whether the service hears it does not matter.
    pub(super) async fn closed(mut self, session: Session) -> Result<Process, Trouble> {
        walk::close(self.shared, self.client, &session).await;
        self.process.trouble = None;
        self.over();
        let mut changes = Changes::new().put(self.id, &self.process);
        changes = self.with_sending(changes).done(POLL, self.id);
        let kept = self.shared.state.commit(changes);
        kept.map_err(|error| Trouble::not_saved(&error))?;
        Ok(self.finished())
    }

    /// Keeps in mind what went wrong, and when it is tried again.
    pub(super) fn fail(&mut self, failure: Failure) {
        let process = &mut self.process;
        let in_doubt = process.is_in_doubt();
        let Failure {
            mut trouble, again, ..
        } = failure;
        if in_doubt {
            let doubt = permit::doubt(process, None).info;
            let detail = trouble.detail;
            trouble = Trouble::new(
                trouble.code,
                trouble.message,
                format!("{}; {doubt}", trouble.info),
            );
            trouble.detail = detail;
        }
        process.trouble = Some(trouble);
        if in_doubt || process.stage == Stage::Stopped {
            process.stage = Stage::Working;
        }
        let alone = match process.stage {
            Stage::Working | Stage::Stopped => true,
            Stage::Status => process.on_status == Callback::Standard,
            Stage::Application => process.on_create == Callback::Standard,
            Stage::Ended => false,
        };
        if again && alone {
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
    fn later(&self, failures: u32) -> Timestamp {
        let poll = poll(self.shared);
        let factor = 1 << failures.saturating_sub(1).min(6);
        let most = LONGEST_BACK_OFF.max(poll);
        self.shared.now().plus(poll.saturating_mul(factor).min(most))
    }

    /// Keeps the process, its session and when it goes on; with the subscriber's number the organisation too.
    pub(super) async fn keep(&mut self, session: &Session) -> Result<(), Failure> {
        let failed = |error| Failure::not_saved(error);
        let state = &self.shared.state;
        let mut changes = Changes::new();
        let put = walk::put(state, &mut changes, self.id, &self.process, session);
        put.await.map_err(failed)?;
        let mut changes = self.with_sending(changes);
        changes = match self.process.next {
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

    /// What may have been sent for the certificate is kept beside the process, and longer.
    fn with_sending(&self, changes: Changes) -> Changes {
        let Process {
            certificate, sending, ..
        } = &self.process;
        match sending {
            Some(sending) => changes.put(certificate, sending),
            None => changes.remove::<Sending>(certificate),
        }
    }
}

/// Time between two looks at an application, in milliseconds.
fn poll(shared: &Shared) -> i64 {
    i64::try_from(shared.rules().taxcom.poll.as_millis()).unwrap_or(LONGEST_BACK_OFF)
}
