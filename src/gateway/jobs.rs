//! The one runner of jobs: renewals, polls and repeats, each at its time, whatever was restarted in between.

#[cfg(test)]
#[path = "jobs_tests.rs"]
mod tests;

use std::collections::HashSet;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;
use tokio::sync::Notify;

use crate::licence::Timestamp;
use crate::store::GatewayJob;

use super::gateway::Gateway;
use super::state::{Changes, StateError};

/// Longest sleep while a job waits: clocks may be set, and tests move theirs.
const TICK: Duration = Duration::from_secs(2);

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

    fn woken(&self) -> &Notify {
        &self.shared.wake
    }
}

/// Jobs that run now.
type Running = Arc<Mutex<HashSet<(String, String)>>>;

/// Runs jobs until it is dropped. It sleeps without waking while there are none.
pub(super) async fn run<W: Workshop>(shop: Arc<W>) {
    let running = Running::default();
    loop {
        let sleep = match shop.jobs() {
            Ok(jobs) => start_due(&shop, &running, jobs).map(|millis| millis_of(millis).min(TICK)),
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
fn start_due<W: Workshop>(shop: &Arc<W>, running: &Running, jobs: Vec<GatewayJob>) -> Option<i64> {
    let now = shop.now();
    for job in jobs {
        let about = (job.kind.clone(), job.name.clone());
        let mut taken = running.lock().unwrap_or_else(PoisonError::into_inner);
        if taken.contains(&about) {
            continue;
        }
        if job.due > now {
            return Some(job.due.millis() - now.millis());
        }
        taken.insert(about.clone());
        drop(taken);
        let (shop, running) = (shop.clone(), running.clone());
        tokio::spawn(async move {
            do_one(&*shop, job).await;
            running
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .remove(&about);
            shop.woken().notify_one();
        });
    }
    None
}

/// Does one job and keeps how it ended.
async fn do_one<W: Workshop>(shop: &W, job: GatewayJob) {
    let worked = AssertUnwindSafe(shop.work(&job)).catch_unwind().await;
    let (kind, now) = (job.kind.clone(), shop.now());
    let later = match worked {
        Ok(Next::Done) => None,
        // Never at once: what goes wrong at once does so again.
        Ok(Next::At(due)) => Some(due.max(now.plus(LEAST))),
        // Where it has not, it would be due still.
        Ok(Next::Planned) => Some(now.plus(HOLD)),
        Err(_) => {
            tracing::error!(kind, name = job.name, "a job ended in a panic");
            Some(now.plus(HOLD))
        }
    };
    if let Err(error) = shop.keep(Changes::new().end(job, later)) {
        tracing::error!(%error, kind, "a job's end could not be kept");
        tokio::time::sleep(millis_of(HOLD)).await;
    }
}
