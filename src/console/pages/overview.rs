//! The first page: how the node is, what troubles it, and each series with its keys and seats.

use std::collections::BTreeMap;

use askama::Template;
use serde_json::Value;

use crate::api::HealthReport;
use crate::console::markup::Markup;
use crate::console::row::Row;
use crate::console::visit::{Outcome, Trouble, View, Visit};
use crate::console::words::Words;
use crate::seats::{Reason, Totals};

use super::health::{self, Part, parts};
use super::{Page, causes, keys, no_form, usage};

/// The page.
pub(super) const PAGE: Page = Page {
    name: "",
    title: "overview.title",
    words: include_str!("../words/overview.toml"),
    topics: health::PAGE.topics,
    for_admins: false,
    show: |visit| Box::pin(show(visit)),
    act: no_form,
};

/// What is known of a series.
#[derive(Default)]
struct Series {
    name: String,
    product: String,
    keys: usize,
    working: usize,
    seats: u64,
    used: u64,
    refused: u64,
    /// Of the key that ends first; none: no key ends.
    days_left: Option<i64>,
}

impl Series {
    fn free(&self) -> u64 {
        self.seats.saturating_sub(self.used)
    }

    /// All seats are taken, or more of them than there are.
    fn is_full(&self) -> bool {
        self.seats > 0 && self.used >= self.seats
    }

    fn ends_soon(&self) -> bool {
        self.days_left.is_some_and(|days| days <= 30)
    }
}

/// Something that somebody should look at.
struct Complaint {
    /// `bad` or `warn`.
    class: &'static str,
    said: String,
    detail: String,
    /// HTML's code of the language of the detail.
    language: &'static str,
    link: String,
}

#[derive(Template)]
#[template(path = "overview.html")]
struct Overview<'a> {
    w: Words,
    series: &'a [Series],
    complaints: &'a [Complaint],
    health: &'a HealthReport,
    started: Markup,
}

async fn show(visit: Visit) -> Outcome {
    if !visit.rest.is_empty() {
        return Err(Trouble::NotFound);
    }
    let w = visit.words;
    let health = visit.console.report().await;
    let rows = visit.list("/api/licences").await?;
    let totals = visit
        .console
        .api
        .desk
        .ask(|desk, _, time| desk.totals(time))
        .await;
    let series = series(&rows, &totals.unwrap_or_default());
    let complaints = complaints(&visit, &health, &rows, &series);
    let summary = match (health.healthy, complaints.is_empty()) {
        (false, _) => w.t("overview.unhealthy").to_owned(),
        (true, false) => w.with("overview.complaints-count", complaints.len()),
        (true, true) => w.t("overview.well").to_owned(),
    };
    let below = if visit.live_only {
        Markup::default()
    } else {
        usage::section(&visit, "/console/").await
    };
    let overview = Overview {
        w,
        series: &series,
        complaints: &complaints,
        health: &health,
        started: w.time(&health.started.to_string()),
    };
    Ok(View {
        title: w.t("overview.title").to_owned(),
        summary,
        live: Markup::of(&overview),
        plot: true,
        below,
        ..View::default()
    }
    .into())
}

fn series(rows: &[Value], totals: &Totals) -> Vec<Series> {
    let mut all: BTreeMap<String, Series> = BTreeMap::new();
    let mut of = |name: String, change: &dyn Fn(&mut Series)| {
        let series = all.entry(name.clone()).or_insert_with(|| Series {
            name,
            ..Series::default()
        });
        change(series);
    };
    for row in rows.iter().filter(|row| !row.text("KeyID").is_empty()) {
        of(row.text("KeyID"), &|series| {
            series.keys += 1;
            if series.product.is_empty() {
                series.product = row.text("ProductName");
            }
            if row.truth("Enabled") {
                series.working += 1;
                let ends = row.get("DaysLeft").and_then(Value::as_i64);
                series.days_left = [series.days_left, ends].into_iter().flatten().min();
            }
        });
    }
    for own in &totals.series {
        of(own.key_id.to_string(), &|series| {
            (series.seats, series.used) = (own.seats, own.used);
        });
    }
    for (key_id, reason, count) in &totals.refusals {
        // Of a series that nobody has there is nothing to show but that somebody asks for it.
        if *count > 0 && *reason != Reason::UnknownSeries {
            of(key_id.to_string(), &|series| series.refused += count);
        }
    }
    all.into_values().collect()
}

/// Everything that somebody should look at, the worst first.
fn complaints(visit: &Visit, health: &HealthReport, rows: &[Value], series: &[Series]) -> Vec<Complaint> {
    let w = visit.words;
    let mut all = Vec::new();
    for part in parts(w, health).into_iter().filter(Part::is_bad) {
        all.push(Complaint {
            class: if part.matters { "bad" } else { "warn" },
            said: part.name,
            detail: part.state,
            language: "en",
            link: "/console/health".into(),
        });
    }
    let causes = keys::causes_of(visit);
    for row in rows
        .iter()
        .filter(|row| !row.truth("Enabled") && !row.truth("IsBlank"))
    {
        let number = row.text("KeyNo");
        let (detail, language) = causes::said(w, &keys::cause(&causes, row));
        all.push(Complaint {
            class: if row.truth("Workable") { "warn" } else { "bad" },
            said: w.with("overview.key-without-seats", &number),
            detail,
            language,
            link: format!("/console/keys/{number}"),
        });
    }
    for one in series.iter().filter(|one| one.is_full()) {
        all.push(Complaint {
            class: "warn",
            said: w.with("overview.no-free-seats", &one.name),
            detail: String::new(),
            language: w.code(),
            link: "/console/sessions".into(),
        });
    }
    for one in &health.ending {
        all.push(Complaint {
            class: "warn",
            said: w
                .with("overview.ends", one.key_no)
                .replacen("{}", &one.days_left.to_string(), 1),
            detail: String::new(),
            language: w.code(),
            link: format!("/console/keys/{}", one.key_no),
        });
    }
    all.sort_by_key(|complaint| complaint.class != "bad");
    all
}
