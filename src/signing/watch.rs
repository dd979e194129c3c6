//! The thread that watches who signs: it tells of each change once, and tries a token that failed.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::node_signer::{Force, NodeSigner};

/// What the thread is told.
enum Event {
    /// Something may have changed.
    Look,
    /// Do this, look, and say when that is done, by dropping the sender.
    Do(Box<dyn FnOnce(&NodeSigner) + Send>, Sender<()>),
    Stop,
}

/// The way to the thread, which may not run yet.
#[derive(Clone)]
pub struct SignerWatch {
    events: Sender<Event>,
}

/// The other end of a watch, until it starts.
pub struct SignerWatchStart(Receiver<Event>);

impl SignerWatch {
    /// A watch that is told things already, and what it starts from.
    pub fn new() -> (Self, SignerWatchStart) {
        let (events, told) = channel();
        (Self { events }, SignerWatchStart(told))
    }

    /// Something about the keys may have changed.
    pub fn look(&self) {
        // After the end nobody needs it.
        let _ = self.events.send(Event::Look);
    }

    /// Has the tokens looked at and waits until what follows is told, not longer than `patience`.
    pub fn settle(&self, patience: Duration) {
        self.have(patience, |signer| {
            if signer.token().is_some() {
                signer.hardware().look();
            }
        });
    }

    /// Has the thread do something that may take long, and waits until what follows is told, not longer than `patience`.
    pub fn have(&self, patience: Duration, work: impl FnOnce(&NodeSigner) + Send + 'static) {
        let (done, settled) = channel();
        let _ = self.events.send(Event::Do(Box::new(work), done));
        let _ = settled.recv_timeout(patience);
    }

    /// Ends the thread, once what it does is done.
    pub fn stop(&self) {
        let _ = self.events.send(Event::Stop);
    }
}

impl SignerWatchStart {
    /// Starts the thread. `told` learns who signs, after each change, and the first time where that is not the current
    /// key. A token that failed is tried no more often than each `retry`.
    pub fn start(
        self,
        signer: Arc<NodeSigner>,
        retry: Duration,
        told: impl Fn(&Force) + Send + 'static,
    ) -> JoinHandle<()> {
        let work = move || {
            let mut last = Force::Current;
            let mut tried: Option<Instant> = None;
            let left = |tried: Option<Instant>| {
                let left = retry.saturating_sub(tried?.elapsed());
                (!left.is_zero()).then_some(left)
            };
            loop {
                let next = match left(tried) {
                    Some(left) => self.0.recv_timeout(left),
                    None => self.0.recv().map_err(RecvTimeoutError::from),
                };
                let _done = match next {
                    Ok(Event::Do(work, done)) => {
                        work(&signer);
                        Some(done)
                    }
                    Ok(Event::Stop) | Err(RecvTimeoutError::Disconnected) => return,
                    Ok(Event::Look) | Err(RecvTimeoutError::Timeout) => None,
                };
                if left(tried).is_none() && signer.try_again() {
                    tried = Some(Instant::now());
                }
                let force = signer.force();
                if std::mem::discriminant(&force) != std::mem::discriminant(&last) {
                    told(&force);
                    last = force;
                }
            }
        };
        std::thread::Builder::new()
            .name("signer".into())
            .spawn(work)
            .expect("a process that cannot start a thread cannot serve")
    }
}
