//! The operations that a token's process has, and when they are late.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use super::job::Job;

/// The process has so many operations for each of its sessions: one goes on, the next is there when it ends. A session
/// would wait for the node's threads otherwise, which on a busy machine takes as long as a signature.
const AHEAD: usize = 2;

/// What the process has.
pub(super) struct Given {
    timeout: Duration,
    /// Most operations that it has at once.
    room: usize,
    jobs: HashMap<u64, Job>,
    /// When it said something last.
    heard: Instant,
}

impl Given {
    /// Nothing yet; an operation has `timeout` times its own patience.
    pub(super) fn new(timeout: Duration) -> Self {
        Self {
            timeout,
            room: AHEAD,
            jobs: HashMap::new(),
            heard: Instant::now(),
        }
    }

    /// The process has so many sessions.
    pub(super) fn set_sessions(&mut self, sessions: usize) {
        self.room = AHEAD * sessions;
    }

    pub(super) fn has_room(&self) -> bool {
        self.jobs.len() < self.room
    }

    pub(super) fn is_empty(&self) -> bool {
        self.jobs.is_empty()
    }

    /// The process was given this.
    pub(super) fn add(&mut self, id: u64, mut job: Job) {
        job.given = Instant::now();
        self.jobs.insert(id, job);
    }

    /// The process said something of this operation.
    pub(super) fn answered(&mut self, id: u64) -> Option<Job> {
        let now = Instant::now();
        self.heard = now;
        let job = self.jobs.remove(&id)?;
        if job.task.is_long() {
            // The others' time begins now: they may have waited for it.
            self.jobs.values_mut().for_each(|other| other.given = now);
        }
        Some(job)
    }

    /// Takes all out; true with those that are late.
    pub(super) fn take_all(&mut self) -> Vec<(Job, bool)> {
        let now = Instant::now();
        let long = self.long();
        let all: Vec<_> = self.jobs.drain().map(|(_, job)| job).collect();
        let due = |job: &Job| self.due(job).max(long.unwrap_or(now));
        all.into_iter()
            .map(|job| {
                let late = now >= due(&job);
                (job, late)
            })
            .collect()
    }

    /// Takes those of the token's own thread out.
    pub(super) fn take_keepers(&mut self) -> impl Iterator<Item = Job> {
        self.jobs
            .extract_if(|_, job| job.is_of_keeper())
            .map(|(_, job)| job)
    }

    /// So long an operation may take.
    pub(super) fn patience(&self, job: &Job) -> Duration {
        self.timeout * job.task.patience()
    }

    /// When an operation is late: after its time without a word of the process, for a token that does one thing at a time may
    /// have others to do first; and in any case after the time that all of those may take.
    fn due(&self, job: &Job) -> Instant {
        let patience = self.patience(job);
        let others = u32::try_from(self.room).unwrap_or(u32::MAX);
        let silent = job.given.max(self.heard) + patience;
        silent.min(job.given + patience.saturating_mul(others))
    }

    /// When a long one that goes on is late: nothing else is before, for the token may do nothing else meanwhile.
    fn long(&self) -> Option<Instant> {
        let long = self.jobs.values().filter(|job| job.task.is_long());
        long.map(|job| self.due(job)).max()
    }

    /// When the process is late with the first of them.
    pub(super) fn deadline(&self) -> Option<Instant> {
        let first = self.jobs.values().map(|job| self.due(job)).min();
        first.max(first.and(self.long()))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::super::job::{Task, Waiting};
    use super::super::operation::{NewKey, Operation};
    use super::super::token::KeyKind;
    use super::*;

    const TIMEOUT: Duration = Duration::from_secs(10);

    fn job(task: Task) -> Job {
        Job {
            task,
            length: None,
            asked: Instant::now(),
            given: Instant::now(),
            again: false,
            waiting: Waiting::Keeper(channel().0),
        }
    }

    fn making_a_key() -> Job {
        job(Task::Operation(Operation::CreateKey {
            id: vec![1],
            label: String::new(),
            key: NewKey::Generated(KeyKind::Rsa(2048)),
        }))
    }

    /// How long from now until the first is late.
    fn left(given: &Given) -> Duration {
        given
            .deadline()
            .unwrap()
            .saturating_duration_since(Instant::now())
    }

    #[test]
    fn an_operation_has_its_time() {
        let mut given = Given::new(TIMEOUT);
        assert_eq!(given.deadline(), None);
        given.add(1, job(Task::Check));
        assert!(left(&given) <= TIMEOUT && given.has_room());
        given.add(2, job(Task::Check));
        assert!(left(&given) <= TIMEOUT && !given.has_room());
    }

    #[test]
    fn nothing_is_late_before_a_key_that_is_being_made_is() {
        let mut given = Given::new(TIMEOUT);
        given.add(1, making_a_key());
        given.add(2, job(Task::Check));
        assert!(left(&given) > TIMEOUT * 11);
        // The check was given long ago when the key is made at last.
        for job in given.jobs.values_mut() {
            job.given = Instant::now().checked_sub(TIMEOUT * 5).unwrap();
        }
        assert!(given.answered(1).is_some());
        assert!(left(&given) > TIMEOUT / 2 && left(&given) <= TIMEOUT);
    }
}
