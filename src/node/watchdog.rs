//! Tells systemd's watchdog that the node lives, and only while the threads that serve its clients answer. A device
//! that hangs is none of them: it is one row of the keys, and no reason for a restart.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::future::join_all;
use sd_notify::NotifyState;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio::sync::oneshot;

use crate::keyring::KeeperHandle;
use crate::seats::DeskHandle;

/// The HTTP workers, each with a task of its own that answers as long as the worker's loop turns. That the doors are
/// crowded is no fault of theirs, so nobody knocks there.
#[derive(Clone, Default)]
pub(super) struct Workers(Arc<Mutex<Vec<UnboundedSender<oneshot::Sender<()>>>>>);

impl Workers {
    /// Called by each worker on its own thread.
    pub(super) fn enter(&self) {
        let (sender, mut asked) = unbounded_channel::<oneshot::Sender<()>>();
        actix_rt::spawn(async move {
            while let Some(answer) = asked.recv().await {
                // Whoever asked may have stopped waiting.
                let _ = answer.send(());
            }
        });
        let mut workers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        workers.push(sender);
    }

    /// Waits until all have answered; false where there are none. One that died in a panic has been replaced.
    async fn answer(&self) -> bool {
        join_all(self.ask()).await.iter().any(Result::is_ok)
    }

    /// The answers to come; those who died are forgotten.
    fn ask(&self) -> Vec<oneshot::Receiver<()>> {
        let mut waiting = Vec::new();
        let mut workers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        workers.retain(|worker| {
            let (answer, answered) = oneshot::channel();
            let alive = worker.send(answer).is_ok();
            if alive {
                waiting.push(answered);
            }
            alive
        });
        waiting
    }
}

/// The threads without which the node serves nobody.
#[derive(Clone)]
pub(super) struct Threads {
    pub(super) desk: DeskHandle,
    pub(super) keys: KeeperHandle,
    pub(super) workers: Workers,
}

impl Threads {
    /// Asks all of them at once; names those that do not answer within `patience`.
    pub(super) async fn silent(&self, patience: Duration) -> Vec<&'static str> {
        let (seats, keyring, workers) = tokio::join!(
            tokio::time::timeout(patience, self.desk.ask(|_, _, _| ())),
            tokio::time::timeout(patience, self.keys.answer()),
            tokio::time::timeout(patience, self.workers.answer()),
        );
        [
            ("seats", matches!(seats, Ok(Ok(())))),
            ("keyring", matches!(keyring, Ok(true))),
            ("HTTP workers", matches!(workers, Ok(true))),
        ]
        .into_iter()
        .filter_map(|(name, answers)| (!answers).then_some(name))
        .collect()
    }
}

/// Pings systemd for ever, often enough for the time that it set; does nothing where it set none.
pub(super) async fn watch(threads: Threads) {
    let Some(limit) = sd_notify::watchdog_enabled() else {
        return;
    };
    // Asking takes a third at most, so a ping comes after two.
    let third = limit / 3;
    loop {
        let silent = threads.silent(third).await;
        if silent.is_empty() {
            // Without systemd there is nobody to tell.
            let _ = sd_notify::notify(&[NotifyState::Watchdog]);
        } else {
            tracing::error!(threads = silent.join(", "), "threads do not answer");
        }
        tokio::time::sleep(third).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn workers_answer_as_long_as_each_loop_turns() {
        actix_rt::System::new().block_on(async {
            let workers = Workers::default();
            assert!(!workers.answer().await, "nobody is there to answer");
            workers.enter();
            workers.enter();
            assert!(workers.answer().await);

            let (stuck, never_asked) = unbounded_channel();
            workers.0.lock().unwrap().push(stuck);
            let answer = tokio::time::timeout(Duration::from_millis(20), workers.answer());
            assert!(answer.await.is_err(), "one that hangs is not outvoted");

            drop(never_asked);
            assert!(workers.answer().await, "one that died does not count");
        });
    }
}
