//! The feed: takes what happened and hands it to every subscriber, never waiting for one. Who is too slow is told how
//! much it missed. What nobody listens to costs a few atomic operations.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use bytes::Bytes;
use serde_json::Value;
use tokio::sync::{broadcast, watch};

use crate::licence::Timestamp;

use super::news::News;

/// Events that a subscriber may be behind.
const BEHIND: usize = 4096;

/// Events that are kept for who comes back and says which was the last it saw.
const KEPT: usize = 1024;

/// Parts of what the node shows, each with a count of its changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Topic {
    /// Keys and their verdicts.
    Keys,
    /// Sessions and seats.
    Sessions,
    /// Connections.
    Connections,
    /// USB devices and carriers.
    Devices,
    /// Tokens and certificates.
    Tokens,
    /// The operators' services.
    Gateway,
    /// Activations.
    Activations,
    /// The audit log.
    Audit,
}

impl Topic {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Keys,
        Self::Sessions,
        Self::Connections,
        Self::Devices,
        Self::Tokens,
        Self::Gateway,
        Self::Activations,
        Self::Audit,
    ];

    /// In one lower-case word.
    pub fn name(self) -> &'static str {
        match self {
            Self::Keys => "keys",
            Self::Sessions => "sessions",
            Self::Connections => "connections",
            Self::Devices => "devices",
            Self::Tokens => "tokens",
            Self::Gateway => "gateway",
            Self::Activations => "activations",
            Self::Audit => "audit",
        }
    }
}

/// How often each topic has changed since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Generations([u64; Topic::ALL.len()]);

impl Generations {
    /// How often this topic has changed.
    pub fn of(&self, topic: Topic) -> u64 {
        self.0[topic as usize]
    }
}

/// Something that happened, in its place.
#[derive(Debug)]
pub struct Event {
    /// Its number: grows by one with each event of this run of the node.
    pub number: u64,
    /// When.
    pub time: Timestamp,
    /// What.
    pub news: News,
    json: OnceLock<Bytes>,
}

impl Event {
    /// Its fields as one line of JSON, `Time` first; made once for all subscribers.
    pub fn json(&self) -> Bytes {
        let make = || {
            let mut fields = serde_json::Map::new();
            fields.insert("Time".into(), Value::from(self.time.to_string()));
            if let Value::Object(own) = self.news.fields() {
                fields.extend(own);
            }
            Value::Object(fields).to_string().into()
        };
        self.json.get_or_init(make).clone()
    }
}

struct Inner {
    number: u64,
    kept: VecDeque<Arc<Event>>,
}

/// Where everything that happens is told. Cheap to clone.
#[derive(Clone)]
pub struct Feed {
    inner: Arc<Mutex<Inner>>,
    sender: broadcast::Sender<Arc<Event>>,
    generations: Arc<watch::Sender<Generations>>,
}

impl Default for Feed {
    fn default() -> Self {
        let inner = Inner {
            number: 0,
            kept: VecDeque::with_capacity(KEPT),
        };
        Self {
            inner: Arc::new(Mutex::new(inner)),
            sender: broadcast::Sender::new(BEHIND),
            generations: Arc::new(watch::Sender::default()),
        }
    }
}

impl Feed {
    /// Tells what happened. Never blocks.
    pub fn tell(&self, time: Timestamp, news: News) {
        self.tell_all(time, [news]);
    }

    /// Tells what happened at once, in this order. Never blocks.
    pub fn tell_all(&self, time: Timestamp, all: impl IntoIterator<Item = News>) {
        let mut touched = [false; Topic::ALL.len()];
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        for news in all {
            touched[news.topic() as usize] = true;
            inner.number += 1;
            let event = Arc::new(Event {
                number: inner.number,
                time,
                news,
                json: OnceLock::new(),
            });
            if inner.kept.len() == KEPT {
                inner.kept.pop_front();
            }
            inner.kept.push_back(event.clone());
            // Under the lock, so that all get the events in the order of their numbers. Without a subscriber it is lost.
            let _ = self.sender.send(event);
        }
        drop(inner);
        for topic in Topic::ALL.into_iter().filter(|topic| touched[*topic as usize]) {
            self.touch(topic);
        }
    }

    /// Says that a topic changed by something that is no event of its own.
    pub fn touch(&self, topic: Topic) {
        self.generations
            .send_modify(|counts| counts.0[topic as usize] += 1);
    }

    /// Everything from now on; or everything after the event of this number, as far as it is still kept.
    pub fn subscribe(&self, after: Option<u64>) -> Subscription {
        let inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let live = self.sender.subscribe();
        let missed: VecDeque<_> = match after {
            // A number from before a restart is beyond ours: then all of this run is news.
            Some(after) => {
                let after = if after > inner.number { 0 } else { after };
                inner
                    .kept
                    .iter()
                    .filter(|event| event.number > after)
                    .cloned()
                    .collect()
            }
            None => VecDeque::new(),
        };
        let first = missed.front().map_or(inner.number + 1, |event| event.number);
        let lost = after.map_or(0, |after| {
            let after = if after > inner.number { 0 } else { after };
            first.saturating_sub(after + 1)
        });
        Subscription { lost, missed, live }
    }

    /// How many listen.
    pub fn subscribers(&self) -> usize {
        self.sender.receiver_count()
    }

    /// Counts of changes; the receiver is woken by each, so who needs no more than a few looks a second pauses between
    /// them.
    pub fn generations(&self) -> watch::Receiver<Generations> {
        self.generations.subscribe()
    }
}

/// What a subscriber gets next.
#[derive(Clone, Debug)]
pub enum Next {
    /// An event.
    Event(Arc<Event>),
    /// So many events came that these are lost to it.
    Lost(u64),
    /// The node is stopping.
    End,
}

/// One listener's place in the feed.
pub struct Subscription {
    lost: u64,
    missed: VecDeque<Arc<Event>>,
    live: broadcast::Receiver<Arc<Event>>,
}

impl Subscription {
    /// Waits for the next event.
    pub async fn next(&mut self) -> Next {
        if self.lost > 0 {
            return Next::Lost(std::mem::take(&mut self.lost));
        }
        if let Some(event) = self.missed.pop_front() {
            return Next::Event(event);
        }
        match self.live.recv().await {
            Ok(event) => Next::Event(event),
            Err(broadcast::error::RecvError::Lagged(lost)) => Next::Lost(lost),
            Err(broadcast::error::RecvError::Closed) => Next::End,
        }
    }
}
