//! A token that is looked after: its thread started and stopped.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::board::Board;
use super::care::{Care, Means, Stopping};
use super::lane::{Event, Lane};
use super::refused::RefusedPins;
use super::{TokenRules, Workers};

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
        let means = Means {
            rules: rules.clone(),
            workers,
            board,
            refused,
            lane: lane.clone(),
            stopping: stopping.clone(),
        };
        let care = Care::new(means, inbox);
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
        self.stopping.ask();
        let _ = self.events.send(Event::Stop);
    }

    /// Waits until it has ended; its module's process may take so long for what it is doing.
    pub(super) fn join(mut self, patience: Duration) {
        let Some(thread) = self.thread.take() else { return };
        if self.ended.recv_timeout(patience) == Err(RecvTimeoutError::Timeout) {
            // It waits for a module, which ends with the module's process.
            self.stopping.kill();
        }
        if thread.join().is_err() {
            tracing::error!(token = self.rules.name, "its thread ended in a panic");
        }
    }
}
