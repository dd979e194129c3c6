//! The one runner of jobs: renewals, polls and repeats, each at its time, whatever was restarted in between.

#[cfg(test)]
#[path = "jobs_tests.rs"]
mod tests;

use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;
use tokio::sync::Notify;

use crate::licence::Timestamp;
use crate::store::GatewayJob;

use super::gateway::Gateway;
use super::state::{Changes, StateError};

/// Longest sleep while a job waits: the clock may be set meanwhile.
const TICK: Duration = Duration::from_secs(30);

/// A clock that goes back by more was set, in milliseconds: what was planned by it is looked at anew.
const SET_BACK: i64 = 60_000;

/// Least time between two runs of a job whose end cannot be kept, or that ended in a panic.
const HOLD: i64 = 60_000;

/// Least time between two runs of any job that does not plan itself.
const LEAST: i64 = 1_000;

/// What a job wants next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// Nothing, unless it was planned anew meanwhile.
    Done,
    /// To run again then, unless it was planned anew meanwhile.
    At(Timestamp),
    /// It has planned what it wants itself, together with its record.
    Planned,
    /// To wait until then as it is, unless it is planned anew, or what it may wait for changes: nothing is written. In another run
    /// of the node it is due at once.
    Wait(Timestamp),
}

/// Who has jobs, and does them.
pub(super) trait Workshop: Send + Sync + 'static {
    /// All jobs, the most urgent first.
    fn jobs(&self) -> Result<Vec<GatewayJob>, StateError>;

    /// Does one that is due.
    fn work(&self, job: &GatewayJob) -> impl Future<Output = Next> + Send;

    /// Keeps how it ended.
    fn keep(&self, end: Changes) -> Result<(), StateError>;

    fn now(&self) -> Timestamp;

    /// Another number after each change of what a job may wait for.
    fn stirred(&self) -> u64;

    /// Jobs have changed, or the time.
    fn woken(&self) -> &Notify;
}

impl Workshop for Gateway {
    fn jobs(&self) -> Result<Vec<GatewayJob>, StateError> {
        self.shared.state.jobs()
    }

    async fn work(&self, job: &GatewayJob) -> Next {
        self.work(job).await
    }

    fn keep(&self, end: Changes) -> Result<(), StateError> {
        self.shared.state.commit(end)
    }

    fn now(&self) -> Timestamp {
        self.shared.now()
    }

    fn stirred(&self) -> u64 {
        self.shared.stirred()
    }

    fn woken(&self) -> &Notify {
        &self.shared.wake
    }
}

/// A job that is not to be begun now.
enum Busy {
    /// It runs.
    Runs,
    /// It waits, as it was planned then.
    Waits {
        /// When it was planned for.
        due: Timestamp,
        /// When it began to wait.
        since: Timestamp,
        /// What [`Workshop::stirred`] said before it was begun.
        stirred: u64,
        until: Timestamp,
    },
}

/// Those jobs.
type Occupied = Arc<Mutex<HashMap<(String, String), Busy>>>;

/// Runs jobs until it is dropped. It sleeps without waking while there are none.
pub(super) async fn run<W: Workshop>(shop: Arc<W>) {
    let (occupied, mut last) = (Occupied::default(), shop.now());
    loop {
        let now = shop.now();
        let set_back = now.plus(SET_BACK) < last;
        last = now;
        let sleep = match shop.jobs() {
            Ok(jobs) => {
                let jobs = jobs.into_iter();
                // What was planned by another clock is not hours late: whoever does it knows when it is time.
                let jobs = jobs.map(|job| (if set_back { job.due.min(now) } else { job.due }, job));
                start_due(&shop, &occupied, jobs, now).map(|millis| millis_of(millis).min(TICK))
            }
            Err(error) => {
                tracing::error!(%error, "the gateway's jobs cannot be read");
                Some(millis_of(HOLD))
            }
        };
        tokio::select! {
            () = shop.woken().notified() => {}
            () = async { tokio::time::sleep(sleep.unwrap_or_default()).await }, if sleep.is_some() => {}
        }
    }
}

fn millis_of(millis: i64) -> Duration {
    Duration::from_millis(u64::try_from(millis).unwrap_or(0))
}

/// Starts what is due; milliseconds until the next is, where any waits.
fn start_due<W: Workshop>(
    shop: &Arc<W>,
    occupied: &Occupied,
    jobs: impl Iterator<Item = (Timestamp, GatewayJob)>,
    now: Timestamp,
) -> Option<i64> {
    let mut next: Option<i64> = None;
    for (due, job) in jobs {
        let about = (job.kind.clone(), job.name.clone());
        let mut taken = lock(occupied);
        let from = match taken.get(&about) {
            Some(Busy::Runs) => continue,
            Some(Busy::Waits {
                due: planned,
                since,
                stirred,
                until,
            }) if *planned == job.due && *since <= now && *stirred == shop.stirred() => *until,
            _ => due,
        };
        if from > now {
            let left = from.millis() - now.millis();
            next = Some(next.map_or(left, |next| next.min(left)));
            continue;
        }
        taken.insert(about.clone(), Busy::Runs);
        drop(taken);
        let (shop, occupied) = (shop.clone(), occupied.clone());
        tokio::spawn(async move {
            match do_one(&*shop, job).await {
                None => lock(&occupied).remove(&about),
                Some(waits) => lock(&occupied).insert(about, waits),
            };
            shop.woken().notify_one();
        });
    }
    next
}

fn lock(occupied: &Occupied) -> MutexGuard<'_, HashMap<(String, String), Busy>> {
    occupied.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Does one job and keeps how it ended; with what it waits for.
async fn do_one<W: Workshop>(shop: &W, job: GatewayJob) -> Option<Busy> {
    let stirred = shop.stirred();
    let worked = AssertUnwindSafe(shop.work(&job)).catch_unwind().await;
    let (kind, now) = (job.kind.clone(), shop.now());
    let later = match worked {
        Ok(Next::Done) => None,
        // Never at once: what goes wrong at once does so again.
        Ok(Next::At(due)) => Some(due.max(now.plus(LEAST))),
        // Where it has not, it would be due still.
        Ok(Next::Planned) => Some(now.plus(HOLD)),
        Ok(Next::Wait(until)) => {
            return Some(Busy::Waits {
                due: job.due,
                since: now,
                stirred,
                until: until.max(now.plus(LEAST)),
            });
        }
        Err(_) => {
            tracing::error!(kind, name = job.name, "a job ended in a panic");
            Some(now.plus(HOLD))
        }
    };
    if later == Some(job.due) {
        return None;
    }
    if let Err(error) = shop.keep(Changes::new().end(job, later)) {
        tracing::error!(%error, kind, "a job's end could not be kept");
        tokio::time::sleep(millis_of(HOLD)).await;
    }
    None
}
