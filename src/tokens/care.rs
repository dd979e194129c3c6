//! The thread that looks after one token: opens it, looks whether it is there still, starts its process anew.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::board::Board;
use super::contents::Contents;
use super::job::{Job, Task, Waiting};
use super::lane::{Event, Lane};
use super::opening::{CRASHED, Caution, HUNG, Opener, Opening};
use super::process::Process;
use super::reader::Reader;
use super::refused::RefusedPins;
use super::token::{Token, TokenState};
use super::wire::Answer;
use super::{TokenError, TokenRules, Workers};

/// What is on a usable token is read anew this often: others may have changed it.
const REREAD: Duration = Duration::from_mins(1);

/// A process that is not needed any more has so long to end by itself.
const GOODBYE: Duration = Duration::from_millis(300);

/// What stops a thread that waits for a module.
#[derive(Default)]
pub(super) struct Stopping {
    asked: AtomicBool,
    process: Mutex<Option<Arc<Process>>>,
}

impl Stopping {
    /// The thread is to end.
    pub(super) fn ask(&self) {
        self.asked.store(true, Ordering::SeqCst);
    }

    /// Ends the process that the thread may wait for.
    pub(super) fn kill(&self) {
        let process = self.process().clone();
        if let Some(process) = process {
            process.kill();
        }
    }

    fn process(&self) -> MutexGuard<'_, Option<Arc<Process>>> {
        self.process.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What the thread is given.
pub(super) struct Means {
    pub(super) rules: TokenRules,
    pub(super) workers: Arc<Workers>,
    pub(super) board: Arc<Board>,
    pub(super) refused: Arc<RefusedPins>,
    pub(super) lane: Arc<Lane>,
    pub(super) stopping: Arc<Stopping>,
}

/// What the thread knows.
pub(super) struct Care {
    means: Means,
    events: Receiver<Event>,
    /// As it was published last.
    token: Token,
    caution: Caution,
    /// While it is usable.
    process: Option<Arc<Process>>,
    generation: u64,
    /// When the last process was started.
    started: Option<Instant>,
    checked: Instant,
    read: Instant,
}

impl Care {
    /// Puts the token up as one that was not seen yet.
    pub(super) fn new(means: Means, events: Receiver<Event>) -> Self {
        let rules = &means.rules;
        let token = Token {
            name: rules.name.clone(),
            module: rules.module.clone(),
            state: TokenState::Absent,
            label: rules.label.clone().unwrap_or_default(),
            serial: rules.serial.clone().unwrap_or_default(),
            manufacturer: String::new(),
            model: String::new(),
            slot: None,
            free_memory: None,
            keys: Vec::new(),
            certificates: Vec::new(),
            data: Vec::new(),
        };
        means.board.publish(token.clone());
        Self {
            means,
            events,
            token,
            caution: Caution::default(),
            process: None,
            generation: 0,
            started: None,
            checked: Instant::now(),
            read: Instant::now(),
        }
    }

    /// Looks after the token until told to stop.
    pub(super) fn run(mut self) {
        self.open();
        while !self.stopping() {
            let patience = self.next_look().saturating_duration_since(Instant::now());
            match self.events.recv_timeout(patience) {
                Ok(Event::Stop) | Err(RecvTimeoutError::Disconnected) => break,
                Ok(Event::Broken(generation, why)) => {
                    if self.process.is_some() && generation == self.generation {
                        self.broken(&why);
                    }
                }
                Ok(Event::Busy) | Err(RecvTimeoutError::Timeout) => {}
                Ok(Event::Look(done)) => {
                    self.look();
                    let _ = done.send(());
                }
                Ok(Event::Changed(told)) => {
                    self.reread();
                    told();
                }
            }
            self.attend();
        }
        self.means.lane.close("is not looked after any more".into());
        if let Some(process) = self.process.take() {
            process.dismiss();
            process.bury(GOODBYE);
        }
    }

    fn stopping(&self) -> bool {
        self.means.stopping.asked.load(Ordering::SeqCst)
    }

    /// When there is something to do even if nothing happens.
    fn next_look(&self) -> Instant {
        if self.process.is_none() {
            return self.renewable();
        }
        let check = self.checked + self.means.rules.probe.max(Duration::from_secs(1));
        let reread = self.read + REREAD;
        let next = check.min(reread);
        self.means
            .lane
            .deadline()
            .map_or(next, |deadline| deadline.min(next))
    }

    /// Does what is due.
    fn attend(&mut self) {
        if self.stopping() {
            return;
        }
        let now = Instant::now();
        if self.process.is_none() {
            if now >= self.renewable() {
                self.open();
            }
            return;
        }
        if self.means.lane.deadline().is_some_and(|deadline| now >= deadline) {
            self.broken(HUNG);
        } else if now >= self.read + REREAD {
            self.reread();
        } else if now >= self.checked + self.means.rules.probe.max(Duration::from_secs(1)) {
            self.check();
        }
    }

    /// When a process may be started again.
    fn renewable(&self) -> Instant {
        self.started
            .map_or_else(Instant::now, |started| started + self.means.rules.probe)
    }

    /// Looks at the token because somebody asked.
    fn look(&mut self) {
        let before = self.started;
        if self.process.is_some() {
            self.reread();
        }
        // A token that has just been found gone was looked for anew already.
        if self.process.is_none() && self.started == before {
            self.open();
        }
    }

    /// The process is good for nothing any more.
    fn broken(&mut self, why: &str) {
        tracing::warn!(
            token = self.means.rules.name,
            "{why}; its sessions are opened anew"
        );
        let name = self.means.rules.name.clone();
        let error = match why {
            HUNG => TokenError::Late(name),
            CRASHED => TokenError::Crashed(name),
            other => TokenError::Refused {
                name,
                code: other.to_owned(),
            },
        };
        self.put_away();
        self.means.lane.interrupt(&error);
        if Instant::now() >= self.renewable() {
            self.open();
        } else {
            self.become_state(TokenState::Faulty(why.to_owned()), None);
        }
    }

    fn put_away(&mut self) {
        *self.means.stopping.process() = None;
        self.generation = 0;
        if let Some(process) = self.process.take() {
            process.kill();
            process.bury(Duration::ZERO);
        }
    }

    /// Looks for the token in a fresh process.
    fn open(&mut self) {
        self.started = Some(Instant::now());
        let process = match Process::start(&self.means.workers.program, &self.means.rules) {
            Ok(process) => Arc::new(process),
            Err(error) => {
                let text = format!("no process can be started for its module: {error}");
                self.become_state(TokenState::Faulty(text), None);
                return;
            }
        };
        *self.means.stopping.process() = Some(process.clone());
        if self.stopping() {
            return;
        }
        let opener = Opener {
            rules: &self.means.rules,
            refused: &self.means.refused,
            caution: &mut self.caution,
            process: &process,
            tick: &|| self.means.lane.expire(),
        };
        let Opening { state, facts, open } = opener.open();
        if self.stopping() {
            return;
        }
        if let Some(facts) = facts {
            if facts.serial != self.token.serial {
                // Another token: what was on the one before is not on it.
                Contents::default().put_into(&mut self.token);
            }
            self.token.label = facts.label;
            self.token.serial = facts.serial;
            self.token.manufacturer = facts.manufacturer;
            self.token.model = facts.model;
            self.token.slot = Some(facts.slot);
            self.token.free_memory = facts.free_memory;
        }
        let Some(contents) = open else {
            *self.means.stopping.process() = None;
            process.dismiss();
            process.bury(if matches!(state, TokenState::Faulty(_)) {
                Duration::ZERO
            } else {
                GOODBYE
            });
            self.become_state(state, None);
            return;
        };
        self.process = Some(process.clone());
        self.checked = Instant::now();
        self.read = self.checked;
        // Published first: whoever finds the token usable finds it so.
        self.means.lane.hold();
        self.become_state(state, Some(contents));
        self.generation = self
            .means
            .lane
            .open(process.clone(), self.means.rules.sessions, self.renewable());
        let reader = Reader {
            process,
            lane: self.means.lane.clone(),
            generation: self.generation,
        };
        let named = thread::Builder::new().name(format!("answers {}", self.means.rules.name));
        if let Err(error) = named.spawn(move || reader.run()) {
            self.put_away();
            let text = format!("no thread can be started for its answers: {error}");
            self.become_state(TokenState::Faulty(text), None);
        }
    }

    fn become_state(&mut self, state: TokenState, contents: Option<Contents>) {
        if self.token.state != state {
            let (name, words) = (&self.means.rules.name, state.in_words());
            if state.detail().is_none() {
                tracing::info!(token = name, "it {words}");
            } else {
                tracing::warn!(token = name, "it {words}");
            }
        }
        let closed = (state != TokenState::Usable).then(|| state.in_words());
        self.token.state = state;
        if let Some(contents) = contents {
            contents.put_into(&mut self.token);
            self.means
                .lane
                .know(self.token.keys.iter().map(|key| key.id.clone()));
        }
        self.means.board.publish(self.token.clone());
        // Afterwards: whoever is told that the token cannot be used finds it so.
        if let Some(words) = closed {
            self.means.lane.close(words);
        }
    }

    /// Asks the process whether the token is there still.
    fn check(&mut self) {
        self.checked = Instant::now();
        if self.converse(Task::Check, |_, _| ()) {
            self.checked = Instant::now();
        }
    }

    /// Reads anew what is on the token.
    fn reread(&mut self) {
        if self.process.is_none() {
            return;
        }
        self.check();
        let mut contents = Contents::default();
        if self.process.is_some() && self.converse(Task::List, |answer, bytes| contents.add(answer, bytes)) {
            self.read = Instant::now();
            self.become_state(TokenState::Usable, Some(contents));
        }
    }

    /// Has the process do something for the node itself. False: it could not, and what follows from that was done.
    fn converse(&mut self, task: Task, mut told: impl FnMut(Answer, &[u8])) -> bool {
        let (sender, answers) = channel();
        self.means
            .lane
            .submit(Job::new(task, &self.token, Waiting::Keeper(sender)));
        let why = loop {
            if self.stopping() {
                return false;
            }
            let deadline = self.means.lane.deadline().unwrap_or_else(Instant::now);
            let patience = deadline.saturating_duration_since(Instant::now());
            match answers.recv_timeout(patience) {
                Ok((Answer::Done, _)) => return true,
                Ok((Answer::Failed(failure), _)) => break failure.text,
                Ok((answer, bytes)) => told(answer, &bytes),
                Err(RecvTimeoutError::Timeout) => match self.means.lane.deadline() {
                    Some(deadline) if Instant::now() < deadline => {}
                    Some(_) => break HUNG.to_owned(),
                    None => break CRASHED.to_owned(),
                },
                Err(RecvTimeoutError::Disconnected) => break CRASHED.to_owned(),
            }
        };
        // Whoever stops the node ends the process.
        if !self.stopping() {
            self.broken(&why);
        }
        false
    }
}
