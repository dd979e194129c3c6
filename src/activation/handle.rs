//! The way to the thread that activates for a running node. It has a runtime of its own: no centre that hangs, and no
//! disk, holds up those who serve clients.

use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::{Notify, oneshot};

use super::activator::{Activator, ActivatorParts};
use super::keeper::{ActivationKeeper, Standing};
use super::order::{Activated, ActivationError, Order};
use super::rules::ActivationRules;

enum Work {
    Activate(Box<Order>, oneshot::Sender<Result<Activated, ActivationError>>),
    Rules(Box<ActivationRules>),
    Stop,
}

/// The way to the thread for everybody else.
#[derive(Clone)]
pub struct ActivationHandle {
    work: UnboundedSender<Work>,
    wake: Arc<Notify>,
    standing: Standing,
}

impl ActivationHandle {
    /// Starts the thread. It asks the centre for revocations, and repeats what was not answered, at once.
    ///
    /// # Errors
    /// What the system said where it gives no thread.
    pub fn start(parts: ActivatorParts) -> std::io::Result<(Self, JoinHandle<()>)> {
        let first = if parts.rules.centre.is_some() { "ok" } else { "off" };
        let activator = Arc::new(Activator::new(parts));
        let (wake, standing) = (Arc::new(Notify::new()), Standing::new(Mutex::new(first.into())));
        let (work, inbox) = unbounded_channel();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_io()
            .enable_time()
            .thread_name("activation-wait")
            .build()?;
        let keeper = ActivationKeeper::new(activator.clone(), standing.clone(), wake.clone());
        let handle = Self { work, wake, standing };
        let thread = std::thread::Builder::new()
            .name("activation".into())
            .spawn(move || {
                let local = tokio::task::LocalSet::new();
                runtime.block_on(local.run_until(serve(inbox, activator, keeper)));
                drop(local);
                // What waits for a carrier or for the keys ends without this thread.
                runtime.shutdown_timeout(Duration::ZERO);
            })?;
        Ok((handle, thread))
    }

    /// Activates a code.
    ///
    /// # Errors
    /// [`ActivationError`].
    pub async fn activate(&self, order: Order) -> Result<Activated, ActivationError> {
        let (answer, answered) = oneshot::channel();
        let sent = self.work.send(Work::Activate(Box::new(order), answer));
        let stopping = || ActivationError::NotSaved("the node is stopping".into());
        sent.map_err(|_| stopping())?;
        answered.await.map_err(|_| stopping())?
    }

    /// Has the activations looked at now: keys or the clock have changed.
    pub fn wake(&self) {
        self.wake.notify_one();
    }

    /// Follows other rules from now on.
    pub fn set_rules(&self, rules: ActivationRules) {
        let _ = self.work.send(Work::Rules(Box::new(rules)));
    }

    /// `ok`, `off`, or what is wrong.
    pub fn health(&self) -> String {
        self.standing
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Ends the thread, whatever it waits for.
    pub fn stop(&self) {
        let _ = self.work.send(Work::Stop);
    }
}

async fn serve(mut inbox: UnboundedReceiver<Work>, activator: Arc<Activator>, keeper: ActivationKeeper) {
    let wake = keeper.wake();
    tokio::task::spawn_local(keeper.run());
    while let Some(work) = inbox.recv().await {
        match work {
            Work::Activate(order, answer) => {
                let activator = activator.clone();
                // Whoever asked may go away: what was begun is finished.
                tokio::task::spawn_local(async move {
                    let _ = answer.send(activator.activate(&order).await);
                });
            }
            Work::Rules(rules) => {
                activator.set_rules(*rules);
                wake.notify_one();
            }
            Work::Stop => return,
        }
    }
}
