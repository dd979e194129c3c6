//! The webhooks' thread: watches what happens, keeps what is to be told, and starts who brings it.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::task::JoinHandle as Task;

use crate::clock::Millis;
use crate::events::{Feed, News, Next, Subscription};
use crate::keyring::KeeperHandle;
use crate::licence::Timestamp;
use crate::seats::Reason;

use super::alert::Kind;
use super::courier::Courier;
use super::queue::{Message, Queue};
use super::rules::WebhookRules;
use super::watch::{Memory, Told, Watch};
use super::{Order, Shared, WebhookParts};

/// After a look at what happened, the next is not before this: many sessions are no reason to wake for each.
const BREATH: Duration = Duration::from_millis(200);

/// Steps of time are looked for again after this time at the latest, for clocks are set.
const LONGEST: Duration = Duration::from_hours(6);

/// Keys may need so long to be found after the start, in milliseconds: slow tokens, hardware that the system finds late.
const SETTLING: Millis = 60_000;

/// What could not be kept is tried again after this time at the latest.
const AGAIN: Duration = Duration::from_mins(1);

/// Messages, or memories, at most that are held while they cannot be kept; beyond it the oldest go.
const MOST: usize = 10_000;

/// What could not be kept yet.
#[derive(Default)]
struct Unkept {
    messages: Vec<Message>,
    memories: Vec<Memory>,
}

impl Unkept {
    fn is_empty(&self) -> bool {
        self.messages.is_empty() && self.memories.is_empty()
    }

    /// Gives up what is too much.
    fn bound(&mut self) {
        let surplus = self.messages.len().saturating_sub(MOST);
        self.messages.drain(..surplus);
        let surplus = self.memories.len().saturating_sub(MOST);
        self.memories.drain(..surplus);
    }
}

pub(super) struct Watcher {
    watch: Watch,
    /// When keys from before the start that were not found are lost, by the monotonic clock.
    settled: Millis,
    unkept: Unkept,
    /// What the keys were news of when it was made.
    first: Vec<Told>,
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
    /// Looks at the keys as they are now already, so that none is lost unseen while the thread starts.
    pub(super) fn new(
        parts: WebhookParts,
        queue: Queue,
        remembered: Vec<Memory>,
        rules: &WebhookRules,
    ) -> Self {
        let mut watch = Watch::new(remembered);
        let somebody = !rules.hooks.is_empty();
        let first = somebody.then(|| watch.keys(&parts.keys.keyring(), false));
        Self {
            watch,
            settled: parts.clock.now().mono + SETTLING,
            unkept: Unkept::default(),
            first: first.unwrap_or_default(),
            shared: Arc::new(Shared {
                queue: Mutex::new(queue),
                clock: parts.clock,
                desk: parts.desk,
                faults: parts.faults,
                feed: parts.feed.clone(),
            }),
            news: somebody.then(|| parts.feed.subscribe(None)),
            feed: parts.feed,
            keys: parts.keys,
            node: parts.node,
            couriers: Vec::new(),
            rules: rules.clone(),
        }
    }

    pub(super) async fn run(mut self, mut orders: UnboundedReceiver<Order>, rules: WebhookRules) {
        self.follow(rules);
        let first = std::mem::take(&mut self.first);
        self.tell(first);
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
        let now = self.shared.clock.now();
        let step = Watch::next_step(&self.keys.keyring(), now.wall);
        let step = step.and_then(|step| u64::try_from(step.millis() - now.wall.millis()).ok());
        let awaits = !self.rules.hooks.is_empty() && self.watch.awaits_keys();
        let settled = awaits.then(|| self.settled.saturating_sub(now.mono));
        let unkept = (!self.unkept.is_empty()).then_some(AGAIN);
        let times = [step, settled].into_iter().flatten().map(Duration::from_millis);
        times.chain(unkept).fold(LONGEST, Duration::min)
    }

    fn follow(&mut self, rules: WebhookRules) {
        if rules == self.rules && !self.couriers.is_empty() {
            return;
        }
        for (_, courier) in self.couriers.drain(..) {
            courier.abort();
        }
        let nobody = rules.hooks.is_empty();
        if nobody {
            // What happens while nobody is to be told is no news.
            self.news = None;
            self.watch.forget_keys();
            self.unkept = Unkept::default();
            self.shared.faults.set_unkept(self.now(), None);
        } else if self.news.is_none() {
            self.news = Some(self.feed.subscribe(None));
            let known = self.watch.keys(&self.keys.keyring(), true);
            let memories = known.into_iter().filter_map(|told| told.memory);
            self.unkept.memories.extend(memories);
        }
        let names: Vec<&str> = rules.hooks.iter().map(|hook| hook.name.as_str()).collect();
        let queue = self.shared.queue();
        let forgotten = if nobody { queue.forget_keys() } else { Ok(()) };
        let kept = queue.keep(&names).and(forgotten);
        drop(queue);
        self.shared.count();
        self.unkept
            .messages
            .retain(|message| names.contains(&&*message.webhook));
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
        let now = self.shared.clock.now();
        let keyring = self.keys.keyring();
        let mut told = self.watch.keys(&keyring, now.mono >= self.settled);
        if self.rules.hooks.iter().any(|hook| hook.wants(Kind::DaysLeft)) {
            told.extend(self.watch.days(&keyring, now.wall));
        }
        self.tell(told);
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
        self.tell(told);
    }

    /// Has webhooks told; what cannot be kept is held until it can.
    fn tell(&mut self, all: impl IntoIterator<Item = Told>) {
        let now = self.now();
        for told in all {
            self.unkept.memories.extend(told.memory);
            let Some(alert) = told.alert else {
                continue;
            };
            for hook in self.rules.hooks.iter().filter(|hook| hook.wants(alert.kind)) {
                self.unkept.messages.push(Message {
                    webhook: hook.name.clone(),
                    event: alert.kind.name(),
                    body: alert.message(&self.node, now),
                });
            }
        }
        if self.unkept.is_empty() {
            return;
        }
        let added = self
            .shared
            .queue()
            .add(&self.unkept.messages, &self.unkept.memories, now);
        self.shared.count();
        match added {
            Ok(shortened) => {
                self.unkept = Unkept::default();
                self.shared.faults.set_unkept(now, None);
                for name in shortened {
                    let detail = "too many messages wait: the oldest was given up";
                    self.shared.note("webhook-failure", &name, detail);
                }
            }
            Err(error) => {
                tracing::error!(%error, "webhooks cannot be told: the messages cannot be kept; they will be tried again");
                self.shared.faults.set_unkept(now, Some(&error.to_string()));
                self.unkept.bound();
            }
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
