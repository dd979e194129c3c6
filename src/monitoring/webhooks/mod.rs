//! Webhooks: addresses that are told of trouble. A thread of its own watches, keeps messages in the state file, and sends
//! them; nothing waits for it.

mod alert;
mod courier;
mod queue;
mod rules;
mod send;
mod watch;

pub use rules::WebhookRules;

use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinHandle as Task;

use crate::api::Faults;
use crate::clock::SharedClock;
use crate::events::{Feed, News, Next, Subscription};
use crate::keyring::KeeperHandle;
use crate::licence::Timestamp;
use crate::seats::{DeskHandle, Reason};
use crate::store::{AuditEntry, Database, StoreError};

use courier::Courier;
use queue::{Message, Queue};
use watch::{Told, Watch};

/// After a look at what happened, the next is not before this: many sessions are no reason to wake for each.
const BREATH: Duration = Duration::from_millis(200);

/// Steps of time are looked for again after this time at the latest, for clocks are set.
const LONGEST: Duration = Duration::from_hours(6);

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
    send::send(&rules.way, hook, post).await.map_err(Some)
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
        let remembered = queue.memories()?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_io()
            .enable_time()
            .build()?;
        let (sender, orders) = unbounded_channel();
        let watcher = Watcher {
            watch: Watch::new(&parts.keys.keyring(), remembered),
            shared: Arc::new(Shared {
                queue: Mutex::new(queue),
                clock: parts.clock,
                desk: parts.desk,
                faults: parts.faults,
                feed: parts.feed.clone(),
            }),
            // From now on, so that nothing is missed while the thread starts.
            news: (!rules.hooks.is_empty()).then(|| parts.feed.subscribe(None)),
            feed: parts.feed,
            keys: parts.keys,
            node: parts.node,
            couriers: Vec::new(),
            rules: rules.clone(),
        };
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

struct Watcher {
    watch: Watch,
    shared: Arc<Shared>,
    feed: Feed,
    keys: KeeperHandle,
    node: String,
    rules: WebhookRules,
    couriers: Vec<(Arc<Notify>, Task<()>)>,
    /// None while there are no webhooks: then nothing wakes it.
    news: Option<Subscription>,
}

impl Watcher {
    async fn run(mut self, mut orders: UnboundedReceiver<Order>, rules: WebhookRules) {
        self.follow(rules);
        loop {
            self.look_at_keys();
            let pause = self.pause();
            tokio::select! {
                order = orders.recv() => match order {
                    Some(Order::Rules(rules)) => self.follow(*rules),
                    Some(Order::Wake) => self.ring(),
                    Some(Order::Stop) | None => return,
                },
                next = next(&mut self.news) => {
                    if matches!(next, Next::End) {
                        return;
                    }
                    self.take(&next);
                    tokio::time::sleep(BREATH).await;
                    while let Some(next) = self.news.as_mut().and_then(Subscription::ready) {
                        self.take(&next);
                    }
                }
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    /// How long time makes no news by itself.
    fn pause(&self) -> Duration {
        let now = self.shared.clock.now().wall;
        let step = Watch::next_step(&self.keys.keyring(), now);
        let left = step.and_then(|step| u64::try_from(step.millis() - now.millis()).ok());
        left.map_or(LONGEST, |left| Duration::from_millis(left).min(LONGEST))
    }

    fn follow(&mut self, rules: WebhookRules) {
        if rules == self.rules && !self.couriers.is_empty() {
            return;
        }
        for (_, courier) in self.couriers.drain(..) {
            courier.abort();
        }
        if rules.hooks.is_empty() {
            self.news = None;
        } else if self.news.is_none() {
            // What happened while nobody was to be told is no news.
            self.news = Some(self.feed.subscribe(None));
            self.watch.keys(&self.keys.keyring(), self.now());
        }
        let names: Vec<&str> = rules.hooks.iter().map(|hook| hook.name.as_str()).collect();
        let kept = self
            .shared
            .queue
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .keep(&names);
        if let Err(error) = kept {
            tracing::error!(%error, "messages for webhooks that are gone cannot be removed");
        }
        self.shared.faults.keep(&names);
        for hook in &rules.hooks {
            let bell = Arc::new(Notify::new());
            let courier = Courier {
                hook: hook.clone(),
                way: rules.way.clone(),
                shared: self.shared.clone(),
                bell: bell.clone(),
            };
            self.couriers.push((bell, tokio::spawn(courier.run())));
        }
        self.rules = rules;
    }

    fn now(&self) -> Timestamp {
        self.shared.clock.now().wall
    }

    fn ring(&self) {
        for (bell, _) in &self.couriers {
            bell.notify_one();
        }
    }

    fn look_at_keys(&mut self) {
        if self.rules.hooks.is_empty() {
            return;
        }
        let now = self.now();
        let told = self.watch.keys(&self.keys.keyring(), now);
        self.tell(&told);
    }

    fn take(&mut self, next: &Next) {
        let Next::Event(event) = next else {
            // Of keys nothing is lost: they are looked at themselves.
            return;
        };
        let told = match &event.news {
            News::Refusal {
                key_id,
                reason,
                client,
            } if *reason == Reason::NoFreeSeat.name() => self.watch.refused(*key_id, client, event.time),
            News::Gateway {
                event: what,
                object,
                detail,
                by_node: true,
            } if what.ends_with("-failure") => self.watch.failed(what, object, detail, event.time),
            _ => None,
        };
        self.tell(told.as_slice());
    }

    /// Has webhooks told.
    fn tell(&self, all: &[Told]) {
        if all.is_empty() {
            return;
        }
        let now = self.now();
        let mut messages = Vec::new();
        for told in all {
            let kind = told.alert.kind;
            for hook in self.rules.hooks.iter().filter(|hook| hook.wants(kind)) {
                messages.push(Message {
                    webhook: &hook.name,
                    event: kind.name(),
                    body: told.alert.message(&self.node, now),
                });
            }
        }
        let memories: Vec<_> = all.iter().filter_map(|told| told.memory).collect();
        let added = {
            let mut queue = self.shared.queue.lock().unwrap_or_else(PoisonError::into_inner);
            queue.add(&messages, &memories, now)
        };
        match added {
            Ok(shortened) => {
                for name in shortened {
                    let detail = "too many messages wait: the oldest was given up";
                    self.shared.note("webhook-failure", &name, detail);
                }
            }
            Err(error) => tracing::error!(%error, "webhooks cannot be told: the message cannot be kept"),
        }
        self.ring();
    }
}

/// The next event; waits for ever where nobody is to be told.
async fn next(news: &mut Option<Subscription>) -> Next {
    match news {
        Some(news) => news.next().await,
        None => std::future::pending().await,
    }
}
