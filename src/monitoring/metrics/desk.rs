//! Figures of the desk: seats by series, sessions, connections, refusals, its queue and its commits.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::licence::KeyId;
use crate::seats::{Reason, Totals};

use super::super::Monitoring;
use super::text::Page;

/// A desk that does not answer within this time is passed over; /health says so.
const PATIENCE: Duration = Duration::from_secs(2);

/// Series that no key is here of: clients name them, so they have no label of their own.
const OTHER: &str = "other";

/// The desk's totals; none where it does not answer.
pub(super) async fn totals(monitoring: &Monitoring) -> Option<Totals> {
    let totals = monitoring.api.desk.ask(|desk, _, time| desk.totals(time));
    let totals = tokio::time::timeout(PATIENCE, totals).await;
    totals.ok().and_then(Result::ok)
}

pub(super) fn tell(page: &mut Page, monitoring: &Monitoring, totals: Option<&Totals>) {
    seats(page, totals);
    refusals(page, totals);

    let measures = monitoring.api.desk.measures();
    page.gauge("keynode_desk_queue", "Jobs that wait for the desk.")
        .is(measures.queue());
    page.counter("keynode_desk_jobs_total", "Jobs that the desk has done.")
        .is(measures.jobs());
    page.times(
        "keynode_store_commit_seconds",
        "Time that a commit of the desk into the state file takes.",
    )
    .noted(&[], &measures.commits.read());
    page.counter(
        "keynode_store_commit_failures_total",
        "Commits of the desk that failed.",
    )
    .is(measures.failed_commits.read());
}

fn seats(page: &mut Page, totals: Option<&Totals>) {
    let series = totals.map(|totals| &*totals.series).unwrap_or_default();
    let mut family = page.gauge("keynode_seats", "Seats of the enabled keys of a series.");
    for one in series {
        family.sample(&[("series", one.key_id.as_str())], one.seats);
    }
    let mut family = page.gauge(
        "keynode_seats_used",
        "Seats of a series that are taken, also those of missing keys.",
    );
    for one in series {
        family.sample(&[("series", one.key_id.as_str())], one.used);
    }
    let mut family = page.gauge("keynode_sessions", "Sessions that hold a seat.");
    if let Some(totals) = totals {
        family.is(totals.used);
    }
    let mut family = page.gauge("keynode_connections", "Connections that are alive.");
    if let Some(totals) = totals {
        family.is(totals.connections);
    }
}

fn refusals(page: &mut Page, totals: Option<&Totals>) {
    let mut family = page.counter(
        "keynode_seats_refused_total",
        "Seats that were asked for in vain, by series and the API's word for the reason.",
    );
    let Some(totals) = totals else {
        return;
    };
    let mut unknown = 0;
    let mut counts = BTreeMap::<(KeyId, &str), u64>::new();
    for (key_id, reason, count) in &totals.refusals {
        match reason {
            Reason::UnknownSeries => unknown += count,
            Reason::NoFreeSeat | Reason::NotWorkable => {
                counts.insert((*key_id, reason.name()), *count);
            }
        }
    }
    // What may happen starts at 0, so that the first time is seen as a rise.
    let known: BTreeSet<KeyId> = totals.series.iter().map(|one| one.key_id).collect();
    for key_id in known {
        for reason in [Reason::NoFreeSeat, Reason::NotWorkable] {
            counts.entry((key_id, reason.name())).or_default();
        }
    }
    for ((key_id, reason), count) in counts {
        family.sample(&[("series", key_id.as_str()), ("reason", reason)], count);
    }
    family.sample(
        &[("series", OTHER), ("reason", Reason::UnknownSeries.name())],
        unknown,
    );
}
