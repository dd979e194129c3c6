//! The desk over a real state file: what it promises is on disk, and it goes on where the disk does not.

use std::sync::Barrier;
use std::sync::atomic::{AtomicU64, Ordering};

use futures_util::FutureExt;

use crate::clock::Clock;
use crate::seats::testing::*;
use crate::seats::{LedgerRules, Refusal, Release, Taken};
use crate::store::{Database, SLOT, SqliteSeats};

use super::super::offer::Reason;
use super::*;

#[path = "desk_usage_tests.rs"]
mod usage;

const RULES: Rules = Rules {
    ledger: LedgerRules {
        life: LIFE,
        grace: GRACE,
    },
    connection_life: 20_000,
};

/// A clock that stands still until it is moved.
#[derive(Default)]
struct HandClock(AtomicU64);

impl Clock for HandClock {
    fn now(&self) -> Moment {
        at(self.0.load(Ordering::SeqCst))
    }
}

pub(super) struct Node {
    _dir: tempfile::TempDir,
    database: Database,
    clock: Arc<HandClock>,
    offers: Vec<Offer>,
    pub(super) feed: Feed,
    pub(super) handle: DeskHandle,
    thread: JoinHandle<()>,
}

fn start(
    database: &Database,
    clock: &Arc<HandClock>,
    offers: &[Offer],
    feed: &Feed,
) -> (DeskHandle, JoinHandle<()>) {
    let store = SqliteSeats::new(database).unwrap();
    DeskHandle::start(
        Box::new(store),
        clock.clone(),
        RULES,
        offers.to_vec(),
        feed.clone(),
    )
    .unwrap()
}

impl Node {
    pub(super) fn new(offers: &[Offer]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let database = Database::open(dir.path()).unwrap();
        let clock = Arc::new(HandClock::default());
        let feed = Feed::default();
        let (handle, thread) = start(&database, &clock, offers, &feed);
        Self {
            _dir: dir,
            database,
            clock,
            offers: offers.to_vec(),
            feed,
            handle,
            thread,
        }
    }

    /// Ends the desk, in order or by leaving it without a word, and starts another on the same file.
    pub(super) fn restart(self, in_order: bool) -> Self {
        if in_order {
            self.handle.stop();
        }
        drop(self.handle);
        self.thread.join().unwrap();
        let (handle, thread) = start(&self.database, &self.clock, &self.offers, &self.feed);
        Self {
            handle,
            thread,
            ..self
        }
    }

    /// Moves the clock and waits until the desk has seen it.
    pub(super) async fn pass(&self, millis: Millis) {
        self.clock.0.fetch_add(millis, Ordering::SeqCst);
        self.handle.wake();
        self.handle.ask(|_, _, _| ()).await.unwrap();
    }

    /// From now on the state file refuses every write, or none.
    pub(super) fn break_disk(&self, broken: bool) {
        let statement = if broken {
            "CREATE TRIGGER broken BEFORE INSERT ON ledger BEGIN SELECT RAISE(ABORT, 'broken disk'); END"
        } else {
            "DROP TRIGGER broken"
        };
        self.database.connect().unwrap().execute_batch(statement).unwrap();
    }

    /// What is on disk: each session's client and the end of its life.
    fn rows(&self) -> Vec<(String, Millis)> {
        let connection = self.database.connect().unwrap();
        let mut rows = connection
            .prepare("SELECT client_session_id, expires FROM sessions ORDER BY seq")
            .unwrap();
        let rows = rows.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
        rows.collect::<Result<_, _>>().unwrap()
    }

    async fn live(&self) -> usize {
        self.handle.ask(|desk, _, _| desk.ledger.live()).await.unwrap()
    }

    async fn left(&self, client: &'static str) -> Option<Millis> {
        let left = move |desk: &mut Desk, _, time| {
            let session = desk.ledger.find_identity(series("672B"), client)?;
            Some(session.expires - time)
        };
        self.handle.ask(left).await.unwrap()
    }
}

pub(super) async fn take(handle: &DeskHandle, client: &str) -> Result<Result<Taken, Refusal>, DeskError> {
    let fields = session(client);
    handle
        .ask(move |desk, now, time| desk.ledger.take(now, time, fields, "shop", |_| None))
        .await
}

#[tokio::test]
async fn what_is_answered_is_on_disk_already() {
    let node = Node::new(&[main_key(1, 2)]);
    let id = take(&node.handle, "a").await.unwrap().unwrap().session.id;
    take(&node.handle, "b").await.unwrap().unwrap();
    assert_eq!(node.rows(), [("a".into(), LIFE), ("b".into(), LIFE)]);
    let released = node
        .handle
        .ask(move |desk, _, time| desk.ledger.release(time, id, None));
    assert!(matches!(released.await, Ok(Release::Done(_))));
    assert_eq!(node.rows(), [("b".into(), LIFE)]);
}

#[tokio::test]
async fn renewals_and_ends_are_written_though_nobody_asks() {
    let node = Node::new(&[main_key(1, 1)]);
    take(&node.handle, "a").await.unwrap().unwrap();
    node.pass(RENEWAL_LAG - 1).await;
    take(&node.handle, "a").await.unwrap().unwrap();
    assert_eq!(node.rows(), [("a".into(), LIFE)]);
    node.pass(1).await;
    assert_eq!(node.rows(), [("a".into(), LIFE + RENEWAL_LAG - 1)]);
    node.pass(LIFE).await;
    assert_eq!((node.rows().len(), node.live().await), (0, 0));
}

#[tokio::test]
async fn sessions_survive_an_orderly_stop_with_the_life_they_had() {
    let node = Node::new(&[main_key(1, 2)]);
    take(&node.handle, "a").await.unwrap().unwrap();
    node.pass(MINUTE).await;
    take(&node.handle, "b").await.unwrap().unwrap();
    node.pass(1).await;
    take(&node.handle, "a").await.unwrap().unwrap();
    let node = node.restart(true);
    assert_eq!(
        (node.left("a").await, node.left("b").await),
        (Some(LIFE), Some(LIFE - 1))
    );
    let full = take(&node.handle, "c").await.unwrap().unwrap_err();
    assert_eq!(full.reason, Reason::NoFreeSeat);
}

#[tokio::test]
async fn sessions_survive_a_crash_and_a_crash_after_that() {
    let node = Node::new(&[main_key(1, 1)]);
    node.pass(5 * MINUTE).await;
    take(&node.handle, "a").await.unwrap().unwrap();
    node.pass(2 * MINUTE).await;
    let node = node.restart(false);
    assert_eq!(node.left("a").await, Some(LIFE - 2 * MINUTE + MINUTE));
    let node = node.restart(false).restart(true);
    assert_eq!(node.left("a").await, Some(LIFE - 2 * MINUTE + 2 * MINUTE));
    assert_eq!(
        take(&node.handle, "b").await.unwrap().unwrap_err().reason,
        Reason::NoFreeSeat
    );
}

#[tokio::test]
async fn a_clock_that_ran_longer_than_the_ledger_takes_no_life_away() {
    let node = Node::new(&[main_key(1, 1)]);
    take(&node.handle, "a").await.unwrap().unwrap();
    node.clock.0.fetch_add(3 * LIFE, Ordering::SeqCst);
    drop(node.handle);
    node.thread.join().unwrap();
    let (handle, thread) = start(&node.database, &node.clock, &node.offers, &node.feed);
    let node = Node {
        handle,
        thread,
        ..node
    };
    assert_eq!(node.left("a").await, Some(LIFE));
    node.pass(1).await;
    assert_eq!(node.left("a").await, Some(LIFE - 1));
}

#[tokio::test]
async fn where_the_disk_fails_new_seats_are_refused_and_the_rest_goes_on() {
    let node = Node::new(&[main_key(1, 2)]);
    let id = take(&node.handle, "a").await.unwrap().unwrap().session.id;
    node.break_disk(true);
    let new = take(&node.handle, "b").await;
    assert!(matches!(new, Err(DeskError::NotSaved)), "{new:?}");
    assert!(node.handle.health().store_error.unwrap().contains("broken disk"));
    let measures = node.handle.measures();
    assert_eq!(measures.failed_commits.read(), 1);
    let commits: u64 = measures.commits.read().classes.iter().sum();
    assert!(commits > 1, "those that failed and those that did not: {commits}");
    assert!(measures.jobs() >= 2);
    assert_eq!(measures.queue(), 0);
    node.pass(MINUTE).await;
    assert!(!take(&node.handle, "a").await.unwrap().unwrap().new);
    assert_eq!((node.live().await, node.left("a").await), (1, Some(LIFE)));
    node.break_disk(false);
    node.pass(RETRY).await;
    assert_eq!(node.handle.health(), DeskHealth::default());
    assert_eq!(node.rows(), [("a".into(), MINUTE + LIFE)]);
    assert!(take(&node.handle, "b").await.unwrap().unwrap().new);
    node.break_disk(true);
    let released = node
        .handle
        .ask(move |desk, _, time| desk.ledger.release(time, id, None));
    assert!(matches!(released.await, Err(DeskError::NotSaved)));
    node.break_disk(false);
    assert!(
        take(&node.handle, "c").await.unwrap().unwrap().new,
        "works again by being used"
    );
    assert_eq!(node.handle.health(), DeskHealth::default());
}

#[tokio::test]
async fn what_was_refused_for_the_disk_is_not_there_after_a_crash() {
    let node = Node::new(&[main_key(1, 2)]);
    take(&node.handle, "a").await.unwrap().unwrap();
    node.break_disk(true);
    assert!(take(&node.handle, "b").await.is_err());
    node.break_disk(false);
    let node = node.restart(false);
    assert_eq!((node.live().await, node.left("b").await), (1, None));
}

#[test]
fn of_64_that_race_for_the_last_5_seats_5_win() {
    let node = Node::new(&[main_key(1, 3), main_key(2, 2)]);
    let barrier = Barrier::new(64);
    let race = |client: usize| {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        barrier.wait();
        runtime.block_on(take(&node.handle, &format!("client {client}")))
    };
    let wins = std::thread::scope(|scope| {
        let race = &race;
        let racers: Vec<_> = (0..64).map(|client| scope.spawn(move || race(client))).collect();
        let results = racers.into_iter().map(|racer| racer.join().unwrap().unwrap());
        results.flatten().count()
    });
    assert_eq!((wins, node.rows().len()), (5, 5));
}

#[tokio::test]
async fn after_the_stop_nobody_waits_for_an_answer() {
    let node = Node::new(&[main_key(1, 1)]);
    node.handle.stop();
    node.thread.join().unwrap();
    assert!(matches!(take(&node.handle, "a").await, Err(DeskError::Stopped)));
}

#[test]
fn the_desk_never_spins_however_long_ago_something_was_due() {
    let dir = tempfile::tempdir().unwrap();
    let database = Database::open(dir.path()).unwrap();
    let clock = Arc::new(HandClock::default());
    let mut ledger = Ledger::new(RULES.ledger);
    ledger.offer(0, vec![main_key(1, 1)]);
    let mut task = Task {
        desk: Desk {
            ledger,
            connections: Connections::new(RULES.connection_life),
            journal: Journal::default(),
        },
        store: Box::new(SqliteSeats::new(&database).unwrap()),
        receiver: channel().1,
        clock: clock.clone(),
        origin: 0,
        health: Arc::default(),
        saved_at: 0,
        feed: Feed::default(),
        measures: Arc::default(),
        failed_at: None,
    };
    assert_eq!(task.pause(), None, "nothing to do at all");
    task.desk
        .ledger
        .take(at(0), 0, session("a"), "shop", |_| None)
        .unwrap();
    assert_eq!(task.pause(), Some(Duration::from_millis(TIME_LAG)));
    task.failed_at = Some(0);
    assert_eq!(task.pause(), Some(Duration::from_millis(RETRY)));
    clock.0.store(9 * LIFE, Ordering::SeqCst);
    assert_eq!(task.pause(), Some(Duration::from_millis(TICK)));
    task.serve(Vec::new());
    assert_eq!(task.failed_at, None);
    // Left is the slot of the history in which the session was: it is written once, at its end.
    let rest = task.pause().unwrap();
    assert!(rest > Duration::from_secs(1) && rest <= Duration::from_millis(SLOT.unsigned_abs()));
    clock
        .0
        .fetch_add(u64::try_from(rest.as_millis()).unwrap(), Ordering::SeqCst);
    task.serve(Vec::new());
    assert_eq!(task.pause(), None, "all of it was done");
}

#[tokio::test]
async fn new_keys_count_for_whoever_has_read_of_them_and_not_before_that() {
    let node = Node::new(&[]);
    let mut asked = None;
    let began = std::time::Instant::now();
    node.handle.offer(vec![main_key(1, 3)], || {
        // Asked while the keys are being published, with time for an answer that comes too early.
        let seats = asked.insert(Box::pin(node.handle.ask(|desk, _, _| desk.ledger.totals().0)));
        while began.elapsed().as_millis() < 50 {
            let early = seats.as_mut().now_or_never();
            assert!(early.is_none(), "the desk went on before the keys were published");
        }
    });
    assert_eq!(asked.unwrap().await.unwrap(), 3);
}
