//! Webhooks: addresses that are told of trouble. A thread of its own watches, keeps messages in the state file, and sends
//! them; nothing waits for it.

mod alert;
mod courier;
mod queue;
mod rules;
mod send;
mod watch;
mod watcher;

pub use rules::WebhookRules;

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

use crate::api::Faults;
use crate::clock::SharedClock;
use crate::events::Feed;
use crate::keyring::KeeperHandle;
use crate::licence::Timestamp;
use crate::seats::DeskHandle;
use crate::store::{AuditEntry, Database, StoreError};

use queue::Queue;
use watcher::Watcher;

/// Sends a message of the kind `test` to a webhook of the settings, at once and once, for whoever sets it up.
///
/// # Errors
/// Why it was not taken; `None`: there is no webhook of this name.
pub async fn try_out(
    rules: &WebhookRules,
    name: &str,
    node: &str,
    time: Timestamp,
) -> Result<(), Option<String>> {
    let hook = rules.hooks.iter().find(|hook| hook.name == name).ok_or(None)?;
    let body = alert::trial(node, time);
    let post = send::Post {
        event: "test",
        body: &body,
        time,
    };
    let sent = send::send(&rules.way, hook, post).await;
    sent.map_err(|untaken| Some(untaken.why))
}

/// What webhooks need of the node.
pub struct WebhookParts {
    /// The state file.
    pub database: Database,
    /// Wall time.
    pub clock: SharedClock,
    /// What happens.
    pub feed: Feed,
    /// The keys.
    pub keys: KeeperHandle,
    /// Takes rows for the audit log.
    pub desk: DeskHandle,
    /// Where health finds what fails for long.
    pub faults: Faults,
    /// Name of the node in messages.
    pub node: String,
}

/// Why webhooks do not start.
#[derive(Debug, thiserror::Error)]
pub enum WebhookError {
    /// The state file.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Its table.
    #[error("the state file: {0}")]
    Sqlite(#[from] rusqlite::Error),
    /// The system gave no thread.
    #[error("the webhooks' thread: {0}")]
    Thread(#[from] std::io::Error),
}

/// What couriers share.
struct Shared {
    queue: Mutex<Queue>,
    clock: SharedClock,
    desk: DeskHandle,
    faults: Faults,
    feed: Feed,
}

impl Shared {
    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Says how many messages wait, where that can be read.
    fn count(&self) {
        if let Ok(waiting) = self.queue().waiting() {
            self.faults.set_waiting(waiting);
        }
    }

    fn note(&self, event: &str, object: &str, detail: &str) {
        self.desk.note(AuditEntry {
            time: self.clock.now().wall,
            actor: "node".into(),
            event: event.into(),
            object: object.into(),
            detail: detail.into(),
        });
    }
}

enum Order {
    Rules(Box<WebhookRules>),
    Wake,
    Stop,
}

/// The way to the webhooks' thread.
#[derive(Clone)]
pub struct WebhooksHandle(UnboundedSender<Order>);

impl WebhooksHandle {
    /// Starts the thread; messages that wait from before are sent.
    ///
    /// # Errors
    /// [`WebhookError`].
    pub fn start(parts: WebhookParts, rules: WebhookRules) -> Result<(Self, JoinHandle<()>), WebhookError> {
        let queue = Queue::open(&parts.database)?;
        let remembered = queue.memories(parts.clock.now().wall)?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_io()
            .enable_time()
            .build()?;
        let (sender, orders) = unbounded_channel();
        let watcher = Watcher::new(parts, queue, remembered, &rules);
        let thread = std::thread::Builder::new()
            .name("webhooks".into())
            .spawn(move || {
                runtime.block_on(watcher.run(orders, rules));
                // What is being sent is sent again after the next start.
                runtime.shutdown_timeout(Duration::ZERO);
            })?;
        Ok((Self(sender), thread))
    }

    /// Follows other settings from now on.
    pub fn set_rules(&self, rules: WebhookRules) {
        let _ = self.0.send(Order::Rules(Box::new(rules)));
    }

    /// Has it look at its clock: for clocks that tests move.
    pub fn wake(&self) {
        let _ = self.0.send(Order::Wake);
    }

    /// Ends the thread.
    pub fn stop(&self) {
        let _ = self.0.send(Order::Stop);
    }
}
