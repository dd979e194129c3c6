//! The desk: the one task that owns ledger and connections. It takes the requests that have queued, applies
//! them, commits them in one transaction, and only then answers (group commit).

use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use crate::clock::{Millis, Moment, SharedClock};
use crate::events::{Feed, Topic};
use crate::store::{AuditEntry, Batch, LedgerTime, SeatStore, StoreError};

use super::connections::Connections;
use super::figures::{DeskHealth, DeskMeasures};
use super::journal::Journal;
use super::ledger::Ledger;
use super::offer::Offer;
use super::work::{Desk, DeskError, Rules};

/// Requests that share one commit at most.
const BATCH: usize = 64;

/// Renewals are on disk after this time at the latest.
const RENEWAL_LAG: Millis = 5_000;

/// The ledger's time is on disk after this time at the latest, while there are sessions.
const TIME_LAG: Millis = 60_000;

/// How often a store that failed is tried again by itself.
const RETRY: Millis = 1_000;

/// The desk wakes no more often than this for lives that run out.
const TICK: Millis = 20;

/// Sends an answer once it is known whether the commit succeeded.
type Answer = Box<dyn FnOnce(bool) + Send>;
type Job = Box<dyn FnOnce(&mut Desk, Moment, Millis) -> Answer + Send>;

enum Message {
    Job(Job),
    Rules(Rules),
    Wake,
    Stop,
}

/// The way to the desk for everybody else.
#[derive(Clone)]
pub struct DeskHandle {
    sender: Sender<Message>,
    health: Arc<Mutex<DeskHealth>>,
    measures: Arc<DeskMeasures>,
    clock: SharedClock,
    /// The ledger's time when the clock was at 0.
    origin: Millis,
}

impl DeskHandle {
    /// Restores the ledger from the store and starts its task. The thread ends after [`DeskHandle::stop`].
    ///
    /// # Errors
    /// [`StoreError`] where what was saved cannot be read.
    pub fn start(
        mut store: Box<dyn SeatStore>,
        clock: SharedClock,
        rules: Rules,
        offers: Vec<Offer>,
        feed: Feed,
    ) -> Result<(Self, JoinHandle<()>), StoreError> {
        let restored = store.load()?;
        let (mut ledger, time) = Ledger::restore(rules.ledger, restored);
        ledger.offer(time, offers);
        ledger.usage.advance(clock.now().wall);
        // The clock may have run for longer than the ledger has: then this is below zero, and wraps.
        let origin = time.wrapping_sub(clock.now().mono);
        let (sender, receiver) = channel();
        let health = Arc::<Mutex<DeskHealth>>::default();
        let measures = Arc::<DeskMeasures>::default();
        let desk = Desk {
            ledger,
            connections: Connections::new(rules.connection_life),
            journal: Journal::default(),
        };
        let task = Task {
            desk,
            store,
            receiver,
            clock: clock.clone(),
            origin,
            health: health.clone(),
            measures: measures.clone(),
            saved_at: time,
            failed_at: None,
            feed,
        };
        let thread = std::thread::Builder::new()
            .name("seats".into())
            .spawn(move || task.run());
        let thread = thread.expect("a process that cannot start a thread cannot serve");
        Ok((
            Self {
                sender,
                health,
                measures,
                clock,
                origin,
            },
            thread,
        ))
    }

    /// Runs a job at the desk and waits for its result; the result is given out only once what the job did
    /// is durable. The job gets both clocks and the ledger's time. It is under way when this returns.
    ///
    /// # Errors
    /// [`DeskError::NotSaved`] where the commit failed and the job relied on it; [`DeskError::Stopped`].
    pub fn ask<T, J>(&self, job: J) -> impl Future<Output = Result<T, DeskError>> + Send + use<T, J>
    where
        T: Send + 'static,
        J: FnOnce(&mut Desk, Moment, Millis) -> T + Send + 'static,
    {
        let (answer, result) = oneshot::channel();
        let job: Job = Box::new(move |desk, now, time| {
            let value = job(desk, now, time);
            Box::new(move |saved| {
                // A client that has gone away does not wait for its answer.
                let _ = answer.send(if saved {
                    Ok(value)
                } else {
                    Err(DeskError::NotSaved)
                });
            })
        });
        // What cannot be sent is dropped, and its answer with it.
        self.submit(job);
        async { result.await.map_err(|_| DeskError::Stopped)? }
    }

    /// Tells the ledger about the keys as they are now; `publish`, which must not wait for the desk, shows them to
    /// readers. Who has read of them finds the ledger following them; no seat is given by them before they can be read.
    pub fn offer(&self, offers: Vec<Offer>, publish: impl FnOnce()) {
        let gate = Arc::new(Mutex::new(()));
        let published = gate.clone();
        let closed = gate.lock();
        let job: Job = Box::new(move |desk, _, time| {
            drop(published.lock());
            desk.ledger.offer(time, offers);
            Box::new(|_| ())
        });
        self.submit(job);
        publish();
        drop(closed);
    }

    /// Adds an entry to the audit log; it is on disk a few seconds later.
    pub fn note(&self, entry: AuditEntry) {
        let job: Job = Box::new(move |desk, _, _| {
            desk.journal.note(entry);
            Box::new(|_| ())
        });
        self.submit(job);
    }

    /// Adds an entry to the audit log, which is on disk once the future is done: for what may not happen without it. It is under
    /// way when this returns.
    ///
    /// # Errors
    /// As [`DeskHandle::ask`]; then there is no such entry.
    pub fn record(&self, entry: AuditEntry) -> impl Future<Output = Result<(), DeskError>> + Send + use<> {
        self.ask(|desk, _, _| desk.journal.record(entry))
    }

    /// Follows other settings from now on.
    pub fn set_rules(&self, rules: Rules) {
        let _ = self.sender.send(Message::Rules(rules));
    }

    /// Makes the desk look at its clock: for clocks that tests move.
    pub fn wake(&self) {
        let _ = self.sender.send(Message::Wake);
    }

    /// Saves what is left to save and ends the task.
    pub fn stop(&self) {
        let _ = self.sender.send(Message::Stop);
    }

    fn submit(&self, job: Job) {
        self.measures.given.count();
        let _ = self.sender.send(Message::Job(job));
    }

    /// What it counts.
    pub fn measures(&self) -> &DeskMeasures {
        &self.measures
    }

    /// Whether the store works.
    pub fn health(&self) -> DeskHealth {
        self.health.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The ledger's time at a moment of the clock: what `expires` is compared with.
    pub fn time(&self, now: Moment) -> Millis {
        self.origin.wrapping_add(now.mono)
    }

    /// The clock that the desk goes by.
    pub fn clock(&self) -> &SharedClock {
        &self.clock
    }
}

struct Task {
    desk: Desk,
    store: Box<dyn SeatStore>,
    receiver: Receiver<Message>,
    clock: SharedClock,
    origin: Millis,
    health: Arc<Mutex<DeskHealth>>,
    measures: Arc<DeskMeasures>,
    saved_at: Millis,
    failed_at: Option<Millis>,
    feed: Feed,
}

impl Task {
    fn run(mut self) {
        if self.desk.ledger.live() > 0 {
            // From now on a crash may lose renewals: the mark of an orderly stop must go.
            self.commit(false);
        }
        loop {
            let mut jobs = Vec::new();
            let mut stop = false;
            let mut next = match self.wait() {
                Ok(message) => Some(message),
                Err(RecvTimeoutError::Timeout) => None,
                Err(RecvTimeoutError::Disconnected) => return,
            };
            // Whoever shares this core gets to queue the rest of its requests: each one then costs less.
            std::thread::yield_now();
            while let Some(message) = next {
                match message {
                    Message::Job(job) => jobs.push(job),
                    Message::Rules(rules) => {
                        self.desk.ledger.set_rules(rules.ledger);
                        self.desk.connections.set_life(rules.connection_life);
                    }
                    Message::Wake => {}
                    Message::Stop => stop = true,
                }
                next = if jobs.len() < BATCH {
                    self.receiver.try_recv().ok()
                } else {
                    None
                };
            }
            self.serve(jobs);
            if stop {
                self.desk.ledger.usage.close();
                self.commit(true);
                self.tell();
                return;
            }
        }
    }

    /// Waits for a message, or until time does something by itself.
    fn wait(&self) -> Result<Message, RecvTimeoutError> {
        match self.pause() {
            Some(pause) => self.receiver.recv_timeout(pause),
            None => self.receiver.recv().map_err(|_| RecvTimeoutError::Disconnected),
        }
    }

    /// How long there is nothing to do without a message; never so short that the desk would spin.
    fn pause(&self) -> Option<Duration> {
        let history = self.desk.history_due(self.clock.now(), self.time());
        let due = [self.desk.next_deadline(), self.save_due(), history]
            .into_iter()
            .flatten()
            .min()?;
        Some(Duration::from_millis(due.saturating_sub(self.time()).max(TICK)))
    }

    /// When to write though nobody waits for it.
    fn save_due(&self) -> Option<Millis> {
        let ledger = &self.desk.ledger;
        let waits = ledger.has_renewed() || !self.desk.journal.is_empty();
        let lag = if waits { RENEWAL_LAG } else { TIME_LAG };
        if let Some(failed_at) = self.failed_at {
            return Some(failed_at + RETRY);
        }
        let wanted = waits || ledger.live() > 0 || !ledger.usage.over().is_empty();
        wanted.then_some(self.saved_at + lag)
    }

    fn serve(&mut self, jobs: Vec<Job>) {
        self.measures.taken.add(jobs.len() as u64);
        let now = self.clock.now();
        let time = self.origin.wrapping_add(now.mono);
        self.desk.advance(now.wall, time);
        let mut answers: Vec<(Answer, bool)> = Vec::with_capacity(jobs.len());
        for job in jobs {
            let answer = job(&mut self.desk, now, time);
            let relies = self.desk.ledger.take_reliance() | self.desk.journal.take_reliance();
            self.desk.journal.close(relies);
            answers.push((answer, relies));
        }
        let must_commit = answers.iter().any(|(_, relies)| *relies)
            || (self.failed_at.is_none() && self.desk.ledger.has_unsaved())
            || self.save_due().is_some_and(|due| due <= time);
        let saved = !must_commit || self.commit(false);
        for (answer, relies) in answers {
            answer(saved || !relies);
        }
        self.tell();
    }

    /// Tells what has happened, as far as it cannot be taken back any more.
    fn tell(&mut self) {
        let Desk {
            ledger,
            connections,
            journal,
        } = &mut self.desk;
        let (news, touched) = ledger.take_news();
        if !news.is_empty() {
            self.feed.tell_all(self.clock.now().wall, news);
        }
        if touched {
            self.feed.touch(Topic::Sessions);
        }
        if connections.take_changed() {
            self.feed.touch(Topic::Connections);
        }
        journal.news().tell(&self.feed, &self.clock);
    }

    fn commit(&mut self, clean: bool) -> bool {
        let time = self.time();
        let writes = self.desk.ledger.writes();
        let start = Instant::now();
        let result = self.store.commit(Batch {
            writes: &writes,
            audit: self.desk.journal.entries(),
            usage: self.desk.ledger.usage.over(),
            time: LedgerTime { time, clean },
        });
        self.measures.commits.since(start);
        let mut health = self.health.lock().unwrap_or_else(PoisonError::into_inner);
        match result {
            Ok(()) => {
                if health.store_error.take().is_some() {
                    tracing::info!("the state can be saved again");
                    self.feed.touch(Topic::Health);
                }
                self.desk.ledger.saved();
                self.desk.journal.saved();
                self.saved_at = time;
                self.failed_at = None;
                true
            }
            Err(error) => {
                self.measures.failed_commits.count();
                let text = error.to_string();
                if health.store_error.as_ref() != Some(&text) {
                    tracing::error!(
                        error = text,
                        "the state cannot be saved: no new seats until it can"
                    );
                    self.feed.touch(Topic::Health);
                }
                health.store_error = Some(text);
                self.desk.ledger.not_saved(time);
                self.desk.journal.not_saved();
                self.failed_at = Some(time);
                false
            }
        }
    }

    fn time(&self) -> Millis {
        self.origin.wrapping_add(self.clock.now().mono)
    }
}

#[cfg(test)]
#[path = "desk_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "desk_news_tests.rs"]
mod news_tests;
