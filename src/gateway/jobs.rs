//! The one runner of jobs: renewals, polls and repeats, each at its time, whatever was restarted in between.

use std::collections::HashSet;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;

use crate::licence::Timestamp;
use crate::store::GatewayJob;

use super::gateway::Gateway;
use super::state::Changes;

/// Longest sleep while a job waits: clocks may be set, and tests move theirs.
const TICK: Duration = Duration::from_secs(2);

/// Least time between two runs of a job whose end cannot be kept.
const HOLD: i64 = 60_000;

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

/// Jobs that run now.
type Running = Arc<Mutex<HashSet<(String, String)>>>;

/// Runs jobs until it is dropped. It sleeps without waking while there are none.
pub(super) async fn run(gateway: Arc<Gateway>) {
    let running = Running::default();
    loop {
        let waiting = match gateway.shared.state.jobs() {
            Ok(jobs) => start_due(&gateway, &running, jobs),
            Err(error) => {
                tracing::error!(%error, "the gateway's jobs cannot be read");
                Some(HOLD)
            }
        };
        let sleep = waiting.map(|millis| Duration::from_millis(u64::try_from(millis).unwrap_or(0)).min(TICK));
        tokio::select! {
            () = gateway.shared.wake.notified() => {}
            () = async { tokio::time::sleep(sleep.unwrap_or_default()).await }, if sleep.is_some() => {}
        }
    }
}

/// Starts what is due; milliseconds until the next is, where any waits.
fn start_due(gateway: &Arc<Gateway>, running: &Running, jobs: Vec<GatewayJob>) -> Option<i64> {
    let now = gateway.shared.now();
    let mut waiting = None;
    for job in jobs {
        let about = (job.kind.clone(), job.name.clone());
        let mut taken = running.lock().unwrap_or_else(PoisonError::into_inner);
        if taken.contains(&about) {
            continue;
        }
        if job.due > now {
            waiting = Some(job.due.millis() - now.millis());
            break;
        }
        taken.insert(about.clone());
        drop(taken);
        let (gateway, running) = (gateway.clone(), running.clone());
        tokio::spawn(async move {
            let worked = AssertUnwindSafe(gateway.work(&job)).catch_unwind().await;
            let next = worked.unwrap_or_else(|_| {
                tracing::error!(kind = job.kind, name = job.name, "a job ended in a panic");
                Next::At(gateway.shared.now().plus(HOLD))
            });
            let kind = job.kind.clone();
            let end = match next {
                Next::Done => Changes::new().end(job, None),
                Next::At(due) => Changes::new().end(job, Some(due)),
                Next::Planned => Changes::new(),
            };
            if let Err(error) = gateway.shared.state.commit(end) {
                tracing::error!(%error, kind, "a job's end could not be kept");
                tokio::time::sleep(Duration::from_millis(HOLD.unsigned_abs())).await;
            }
            running
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .remove(&about);
            gateway.shared.wake.notify_one();
        });
    }
    waiting
}
