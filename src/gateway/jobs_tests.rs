//! The runner over a state file, with jobs that a test does by hand. Time is the runtime's own, which stands still until
//! nothing else can happen.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicI64, AtomicU64, AtomicUsize, Ordering};

use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};

use super::*;
use crate::store::{Database, GatewayRecords, StoreError};
use crate::tokens::TokensHandle;

use super::super::state::State;
use super::super::vault::{Place, Vault};

/// What a job does when it runs.
enum Act {
    Ends(Next),
    Plans(i64),
    Hangs,
    Panics,
}

struct Shop {
    state: State,
    began: Instant,
    woken: Notify,
    /// Changes of what jobs wait for.
    stirred: AtomicU64,
    /// The clock was set by so much.
    set: AtomicI64,
    /// Ends that were kept.
    kept: AtomicUsize,
    /// What runs do, by name; a job without any is done.
    acts: Mutex<Vec<(String, VecDeque<Act>)>>,
    /// Which ran, and when.
    ran: Mutex<Vec<(String, i64)>>,
    /// How often the jobs were looked at.
    looks: AtomicUsize,
    /// So many ends cannot be kept.
    full: AtomicUsize,
}

impl Workshop for Shop {
    fn jobs(&self) -> Result<Vec<GatewayJob>, StateError> {
        self.looks.fetch_add(1, Ordering::SeqCst);
        self.state.jobs()
    }

    async fn work(&self, job: &GatewayJob) -> Next {
        self.ran
            .lock()
            .unwrap()
            .push((job.name.clone(), self.now().millis()));
        let act = {
            let mut acts = self.acts.lock().unwrap();
            let own = acts.iter_mut().find(|(name, _)| *name == job.name);
            own.and_then(|(_, acts)| acts.pop_front())
        };
        match act {
            None => Next::Done,
            Some(Act::Ends(next)) => next,
            Some(Act::Plans(due)) => {
                self.plan(&job.name, due);
                Next::Planned
            }
            Some(Act::Hangs) => std::future::pending().await,
            Some(Act::Panics) => panic!("as it is told"),
        }
    }

    fn keep(&self, end: Changes) -> Result<(), StateError> {
        if self.full.load(Ordering::SeqCst) > 0 {
            self.full.fetch_sub(1, Ordering::SeqCst);
            return Err(StateError::Store(full()));
        }
        self.kept.fetch_add(1, Ordering::SeqCst);
        self.state.commit(end)
    }

    fn now(&self) -> Timestamp {
        let passed = i64::try_from(self.began.elapsed().as_millis()).unwrap();
        Timestamp::from_millis(passed + self.set.load(Ordering::SeqCst))
    }

    fn stirred(&self) -> u64 {
        self.stirred.load(Ordering::SeqCst)
    }

    fn woken(&self) -> &Notify {
        &self.woken
    }
}

/// Some error of a state file.
fn full() -> StoreError {
    let nowhere = std::path::Path::new("/nowhere/at/all");
    Database::open(nowhere)
        .and_then(|database| GatewayRecords::open(&database))
        .err()
        .unwrap()
}

impl Shop {
    fn plan(&self, name: &str, due: i64) {
        let changes = Changes::new().plan("job", name, Timestamp::from_millis(due));
        self.state.commit(changes).unwrap();
    }

    fn act(&self, name: &str, acts: impl IntoIterator<Item = Act>) {
        let acts = acts.into_iter().collect();
        self.acts.lock().unwrap().push((name.into(), acts));
    }

    fn ran(&self) -> Vec<(String, i64)> {
        self.ran.lock().unwrap().clone()
    }

    fn names(&self) -> Vec<String> {
        self.ran().into_iter().map(|(name, _)| name).collect()
    }
}

struct World {
    dir: TempDir,
    shop: Arc<Shop>,
}

impl World {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let shop = shop(&dir);
        Self { dir, shop }
    }

    fn run(&self) -> JoinHandle<()> {
        tokio::spawn(run(self.shop.clone()))
    }
}

fn shop(dir: &TempDir) -> Arc<Shop> {
    let records = GatewayRecords::open(&Database::open(dir.path()).unwrap()).unwrap();
    let place = Place::new(dir.path(), &crate::settings::Gateway::default());
    Arc::new(Shop {
        state: State::new(records, Vault::new(place, TokensHandle::default())),
        began: Instant::now(),
        woken: Notify::new(),
        stirred: AtomicU64::new(0),
        set: AtomicI64::new(0),
        kept: AtomicUsize::new(0),
        acts: Mutex::default(),
        ran: Mutex::default(),
        looks: AtomicUsize::new(0),
        full: AtomicUsize::new(0),
    })
}

/// Lets so many milliseconds pass.
async fn pass(millis: u64) {
    tokio::time::sleep(Duration::from_millis(millis)).await;
}

#[tokio::test(start_paused = true)]
async fn jobs_run_when_they_are_due_the_most_urgent_first_and_once() {
    let world = World::new();
    for (name, due) in [
        ("third", 5_000),
        ("second", -1),
        ("first", -2),
        ("late", 3_600_000),
    ] {
        world.shop.plan(name, due);
    }
    let runner = world.run();
    pass(10).await;
    assert_eq!(world.shop.names(), ["first", "second"]);
    pass(10_000).await;
    let (name, at) = world.shop.ran().pop().unwrap();
    assert_eq!((name.as_str(), at), ("third", 5_000));
    // One that comes in between, earlier than what is waited for.
    world.shop.plan("new", 11_000);
    world.shop.woken.notify_one();
    pass(10_000).await;
    assert_eq!(world.shop.ran().pop().unwrap(), ("new".into(), 11_000));
    assert_eq!(world.shop.state.jobs().unwrap().len(), 1);
    runner.abort();
}

#[tokio::test(start_paused = true)]
async fn jobs_go_on_after_a_restart_those_in_the_middle_too() {
    let world = World::new();
    world.shop.act("hangs", [Act::Hangs]);
    world.shop.plan("hangs", 0);
    world.shop.plan("later", 50_000);
    let runner = world.run();
    pass(1_000).await;
    runner.abort();
    let _ = runner.await;
    assert_eq!(world.shop.names(), ["hangs"]);

    let again = shop(&world.dir);
    let _runner = tokio::spawn(run(again.clone()));
    pass(100_000).await;
    assert_eq!(again.names(), ["hangs", "later"]);
    assert_eq!(again.state.jobs().unwrap(), []);
}

#[tokio::test(start_paused = true)]
async fn a_slow_job_holds_up_no_other_and_is_not_begun_twice() {
    let world = World::new();
    world.shop.act("slow", [Act::Hangs, Act::Hangs]);
    world.shop.act("often", (1..=10).map(|at| Act::Plans(at * 1_000)));
    world.shop.plan("slow", 0);
    world.shop.plan("often", 0);
    let _runner = world.run();
    pass(60_000).await;
    let ran = world.shop.names();
    assert_eq!(ran.iter().filter(|name| *name == "slow").count(), 1);
    assert_eq!(ran.iter().filter(|name| *name == "often").count(), 11);
}

#[tokio::test(start_paused = true)]
async fn a_job_whose_end_cannot_be_kept_or_that_panics_runs_again_after_a_while() {
    let world = World::new();
    world.shop.act("panics", [Act::Panics]);
    world.shop.plan("panics", 0);
    world.shop.plan("unkept", 0);
    world.shop.full.store(1, Ordering::SeqCst);
    // The first of the two whose end is kept.
    let _runner = world.run();
    pass(HOLD.unsigned_abs() - 1_000).await;
    assert_eq!(world.shop.ran().len(), 2);
    pass(3 * HOLD.unsigned_abs()).await;
    let ran = world.shop.names();
    assert!(ran.len() > 2 && ran.contains(&"panics".to_owned()), "{ran:?}");
    assert_eq!(world.shop.state.jobs().unwrap(), []);
    let least = world.shop.ran()[2].1;
    assert!(least >= HOLD, "{least}");
}

#[tokio::test(start_paused = true)]
async fn a_job_that_is_due_again_at_once_does_not_spin() {
    let world = World::new();
    let at_once = || Act::Ends(Next::At(Timestamp::from_millis(0)));
    let unplanned = || Act::Ends(Next::Planned);
    world.shop.act("again", (0..1_000).map(|_| at_once()));
    world.shop.act("forgets", (0..1_000).map(|_| unplanned()));
    world.shop.plan("again", 0);
    world.shop.plan("forgets", 0);
    let _runner = world.run();
    pass(10_500).await;
    let ran = world.shop.names();
    assert_eq!(ran.iter().filter(|name| *name == "again").count(), 11);
    assert_eq!(ran.iter().filter(|name| *name == "forgets").count(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_job_that_is_planned_anew_while_it_runs_is_not_lost() {
    let world = World::new();
    let (shop, shared) = (world.shop.clone(), world.shop.clone());
    shop.plan("one", 0);
    let job = shop.state.jobs().unwrap().remove(0);
    shared.plan("one", 7_000);
    shop.keep(Changes::new().end(job, None)).unwrap();
    assert_eq!(shop.state.jobs().unwrap()[0].due, Timestamp::from_millis(7_000));
}

#[tokio::test(start_paused = true)]
async fn without_jobs_nothing_wakes_the_runner() {
    let world = World::new();
    let runner = world.run();
    pass(24 * 3_600_000).await;
    assert_eq!(world.shop.looks.load(Ordering::SeqCst), 1);
    world.shop.plan("one", 0);
    world.shop.woken.notify_one();
    pass(10).await;
    assert_eq!(world.shop.names(), ["one"]);
    // The look that found it, the one after it, and nothing from then on.
    let looks = world.shop.looks.load(Ordering::SeqCst);
    pass(24 * 3_600_000).await;
    assert_eq!(world.shop.looks.load(Ordering::SeqCst), looks);
    // Nobody ended it.
    assert!(timeout(Duration::from_secs(1), runner).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn a_job_that_waits_is_written_no_more_and_goes_on_when_something_changes() {
    let world = World::new();
    let shop = world.shop.clone();
    let wait = || Act::Ends(Next::Wait(shop.now().plus(60_000)));
    shop.act(
        "key",
        [wait(), Act::Ends(Next::Wait(Timestamp::from_millis(120_000)))],
    );
    shop.plan("key", 0);
    let _runner = world.run();
    pass(59_000).await;
    assert_eq!(shop.ran().len(), 1);
    pass(2_000).await;
    assert_eq!(shop.ran().len(), 2);
    assert_eq!(shop.kept.load(Ordering::SeqCst), 0);
    shop.stirred.fetch_add(1, Ordering::SeqCst);
    shop.woken.notify_one();
    pass(10).await;
    assert_eq!((shop.ran().len(), shop.state.jobs().unwrap()), (3, vec![]));
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_is_set_is_seen_soon_and_holds_up_nothing() {
    let world = World::new();
    let shop = world.shop.clone();
    let hour = 3_600_000;
    shop.set.store(10 * hour, Ordering::SeqCst);
    shop.act("late", [Act::Ends(Next::At(Timestamp::from_millis(7 * hour)))]);
    shop.plan("late", 11 * hour);
    let _runner = world.run();
    pass(20_000).await;
    // Five hours back: what is due by the old clock may be due by the new one.
    shop.set.store(5 * hour, Ordering::SeqCst);
    pass(31_000).await;
    assert_eq!(shop.names(), ["late"]);
    // A minute is no matter.
    shop.set.store(5 * hour - 10_000, Ordering::SeqCst);
    pass(31_000).await;
    assert_eq!(shop.names(), ["late"]);
    // Ahead, past what it is planned for now.
    shop.set.store(8 * hour, Ordering::SeqCst);
    pass(31_000).await;
    assert_eq!(shop.names(), ["late", "late"]);
}

#[tokio::test(start_paused = true)]
async fn a_job_that_is_far_off_is_looked_at_seldom() {
    let world = World::new();
    world.shop.plan("late", 9 * 3_600_000);
    let _runner = world.run();
    pass(3_600_000).await;
    let looks = world.shop.looks.load(Ordering::SeqCst);
    assert!(looks <= 121, "{looks}");
}
