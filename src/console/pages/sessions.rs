//! Sessions: who has which seat, since when, until when; an administrator releases them.

use askama::Template;
use serde_json::Value;

use crate::console::facts;
use crate::console::markup::Markup;
use crate::console::row::Row;
use crate::console::table::{Column, Listing, Part, ROWS};
use crate::console::visit::{Outcome, Shown, Trouble, View, Visit};
use crate::console::words::Words;
use crate::events::Topic;

use super::Page;
use super::asking::{Question, SearchForm};

/// The page.
pub(super) const PAGE: Page = Page {
    name: "sessions",
    title: "sessions.title",
    words: include_str!("../words/sessions.toml"),
    topics: &[Topic::Sessions],
    for_admins: false,
    show: |visit| Box::pin(show(visit)),
    act: |visit| Box::pin(act(visit)),
};

/// Where the API has them.
const API: &str = "/api/sessions";

const LIST: Listing = Listing {
    path: "/console/sessions",
    heads: &[
        ("sessions.user", "UserName"),
        ("sessions.computer", "ComputerName"),
        ("sessions.application", "AppName"),
        ("sessions.series", "KeyID"),
        ("sessions.key", "UsedLicence"),
        ("sessions.since", "SessionStarted"),
        ("sessions.until", "ExpireTime"),
    ],
};

/// Asked of whoever is about to take seats away.
const RELEASE: Question = Question {
    title: "sessions.release-title",
    text: "sessions.release-question",
    button: "sessions.release",
    action: "/console/sessions/release",
    back: "/console/sessions",
    fields: &["UserName", "ComputerName", "AppName", "KeyID", "ID"],
};

/// What is told nowhere, or in another way.
const HIDDEN: [&str; 2] = ["AccessCode", "ID"];

struct Line {
    id: String,
    user: String,
    computer: String,
    application: String,
    series: String,
    key_no: String,
    started: Markup,
    until: Markup,
    over: bool,
}

#[derive(Template)]
#[template(path = "sessions.html")]
struct Table<'a> {
    w: Words,
    columns: &'a [Column],
    lines: &'a [Line],
    part: &'a Part,
    may_change: bool,
    searches: bool,
}

#[derive(Template)]
#[template(path = "session.html")]
struct Detail<'a> {
    w: Words,
    id: &'a str,
    facts: Markup,
    connection: &'a str,
    key_no: &'a str,
    may_release: bool,
}

async fn show(visit: Visit) -> Outcome {
    match visit.names()[..] {
        [] => list(&visit).await,
        ["release"] if visit.may_change() => ask(&visit).await,
        [id] => detail(&visit, id).await,
        [id, "release"] if visit.may_change() => Ok(RELEASE.ask(&visit, &[visit.one(API, id).await?])),
        _ => Err(Trouble::NotFound),
    }
}

async fn act(visit: Visit) -> Outcome {
    match visit.names()[..] {
        ["release"] => release(&visit).await,
        _ => Err(Trouble::NoForm),
    }
}

async fn list(visit: &Visit) -> Outcome {
    let (w, query) = (visit.words, &visit.query);
    let wish = LIST.wish(query);
    let searches = !wish.text.is_empty();
    let found = visit.console.api.search_sessions(&visit.caller, wish).await;
    let found = found.map_err(Trouble::Api)?;
    let lines: Vec<Line> = found.rows.iter().map(|row| line(w, row)).collect();
    let part = LIST.part(query, lines.len(), found.more);
    let count = match found.count {
        Some(count) => w.with("sessions.count", count),
        None => w.with("sessions.shown", format!("{}–{}", part.from, part.to)),
    };
    let table = Table {
        w,
        columns: &LIST.columns(w, query),
        lines: &lines,
        part: &part,
        may_change: visit.may_change(),
        searches,
    };
    Ok(View {
        title: w.t("sessions.title").to_owned(),
        summary: count,
        fixed: SearchForm::of(w, LIST.path, query),
        live: Markup::of(&table),
        ..View::default()
    }
    .into())
}

fn line(w: Words, row: &Value) -> Line {
    Line {
        id: row.text("ID"),
        user: row.text("UserName"),
        computer: row.text("ComputerName"),
        application: row.text("AppName"),
        series: row.text("KeyID"),
        key_no: row.text("UsedLicence"),
        started: w.time(&row.text("SessionStarted")),
        until: w.time(&row.text("ExpireTime")),
        over: row.truth("Expired"),
    }
}

async fn detail(visit: &Visit, id: &str) -> Outcome {
    let w = visit.words;
    let row = visit.one(API, id).await?;
    let over = row.truth("Expired");
    let detail = Detail {
        w,
        id: &row.text("ID"),
        facts: facts::list(&facts::all(w, &row, "sessions", &HIDDEN)),
        connection: &row.text("SessionConnection"),
        key_no: &row.text("UsedLicence"),
        may_release: visit.may_change() && !over,
    };
    Ok(View {
        title: w.t("sessions.title-one").to_owned(),
        summary: w
            .t(if over { "sessions.over" } else { "sessions.holds" })
            .to_owned(),
        live: Markup::of(&detail),
        ..View::default()
    }
    .into())
}

/// The chosen sessions, those that are there still.
async fn ask(visit: &Visit) -> Outcome {
    let mut chosen = Vec::new();
    for id in visit.query.all("pick").take(ROWS) {
        chosen.extend(visit.one(API, id).await.ok());
    }
    if chosen.is_empty() {
        return Ok(Shown::Go {
            to: LIST.path.into(),
            notice: "sessions.none-chosen",
        });
    }
    Ok(RELEASE.ask(visit, &chosen))
}

/// Each release is one of the API's, with its audit row.
async fn release(visit: &Visit) -> Outcome {
    for id in visit.form.all("pick").take(ROWS) {
        visit.end(API, id).await?;
    }
    Ok(Shown::Go {
        to: LIST.path.into(),
        notice: "sessions.released",
    })
}
