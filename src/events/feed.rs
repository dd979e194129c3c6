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

/// Numbers of events for each millisecond that the node runs: it takes seven years of it to use them up in one.
const NUMBERS: u64 = 1000;

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
    /// What the node reports of itself besides: whether it can save, sign and tell its webhooks.
    Health,
}

impl Topic {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Keys,
        Self::Sessions,
        Self::Connections,
        Self::Devices,
        Self::Tokens,
        Self::Gateway,
        Self::Activations,
        Self::Audit,
        Self::Health,
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
            Self::Health => "health",
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
    /// Its number: grows by one with each event of this run of the node, and is higher than any of the runs before.
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
    ended: Arc<watch::Sender<bool>>,
    /// No event of this run has this number or a lower one.
    origin: u64,
}

impl Default for Feed {
    fn default() -> Self {
        Self::of_run(0)
    }
}

impl Feed {
    /// The feed of a run that started then: its numbers go on from those of the runs before.
    pub fn new(started: Timestamp) -> Self {
        Self::of_run(u64::try_from(started.millis()).unwrap_or_default() * NUMBERS)
    }

    fn of_run(origin: u64) -> Self {
        let inner = Inner {
            number: origin,
            kept: VecDeque::with_capacity(KEPT),
        };
        Self {
            inner: Arc::new(Mutex::new(inner)),
            sender: broadcast::Sender::new(BEHIND),
            generations: Arc::new(watch::Sender::default()),
            ended: Arc::new(watch::Sender::default()),
            origin,
        }
    }

    /// Ends all subscriptions: the node is stopping.
    pub fn end(&self) {
        self.ended.send_replace(true);
    }

    /// Waits until the node is stopping.
    pub fn ended(&self) -> impl Future<Output = ()> + Send + use<> {
        let mut ended = self.ended.subscribe();
        async move {
            // An error: the feed itself is gone.
            let _ = ended.wait_for(|ended| *ended).await;
        }
    }

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

    /// Everything from now on; or everything after the event of this number, as far as it is still kept. Who names one of
    /// an earlier run, or one that there never was, gets all of this run, and is told so.
    pub fn subscribe(&self, after: Option<u64>) -> Subscription {
        let inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let live = self.sender.subscribe();
        let known = |after: &u64| (self.origin..=inner.number).contains(after);
        let restarted = after.is_some_and(|after| !known(&after));
        let after = after.map(|after| if known(&after) { after } else { self.origin });
        let missed: VecDeque<_> = after.map_or_else(VecDeque::new, |after| {
            let kept = inner.kept.iter().filter(|event| event.number > after);
            kept.cloned().collect()
        });
        let first = missed.front().map_or(inner.number + 1, |event| event.number);
        Subscription {
            position: after.unwrap_or(inner.number),
            restarted,
            lost: after.map_or(0, |after| first.saturating_sub(after + 1)),
            missed,
            live,
            ended: self.ended.subscribe(),
        }
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
    /// The number that it named is of an earlier run of the node: what happened in between, nobody knows.
    Restarted,
    /// The node is stopping.
    End,
}

/// One listener's place in the feed.
pub struct Subscription {
    position: u64,
    restarted: bool,
    lost: u64,
    missed: VecDeque<Arc<Event>>,
    live: broadcast::Receiver<Arc<Event>>,
    ended: watch::Receiver<bool>,
}

impl Subscription {
    /// Waits for the next event. Nothing is lost where the wait is given up.
    pub async fn next(&mut self) -> Next {
        if let Some(next) = self.first() {
            return self.passed(next);
        }
        let ended = self.ended.wait_for(|ended| *ended);
        let next = tokio::select! {
            received = self.live.recv() => match received {
                Ok(event) => Next::Event(event),
                Err(broadcast::error::RecvError::Lagged(lost)) => Next::Lost(lost),
                Err(broadcast::error::RecvError::Closed) => Next::End,
            },
            _ = ended => Next::End,
        };
        self.passed(next)
    }

    /// The number of the last event that it was given, or was told to have lost: who names it later misses nothing.
    pub fn position(&self) -> u64 {
        self.position
    }

    fn passed(&mut self, next: Next) -> Next {
        match &next {
            Next::Event(event) => self.position = event.number,
            Next::Lost(lost) => self.position += lost,
            Next::Restarted | Next::End => {}
        }
        next
    }

    /// What there is next without waiting.
    pub fn ready(&mut self) -> Option<Next> {
        let first = self.first();
        let next = first.or_else(|| match self.live.try_recv() {
            Ok(event) => Some(Next::Event(event)),
            Err(broadcast::error::TryRecvError::Lagged(lost)) => Some(Next::Lost(lost)),
            Err(broadcast::error::TryRecvError::Closed) => Some(Next::End),
            Err(broadcast::error::TryRecvError::Empty) => None,
        })?;
        Some(self.passed(next))
    }

    /// What it has to be told before what happens now.
    fn first(&mut self) -> Option<Next> {
        if std::mem::take(&mut self.restarted) {
            return Some(Next::Restarted);
        }
        if self.lost > 0 {
            return Some(Next::Lost(std::mem::take(&mut self.lost)));
        }
        self.missed.pop_front().map(Next::Event)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(number: usize) -> News {
        News::Gateway {
            event: "ticket".into(),
            object: number.to_string(),
            detail: String::new(),
            by_node: false,
        }
    }

    /// What a subscriber has without waiting: objects, and how many were lost before them.
    fn all(subscription: &mut Subscription) -> (u64, Vec<String>) {
        let (mut lost, mut objects) = (0, Vec::new());
        while let Some(next) = subscription.ready() {
            match next {
                Next::Event(event) => {
                    let fields: Value = serde_json::from_slice(&event.json()).unwrap();
                    objects.push(fields["Object"].as_str().unwrap().to_owned());
                }
                Next::Lost(number) => lost += number,
                Next::Restarted | Next::End => {}
            }
        }
        (lost, objects)
    }

    #[test]
    fn who_is_too_slow_is_told_how_much_it_missed() {
        let feed = Feed::default();
        let mut slow = feed.subscribe(None);
        feed.tell_all(Timestamp::default(), (0..BEHIND + 7).map(told));
        let (lost, objects) = all(&mut slow);
        assert_eq!(slow.position(), BEHIND as u64 + 7);
        assert_eq!((lost, objects.len()), (7, BEHIND));
        assert_eq!(objects[0], "7");
    }

    #[test]
    fn who_comes_back_gets_what_is_kept_and_is_told_of_the_rest() {
        let feed = Feed::new(Timestamp::from_millis(1));
        feed.tell_all(Timestamp::default(), (0..KEPT + 10).map(told));
        let origin = feed.origin;
        let (lost, objects) = all(&mut feed.subscribe(Some(origin + 4)));
        assert_eq!((lost, objects.len()), (6, KEPT));
        let newest = origin + KEPT as u64 + 10;
        assert_eq!(all(&mut feed.subscribe(Some(newest))), (0, vec![]));
        for foreign in [0, newest + 1] {
            let mut subscription = feed.subscribe(Some(foreign));
            assert!(matches!(subscription.ready(), Some(Next::Restarted)));
            assert_eq!(subscription.position(), origin, "who names it is not told again");
            assert_eq!(all(&mut subscription).0, 10);
        }
    }

    #[tokio::test]
    async fn the_end_of_the_node_ends_who_listens() {
        let feed = Feed::default();
        let mut subscription = feed.subscribe(None);
        let ended = feed.ended();
        feed.end();
        ended.await;
        assert!(matches!(subscription.next().await, Next::End));
        assert!(matches!(feed.subscribe(None).next().await, Next::End));
    }
}
