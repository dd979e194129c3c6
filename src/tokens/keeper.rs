//! The thread that keeps one token: opens it, looks whether it is there still, starts its process anew.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::board::Board;
use super::contents::Contents;
use super::job::{Job, Task, Waiting};
use super::lane::{Event, Lane};
use super::opening::{CRASHED, Caution, HUNG, Opener, Opening};
use super::process::{Process, Received};
use super::refused::RefusedPins;
use super::token::{Token, TokenState};
use super::wire::{Answer, Inbox};
use super::{TokenError, TokenRules, Workers};

/// What is on a usable token is read anew this often: others may have changed it.
const REREAD: Duration = Duration::from_mins(1);

/// A process that is not needed any more has so long to end by itself.
const GOODBYE: Duration = Duration::from_millis(300);

/// A token with its thread.
pub(super) struct Keeper {
    pub(super) rules: TokenRules,
    pub(super) lane: Arc<Lane>,
    events: Sender<Event>,
    stopping: Arc<Stopping>,
    /// Ends with the thread.
    ended: Receiver<()>,
    thread: Option<JoinHandle<()>>,
}

/// What stops a thread that waits for a module.
#[derive(Default)]
struct Stopping {
    asked: AtomicBool,
    process: Mutex<Option<Arc<Process>>>,
}

impl Keeper {
    /// Starts to look after a token.
    pub(super) fn start(
        rules: TokenRules,
        workers: Arc<Workers>,
        board: Arc<Board>,
        refused: Arc<RefusedPins>,
    ) -> Self {
        let (events, inbox) = channel();
        let lane = Arc::new(Lane::new(&rules.name, rules.timeout, events.clone()));
        let stopping = Arc::new(Stopping::default());
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
        board.publish(token.clone());
        let care = Care {
            rules: rules.clone(),
            workers,
            board,
            refused,
            lane: lane.clone(),
            events: inbox,
            sender: events.clone(),
            stopping: stopping.clone(),
            token,
            caution: Caution::default(),
            process: None,
            generation: 0,
            started: None,
            checked: Instant::now(),
            read: Instant::now(),
        };
        let named = thread::Builder::new().name(format!("token {}", rules.name));
        let (alive, ended) = channel();
        let thread = match named.spawn(move || {
            let _alive = alive;
            care.run();
        }) {
            Ok(thread) => Some(thread),
            Err(error) => {
                tracing::error!(token = rules.name, "no thread can be started for it: {error}");
                None
            }
        };
        Self {
            rules,
            lane,
            events,
            stopping,
            ended,
            thread,
        }
    }

    /// Has the token looked at; what is given is dropped or answered when that is done.
    pub(super) fn look(&self, done: Sender<()>) {
        let _ = self.events.send(Event::Look(done));
    }

    /// Has the thread end.
    pub(super) fn dismiss(&self) {
        self.stopping.asked.store(true, Ordering::SeqCst);
        let _ = self.events.send(Event::Stop);
    }

    /// Waits until it has ended; its module's process may take so long for what it is doing.
    pub(super) fn join(mut self, patience: Duration) {
        let Some(thread) = self.thread.take() else { return };
        if self.ended.recv_timeout(patience) == Err(RecvTimeoutError::Timeout) {
            // It waits for a module, which ends with the module's process.
            let process = lock(&self.stopping.process).clone();
            if let Some(process) = process {
                process.kill();
            }
        }
        if thread.join().is_err() {
            tracing::error!(token = self.rules.name, "its thread ended in a panic");
        }
    }
}

/// What the thread knows.
struct Care {
    rules: TokenRules,
    workers: Arc<Workers>,
    board: Arc<Board>,
    refused: Arc<RefusedPins>,
    lane: Arc<Lane>,
    events: Receiver<Event>,
    sender: Sender<Event>,
    stopping: Arc<Stopping>,
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
    fn run(mut self) {
        self.open();
        while !self.stopping() {
            let event = match self.next_look() {
                None => self.events.recv().map_err(|_| RecvTimeoutError::Disconnected),
                Some(at) => self
                    .events
                    .recv_timeout(at.saturating_duration_since(Instant::now())),
            };
            match event {
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
        self.lane.close("not looked after any more".into());
        if let Some(process) = self.process.take() {
            process.dismiss();
            process.bury(GOODBYE);
        }
    }

    fn stopping(&self) -> bool {
        self.stopping.asked.load(Ordering::SeqCst)
    }

    /// When there is something to do even if nothing happens.
    fn next_look(&self) -> Option<Instant> {
        if self.process.is_none() {
            return Some(self.renewable());
        }
        let check = self.checked + self.rules.probe.max(Duration::from_secs(1));
        let reread = self.read + REREAD;
        let next = check.min(reread);
        Some(self.lane.deadline().map_or(next, |deadline| deadline.min(next)))
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
        if self.lane.deadline().is_some_and(|deadline| now >= deadline) {
            self.broken(HUNG);
        } else if now >= self.read + REREAD {
            self.reread();
        } else if now >= self.checked + self.rules.probe.max(Duration::from_secs(1)) {
            self.check();
        }
    }

    /// When a process may be started again.
    fn renewable(&self) -> Instant {
        self.started
            .map_or_else(Instant::now, |started| started + self.rules.probe)
    }

    /// Looks at the token because somebody asked.
    fn look(&mut self) {
        if self.process.is_some() {
            self.reread();
        }
        // A token that has just been found gone was looked at already.
        if self.process.is_none() {
            self.open();
        }
    }

    /// The process is good for nothing any more.
    fn broken(&mut self, why: &str) {
        tracing::warn!(token = self.rules.name, "{why}; its sessions are opened anew");
        let name = self.rules.name.clone();
        let error = match why {
            HUNG => TokenError::Late(name),
            CRASHED => TokenError::Crashed(name),
            other => TokenError::Refused {
                name,
                code: other.to_owned(),
            },
        };
        self.put_away();
        self.lane.interrupt(&error);
        if Instant::now() >= self.renewable() {
            self.open();
        } else {
            self.become_state(TokenState::Faulty(why.to_owned()), None);
        }
    }

    fn put_away(&mut self) {
        *lock(&self.stopping.process) = None;
        self.generation = 0;
        if let Some(process) = self.process.take() {
            process.kill();
            process.bury(Duration::ZERO);
        }
    }

    /// Looks for the token in a fresh process.
    fn open(&mut self) {
        self.started = Some(Instant::now());
        let process = match Process::start(&self.workers.program, &self.rules) {
            Ok(process) => Arc::new(process),
            Err(error) => {
                let text = format!("no process can be started for its module: {error}");
                self.become_state(TokenState::Faulty(text), None);
                return;
            }
        };
        *lock(&self.stopping.process) = Some(process.clone());
        if self.stopping() {
            return;
        }
        let opener = Opener {
            rules: &self.rules,
            refused: &self.refused,
            caution: &mut self.caution,
            process: &process,
            tick: &|| self.lane.expire(),
        };
        let Opening { state, facts, open } = opener.open();
        if self.stopping() {
            return;
        }
        if let Some(facts) = facts {
            self.token.label = facts.label;
            self.token.serial = facts.serial;
            self.token.manufacturer = facts.manufacturer;
            self.token.model = facts.model;
            self.token.slot = Some(facts.slot);
            self.token.free_memory = facts.free_memory;
        }
        let Some(contents) = open else {
            *lock(&self.stopping.process) = None;
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
        self.lane.hold();
        self.become_state(state, Some(contents));
        self.generation = self
            .lane
            .open(process.clone(), self.rules.sessions, self.renewable());
        let reader = Reader {
            process,
            lane: self.lane.clone(),
            generation: self.generation,
            events: self.sender.clone(),
        };
        let named = thread::Builder::new().name(format!("answers {}", self.rules.name));
        if let Err(error) = named.spawn(move || reader.run()) {
            self.put_away();
            let text = format!("no thread can be started for its answers: {error}");
            self.become_state(TokenState::Faulty(text), None);
        }
    }

    fn become_state(&mut self, state: TokenState, contents: Option<Contents>) {
        if self.token.state != state {
            let (name, word) = (&self.rules.name, state.name());
            match state.detail() {
                None => tracing::info!(token = name, "it is {word}"),
                Some(detail) => tracing::warn!(token = name, "it is {word}: {detail}"),
            }
        }
        if state != TokenState::Usable {
            let detail = state.detail().map(|detail| format!(": {detail}"));
            self.lane
                .close(format!("{}{}", state.name(), detail.unwrap_or_default()));
        }
        self.token.state = state;
        if let Some(contents) = contents {
            contents.put_into(&mut self.token);
            self.lane.know(self.token.keys.iter().map(|key| key.id.clone()));
        }
        self.board.publish(self.token.clone());
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
        self.lane
            .submit(Job::new(task, &self.token, Waiting::Keeper(sender)));
        let why = loop {
            if self.stopping() {
                return false;
            }
            let deadline = self.lane.deadline().unwrap_or_else(Instant::now);
            let patience = deadline.saturating_duration_since(Instant::now());
            match answers.recv_timeout(patience) {
                Ok((Answer::Done, _)) => return true,
                Ok((Answer::Failed(failure), _)) => break failure.text,
                Ok((answer, bytes)) => told(answer, &bytes),
                Err(RecvTimeoutError::Timeout) => match self.lane.deadline() {
                    Some(deadline) if Instant::now() < deadline => {}
                    Some(_) => break HUNG.to_owned(),
                    None => break CRASHED.to_owned(),
                },
                Err(RecvTimeoutError::Disconnected) => break CRASHED.to_owned(),
            }
        };
        self.broken(&why);
        false
    }
}

/// Takes the answers of one process.
struct Reader {
    process: Arc<Process>,
    lane: Arc<Lane>,
    generation: u64,
    events: Sender<Event>,
}

impl Reader {
    fn run(self) {
        let mut inbox = Inbox::new();
        loop {
            match self.process.receive(&mut inbox, None) {
                Received::Answer(id, answer, bytes) => {
                    self.lane.answered(self.generation, id, answer, bytes);
                }
                Received::Late => {}
                Received::Ended => {
                    let _ = self.events.send(Event::Broken(self.generation, CRASHED.into()));
                    return;
                }
            }
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
