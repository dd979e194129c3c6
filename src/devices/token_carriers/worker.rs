//! The thread of the token carriers: is told when tokens change, has keys prove themselves as the roll says, and
//! publishes what is new.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, SyncSender};
use std::thread;
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;

use super::carrier::TokenHardware;
use super::proof;
use super::roll::{Answer, Ask, Roll};
use crate::devices::carrier::CarrierError;
use crate::tokens::TokensHandle;

/// What the thread is told.
pub(super) enum Message {
    /// The tokens' snapshot has changed.
    Changed,
    /// Look at the tokens and have all keys prove themselves; told when that is published.
    Look(SyncSender<()>),
    /// The look that was begun last is over.
    Looked,
    /// All keys prove themselves this often; 0: only when something happens.
    Revalidate(Duration),
    /// By the thread of a proof.
    Answer(Answer),
    Stop,
}

/// News is held back this long for the proofs of keys that came: a token is one change, not one for each of its keys.
const HELD_BACK: Duration = Duration::from_millis(250);
/// Nothing has to be done more rarely.
const IDLE: Duration = Duration::from_mins(1);

/// Somebody who asked for a look.
struct Waiter {
    done: SyncSender<()>,
    stage: Stage,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// The look that serves him has not begun.
    Waiting,
    Looking,
    Proving,
}

pub(super) struct Worker {
    tokens: TokensHandle,
    revalidate: Duration,
    hardware: Arc<ArcSwap<TokenHardware>>,
    inbox: Sender<Message>,
    on_change: Box<dyn FnMut() + Send>,
    roll: Roll,
    waiters: Vec<Waiter>,
    looking: bool,
    revalidated: Instant,
    /// Until when news is held back.
    held_until: Option<Instant>,
}

impl Worker {
    pub(super) fn new(
        tokens: TokensHandle,
        revalidate: Duration,
        hardware: Arc<ArcSwap<TokenHardware>>,
        inbox: Sender<Message>,
        on_change: Box<dyn FnMut() + Send>,
    ) -> Self {
        Self {
            tokens,
            revalidate,
            hardware,
            inbox,
            on_change,
            roll: Roll::default(),
            waiters: Vec::new(),
            looking: false,
            revalidated: Instant::now(),
            held_until: None,
        }
    }

    /// Works until it is told to stop.
    pub(super) fn run(mut self, messages: &Receiver<Message>) {
        // Subscribed before the first look: what changes between the two is seen by either.
        let inbox = self.inbox.clone();
        self.tokens.on_change(move || {
            // An error: this thread has ended.
            let _ = inbox.send(Message::Changed);
        });
        self.roll.seen(self.tokens.tokens(), false);
        loop {
            // What came meanwhile is one change.
            for message in messages.try_iter() {
                if self.take(message) {
                    return;
                }
            }
            match messages.recv_timeout(self.work()) {
                Ok(message) => {
                    if self.take(message) {
                        return;
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    /// Takes a message; true: it is time to stop.
    fn take(&mut self, message: Message) -> bool {
        match message {
            Message::Changed => self.roll.seen(self.tokens.tokens(), false),
            Message::Look(done) => self.waiters.push(Waiter {
                done,
                stage: Stage::Waiting,
            }),
            Message::Looked => self.looked(),
            Message::Revalidate(period) => self.revalidate = period,
            Message::Answer(answer) => {
                self.roll.answered(answer, Instant::now());
            }
            Message::Stop => return true,
        }
        false
    }

    fn looked(&mut self) {
        self.looking = false;
        self.revalidated = Instant::now();
        self.roll.seen(self.tokens.tokens(), true);
        self.promote(Stage::Looking, Stage::Proving);
    }

    fn promote(&mut self, from: Stage, to: Stage) {
        for waiter in &mut self.waiters {
            if waiter.stage == from {
                waiter.stage = to;
            }
        }
    }

    /// Does what is due, and tells for how long there is nothing to do.
    fn work(&mut self) -> Duration {
        let now = Instant::now();
        let period = Some(self.revalidate).filter(|period| !period.is_zero());
        if period.is_some_and(|period| self.revalidated + period <= now) {
            self.revalidated = now;
            self.roll.revalidate();
        }
        self.roll.expire(now);
        for ask in self.roll.asks() {
            self.ask(ask);
        }
        self.publish(now);
        self.release();
        self.look();
        let period = period.map(|period| self.revalidated + period);
        let next = [self.roll.due(), period, self.held_until];
        let next = next.into_iter().flatten().fold(now + IDLE, Instant::min);
        next.saturating_duration_since(Instant::now())
    }

    /// Asks a key in a thread of its own: a token that hangs holds only its own up.
    fn ask(&self, ask: Ask) {
        let (tokens, inbox, ticket) = (self.tokens.clone(), self.inbox.clone(), ask.ticket);
        let spawned = thread::Builder::new().name("token-proof".into()).spawn(move || {
            // An error: the worker has ended, nobody wants to know any more.
            let _ = inbox.send(Message::Answer(answer(&tokens, ask)));
        });
        if let Err(error) = spawned {
            let _ = self.inbox.send(Message::Answer(Answer {
                ticket,
                earlier: proof::Earlier::default(),
                result: Err(CarrierError::no_thread(&error)),
            }));
        }
    }

    /// Begins a look where somebody waits for one and none is under way.
    fn look(&mut self) {
        if self.looking || self.waiters.iter().all(|waiter| waiter.stage != Stage::Waiting) {
            return;
        }
        self.looking = true;
        self.promote(Stage::Waiting, Stage::Looking);
        let (tokens, inbox) = (self.tokens.clone(), self.inbox.clone());
        let spawned = thread::Builder::new().name("token-look".into()).spawn(move || {
            tokens.rescan();
            let _ = inbox.send(Message::Looked);
        });
        if let Err(error) = spawned {
            tracing::error!("no thread to look at the tokens in: {error}");
            let _ = self.inbox.send(Message::Looked);
        }
    }

    fn publish(&mut self, now: Instant) {
        if self.roll.has_news_to_come() {
            if now < *self.held_until.get_or_insert(now + HELD_BACK) {
                return;
            }
            self.held_until = Some(now + HELD_BACK);
        } else {
            self.held_until = None;
        }
        let hardware = self.roll.hardware();
        if hardware != **self.hardware.load() {
            self.hardware.store(Arc::new(hardware));
            (self.on_change)();
        }
    }

    /// Tells those who waited that all is published that they asked for.
    fn release(&mut self) {
        if !self.roll.is_idle() {
            return;
        }
        self.waiters.retain(|waiter| {
            let over = waiter.stage == Stage::Proving;
            if over {
                // An error: it has stopped waiting.
                let _ = waiter.done.try_send(());
            }
            !over
        });
    }
}

fn answer(tokens: &TokensHandle, mut ask: Ask) -> Answer {
    // A panic is a bug; it must not leave the key waiting for an answer for ever.
    let proof = catch_unwind(AssertUnwindSafe(|| {
        let perform = |operation| tokens.perform_and_wait(&ask.token.name, operation);
        proof::prove(&ask.token.serial, &ask.key, &mut ask.earlier, perform)
    }));
    Answer {
        ticket: ask.ticket,
        earlier: ask.earlier,
        result: proof.unwrap_or_else(|_| Err(CarrierError::panicked())),
    }
}
