//! The way to the tokens for everybody else: snapshots, and what may be asked of them.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use tokio::sync::oneshot;

use super::board::Board;
use super::job::{Job, Outcome, Task, Waiting};
use super::keeper::Keeper;
use super::lane::Lane;
use super::refused::RefusedPins;
use super::{Operation, TokenError, Tokens};

/// What the node is told of one token by its settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenRules {
    /// NAME in the settings.
    pub name: String,
    /// The module.
    pub module: PathBuf,
    /// The token's label; none: any.
    pub label: Option<String>,
    /// The token's serial number; none: any.
    pub serial: Option<String>,
    /// File with the PIN.
    pub pin: Option<PathBuf>,
    /// Environment of the module's process.
    pub environment: BTreeMap<String, String>,
    /// Sessions kept open.
    pub sessions: usize,
    /// An operation that takes longer costs the module's process.
    pub timeout: Duration,
    /// Between looks for a token that is not usable.
    pub probe: Duration,
}

/// Where the modules' processes come from, and what outlives them.
#[derive(Clone, Debug)]
pub struct Workers {
    /// The program that is a module's process when its first argument is `token-worker`: keynode itself.
    pub program: PathBuf,
    /// Where it is kept which PINs were refused; none: nowhere.
    pub state_dir: Option<PathBuf>,
}

impl Workers {
    /// This program's own file, also after it was replaced by an upgrade.
    pub fn this_program(state_dir: Option<PathBuf>) -> Self {
        Self {
            program: "/proc/self/exe".into(),
            state_dir,
        }
    }
}

/// The way to the tokens for everybody else. Clones speak to the same tokens.
#[derive(Clone, Default)]
pub struct TokensHandle {
    all: Arc<All>,
}

/// All tokens that are looked after; they are left alone when the last handle goes.
#[derive(Default)]
struct All {
    board: Arc<Board>,
    keepers: Mutex<Vec<Keeper>>,
    lanes: ArcSwap<BTreeMap<String, Arc<Lane>>>,
    origin: Option<(Arc<Workers>, Arc<RefusedPins>)>,
}

/// Modules' processes have so long to end what they are doing when the node stops.
const GOODBYE: Duration = Duration::from_millis(400);

impl TokensHandle {
    /// Starts to look after these tokens; does not wait for them.
    pub fn start(rules: Vec<TokenRules>, workers: Workers) -> Self {
        let refused = RefusedPins::open(workers.state_dir.as_deref());
        let mut all = All::default();
        all.origin = Some((Arc::new(workers), Arc::new(refused)));
        let handle = Self { all: Arc::new(all) };
        handle.set_rules(rules);
        handle
    }

    /// The tokens as they were seen last.
    pub fn tokens(&self) -> Arc<Tokens> {
        self.all.board.tokens()
    }

    /// Has this called, on some thread, after each change of the snapshot; it must not block.
    pub fn on_change(&self, told: impl Fn() + Send + Sync + 'static) {
        self.all.board.on_change(Arc::new(told));
    }

    /// Looks at all tokens now; returns when that is published, or after the tokens' time-outs.
    pub fn rescan(&self) {
        let (sender, done) = channel();
        let mut patience = Duration::ZERO;
        {
            let keepers = self.all.keepers();
            for keeper in keepers.iter() {
                // A look that finds the module hanging opens the token anew, which takes several answers.
                patience = patience.max(keeper.rules.timeout * 4);
                keeper.look(sender.clone());
            }
        }
        drop(sender);
        let until = Instant::now() + patience;
        while done
            .recv_timeout(until.saturating_duration_since(Instant::now()))
            .is_ok()
        {}
    }

    /// Has a token do something.
    ///
    /// # Errors
    /// [`TokenError`]; the next call begins anew.
    pub async fn perform(&self, token: &str, operation: Operation) -> Result<Vec<u8>, TokenError> {
        let (sender, outcome) = oneshot::channel();
        self.submit(token, operation, move |outcome| drop(sender.send(outcome)));
        handed_over(outcome.await.ok(), token)
    }

    /// As [`TokensHandle::perform`], for threads that may block.
    ///
    /// # Errors
    /// As [`TokensHandle::perform`].
    pub fn perform_and_wait(&self, token: &str, operation: Operation) -> Result<Vec<u8>, TokenError> {
        let (sender, outcome) = channel();
        self.submit(token, operation, move |outcome| drop(sender.send(outcome)));
        handed_over(outcome.recv().ok(), token)
    }

    fn submit(&self, name: &str, operation: Operation, told: impl FnOnce(Outcome) + Send + 'static) {
        let lanes = self.all.lanes.load();
        let tokens = self.all.board.tokens();
        let token = tokens.iter().find(|token| token.name == name);
        match (lanes.get(name), token) {
            (Some(lane), Some(token)) => {
                let waiting = Waiting::Caller(Box::new(told));
                lane.submit(Job::new(Task::Operation(operation), token, waiting));
            }
            _ => told(Err(TokenError::Unknown(name.into()))),
        }
    }

    /// Follows new rules; tokens whose rules did not change are not disturbed.
    pub fn set_rules(&self, rules: Vec<TokenRules>) {
        let Some((workers, refused)) = &self.all.origin else {
            return;
        };
        let mut keepers = self.all.keepers();
        let (kept, gone): (Vec<_>, Vec<_>) = keepers
            .drain(..)
            .partition(|keeper| rules.contains(&keeper.rules));
        self.all.end(gone);
        *keepers = kept;
        for rules in rules {
            if keepers.iter().any(|keeper| keeper.rules.name == rules.name) {
                continue;
            }
            keepers.push(Keeper::start(
                rules,
                workers.clone(),
                self.all.board.clone(),
                refused.clone(),
            ));
        }
        let lanes = keepers
            .iter()
            .map(|keeper| (keeper.rules.name.clone(), keeper.lane.clone()));
        self.all.lanes.store(Arc::new(lanes.collect()));
    }

    /// Ends the modules' processes.
    pub fn stop(&self) {
        let keepers = std::mem::take(&mut *self.all.keepers());
        self.all.end(keepers);
    }
}

/// The result becomes the caller's own; none: a thread that ended in a panic may have dropped it.
fn handed_over(outcome: Option<Outcome>, token: &str) -> Result<Vec<u8>, TokenError> {
    match outcome {
        Some(outcome) => Ok(std::mem::take(&mut *outcome?)),
        None => Err(TokenError::Crashed(token.into())),
    }
}

impl All {
    fn keepers(&self) -> MutexGuard<'_, Vec<Keeper>> {
        self.keepers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// All at once, then one after the other.
    fn end(&self, keepers: Vec<Keeper>) {
        for keeper in &keepers {
            keeper.dismiss();
        }
        let until = Instant::now() + GOODBYE;
        for keeper in keepers {
            let name = keeper.rules.name.clone();
            keeper.join(until.saturating_duration_since(Instant::now()));
            self.board.remove(&name);
        }
    }
}

impl Drop for All {
    fn drop(&mut self) {
        let keepers = std::mem::take(&mut *self.keepers());
        self.end(keepers);
    }
}
