//! The way to the token carriers for everybody else: a snapshot, and what may be asked of their thread.

use std::sync::mpsc::{Sender, channel, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use arc_swap::ArcSwap;

use super::attest::attest;
use super::carrier::TokenHardware;
use super::worker::{Message, Worker};
use crate::devices::carrier::CarrierError;
use crate::tokens::TokensHandle;

/// The way to the token carriers for everybody else. Clones speak to the same thread, which ends with the last of them.
/// The default has no tokens and no thread.
#[derive(Clone, Default)]
pub struct TokenCarriers {
    hardware: Arc<ArcSwap<TokenHardware>>,
    tokens: Option<TokensHandle>,
    thread: Option<Arc<Thread>>,
}

struct Thread {
    inbox: Sender<Message>,
    running: Mutex<Option<JoinHandle<()>>>,
}

impl TokenCarriers {
    /// Starts the thread, which has all carriers on these tokens prove themselves, and anew every `revalidate` (0: only
    /// when something happens). Does not wait for them. `on_change` is called on that thread after each snapshot that
    /// differs from the one before; it must not block.
    pub fn start(
        tokens: TokensHandle,
        revalidate: Duration,
        on_change: impl FnMut() + Send + 'static,
    ) -> Self {
        let mut handle = Self::default();
        let (inbox, messages) = channel();
        let hardware = Arc::clone(&handle.hardware);
        handle.tokens = Some(tokens.clone());
        let worker = Worker::new(tokens, revalidate, hardware, inbox.clone(), Box::new(on_change));
        let spawned = thread::Builder::new()
            .name("token-carriers".into())
            .spawn(move || worker.run(&messages));
        match spawned {
            Ok(running) => {
                let running = Mutex::new(Some(running));
                handle.thread = Some(Arc::new(Thread { inbox, running }));
            }
            Err(error) => tracing::error!("no thread for the tokens: none of them carries licences: {error}"),
        }
        handle
    }

    /// The tokens and their carriers.
    pub fn hardware(&self) -> Arc<TokenHardware> {
        self.hardware.load_full()
    }

    /// Looks at the tokens and has all their carriers prove themselves; returns when that is published, or after
    /// `patience`: it then goes on by itself.
    pub fn rescan(&self, patience: Duration) {
        let (done, wait) = sync_channel(1);
        self.send(Message::Look(done));
        // Errors: the thread has ended or a token hangs, and the snapshot is as new as it can be.
        let _ = wait.recv_timeout(patience);
    }

    /// Has the carrier of this stable name sign this challenge, as [`attest`].
    ///
    /// # Errors
    /// Why it did not; [`CarrierError::Absent`]: it is on none of the tokens.
    pub fn attest(&self, id: &str, challenge: &[u8; 32]) -> Result<Vec<u8>, CarrierError> {
        let hardware = self.hardware();
        let carrier = hardware.carriers.iter().find(|carrier| carrier.id == id);
        let tokens = self.tokens.as_ref().ok_or(CarrierError::Absent)?;
        attest(tokens, carrier.ok_or(CarrierError::Absent)?, challenge)
    }

    /// Has all carriers prove themselves this often.
    pub fn set_revalidate(&self, period: Duration) {
        self.send(Message::Revalidate(period));
    }

    /// Ends the thread and waits for it; proofs that are under way are not waited for.
    pub fn stop(&self) {
        if let Some(thread) = &self.thread {
            thread.stop();
        }
    }

    fn send(&self, message: Message) {
        if let Some(thread) = &self.thread {
            // An error: the thread was stopped, and there is nothing left to do.
            let _ = thread.inbox.send(message);
        }
    }
}

impl Thread {
    fn stop(&self) {
        let _ = self.inbox.send(Message::Stop);
        let running = (self.running.lock().unwrap_or_else(PoisonError::into_inner)).take();
        if let Some(running) = running
            && running.thread().id() != thread::current().id()
        {
            let _ = running.join();
        }
    }
}

impl Drop for Thread {
    fn drop(&mut self) {
        self.stop();
    }
}
