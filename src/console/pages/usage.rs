//! Use over time: the seats of a series over the last day, week or year, as a plot and as a table.

use actix_web::http::Method;
use askama::Template;
use serde_json::{Value, json};

use crate::console::grid::{Cell, Grid};
use crate::console::markup::Markup;
use crate::console::params::{Params, encode};
use crate::console::row::Row;
use crate::console::visit::{Outcome, Shown, Trouble, View, Visit};
use crate::console::words::Words;
use crate::licence::Timestamp;
use crate::seats::Period;

use super::{Page, no_form};

/// The page.
pub(super) const PAGE: Page = Page {
    name: "usage",
    title: "usage.title",
    words: include_str!("../words/usage.toml"),
    topics: &[],
    for_admins: false,
    show: |visit| Box::pin(show(visit)),
    act: no_form,
};

/// What the plot is drawn from.
pub(super) const DATA: Page = Page {
    name: "usage.json",
    title: "",
    words: "",
    topics: &[],
    for_admins: false,
    show: |visit| Box::pin(data(visit)),
    act: no_form,
};

/// The history of all series over a period, and which of them is looked at.
struct Look {
    period: Period,
    /// For each series the most seats that were taken at once, seats on offer now, refusals.
    series: Vec<(String, i64, i64, i64)>,
    chosen: String,
    /// Slots of the chosen series.
    slots: Vec<Value>,
}

impl Look {
    /// What the query names; else the day, and the series of which the most seats were taken.
    async fn new(visit: &Visit) -> Result<Self, Trouble> {
        let query = &visit.query;
        let period = Period::parse(query.get("period")).unwrap_or(Period::Day);
        let target = format!("/api/usage?Period={}", period.name());
        let mut body = visit.call(Method::GET, &target, &Value::Null).await?;
        let rows = match body.get_mut("Usage").map(Value::take) {
            Some(Value::Array(rows)) => rows,
            _ => Vec::new(),
        };
        let mut series: Vec<(String, i64, i64, i64)> = Vec::new();
        for row in &rows {
            let id = row.text("KeyID");
            if series.last().is_none_or(|last| last.0 != id) {
                series.push((id, 0, 0, 0));
            }
            if let Some((_, peak, seats, refused)) = series.last_mut() {
                *peak = row.number("Used").max(*peak);
                *seats = row.number("Seats");
                *refused += row.number("Refused");
            }
        }
        let named = series.iter().find(|(id, ..)| id == query.get("series"));
        let busiest = series.iter().rev().max_by_key(|(_, peak, ..)| *peak);
        let chosen = named.or(busiest).map(|(id, ..)| id.clone()).unwrap_or_default();
        let slots = rows.into_iter().filter(|row| row.text("KeyID") == chosen);
        Ok(Self {
            slots: slots.collect(),
            period,
            series,
            chosen,
        })
    }
}

/// Where the page is.
const HERE: &str = "/console/usage";

struct Link {
    to: String,
    title: &'static str,
    here: bool,
}

#[derive(Template)]
#[template(path = "usage_plot.html")]
struct Plot<'a> {
    w: Words,
    heading: String,
    series: &'a str,
    source: String,
    /// Where the same is as a table; "": below.
    table: String,
    periods: Vec<Link>,
}

/// The plot with its choice of a period, for this page and others: `path` is the page's, its query has `period` and `series`.
fn plot(w: Words, look: &Look, path: &str, query: &Params) -> Markup {
    let query = &Params::default()
        .with("period", query.get("period"))
        .with("series", query.get("series"));
    let period = |period: Period| Link {
        to: format!("{path}{}", query.with("period", period.name()).query()),
        title: w
            .known(&format!("usage.{}", period.name()))
            .unwrap_or(period.name()),
        here: period == look.period,
    };
    Markup::of(&Plot {
        w,
        heading: w.with("usage.heading", &look.chosen),
        series: &look.chosen,
        source: format!(
            "/console/usage.json?period={}&series={}",
            look.period.name(),
            encode(&look.chosen)
        ),
        table: if path == HERE {
            String::new()
        } else {
            format!("{HERE}{}", query.query())
        },
        periods: Period::ALL.map(period).into(),
    })
}

/// The plot of the busiest series, or of the one that the query names, for another page, which is there also where the
/// history cannot be read.
pub(super) async fn section(visit: &Visit, path: &str) -> Markup {
    match Look::new(visit).await {
        Ok(look) => plot(visit.words, &look, path, &visit.query),
        Err(trouble) => Markup::of(&Unread {
            w: visit.words,
            said: trouble.said(),
        }),
    }
}

#[derive(Template)]
#[template(
    source = r#"<section aria-labelledby="usage-plot"><h2 id="usage-plot">{{ w.t("usage.title") }}</h2>
<p class="box warn">{{ w.t("usage.unread") }} <span lang="en">{{ said }}</span></p></section>"#,
    ext = "html"
)]
struct Unread<'a> {
    w: Words,
    said: &'a str,
}

async fn show(visit: Visit) -> Outcome {
    if !visit.rest.is_empty() {
        return Err(Trouble::NotFound);
    }
    let w = visit.words;
    let look = Look::new(&visit).await?;
    let view = View {
        title: w.t("usage.title").to_owned(),
        summary: w.t("usage.summary").to_owned(),
        plot: true,
        fixed: plot(w, &look, HERE, &visit.query)
            .and(&overview(w, &look, &visit.query))
            .and(&table(w, &look)),
        ..View::default()
    };
    Ok(view.into())
}

fn overview(w: Words, look: &Look, query: &Params) -> Markup {
    let line = |(id, peak, seats, refused): &(String, i64, i64, i64)| {
        vec![
            Cell::text(id).link(format!("{HERE}{}", query.with("series", id).query())),
            Cell::number(*peak),
            Cell::number(*seats),
            Cell::number(*refused),
        ]
    };
    let grid = Grid {
        id: "series",
        title: w.t("usage.all-series"),
        caption: w.t("usage.table"),
        empty: w.t("usage.empty"),
        heads: vec![
            w.t("usage.series"),
            w.t("usage.used"),
            w.t("usage.seats"),
            w.t("usage.refused"),
        ],
        rows: look.series.iter().map(line).collect(),
    };
    grid.markup()
}

#[derive(Template)]
#[template(
    source = "<details><summary>{{ title }}</summary>{{ table }}</details>",
    ext = "html"
)]
struct Folded<'a> {
    title: &'a str,
    table: Markup,
}

/// What the plot shows, for those who do not see it: the newest slot first.
fn table(w: Words, look: &Look) -> Markup {
    let line = |row: &Value| {
        vec![
            Cell::time(w.time(&row.text("Time"))),
            Cell::number(row.number("Used")),
            Cell::number(row.number("Seats")),
            Cell::number(row.number("Refused")),
        ]
    };
    let heading = w.with("usage.heading", &look.chosen);
    let grid = Grid {
        id: "slots",
        title: "",
        caption: &heading,
        empty: w.t("usage.empty"),
        heads: vec![
            w.t("usage.time"),
            w.t("usage.used"),
            w.t("usage.seats"),
            w.t("usage.refused"),
        ],
        rows: look.slots.iter().rev().map(line).collect(),
    };
    Markup::of(&Folded {
        title: w.t("usage.as-table"),
        table: grid.markup(),
    })
}

async fn data(visit: Visit) -> Outcome {
    if !visit.rest.is_empty() {
        return Err(Trouble::NotFound);
    }
    let look = Look::new(&visit).await?;
    let seconds = |row: &Value| Timestamp::parse(&row.text("Time")).map_or(0, |time| time.millis() / 1000);
    let all = |field: &str| look.slots.iter().map(|row| row.number(field)).collect::<Vec<_>>();
    Ok(Shown::Data(json!({
        "Period": look.period.name(),
        "KeyID": look.chosen,
        "Time": look.slots.iter().map(seconds).collect::<Vec<_>>(),
        "Used": all("Used"),
        "Seats": all("Seats"),
        "Refused": all("Refused"),
    })))
}
