//! Sessions: who has which seat, since when, until when; an administrator releases them.

use actix_web::http::Method;
use askama::Template;
use serde_json::Value;

use crate::api::Wish;
use crate::console::facts;
use crate::console::markup::Markup;
use crate::console::params::encode;
use crate::console::row::Row;
use crate::console::table::{self, Column, Part};
use crate::console::visit::{Outcome, Shown, Trouble, View, Visit};
use crate::console::words::Words;
use crate::events::Topic;

use super::Page;
use super::asking::{Asking, SearchForm};

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

/// Fields that the table sorts by.
const SORTS: [&str; 7] = [
    "UserName",
    "ComputerName",
    "AppName",
    "KeyID",
    "UsedLicence",
    "SessionStarted",
    "ExpireTime",
];

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
        [id, "release"] if visit.may_change() => ask_one(&visit, id).await,
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
    let wish = Wish {
        text: query.get("q").chars().take(200).collect(),
        sort: table::sort_of(query, &SORTS).unwrap_or_default().to_owned(),
        offset: table::page_of(query) * table::ROWS,
        limit: table::ROWS,
    };
    let searches = !wish.text.is_empty();
    let found = visit.console.api.search_sessions(&visit.caller, wish).await;
    let found = found.map_err(Trouble::Api)?;
    let lines: Vec<Line> = found.rows.iter().map(|row| line(w, row)).collect();
    let column = |name: &str, field: &str| table::column("/console/sessions", query, w.t(name), field);
    let columns = [
        column("sessions.user", "UserName"),
        column("sessions.computer", "ComputerName"),
        column("sessions.application", "AppName"),
        column("sessions.series", "KeyID"),
        column("sessions.key", "UsedLicence"),
        column("sessions.since", "SessionStarted"),
        column("sessions.until", "ExpireTime"),
    ];
    let part = table::part("/console/sessions", query, lines.len(), found.more);
    let count = match found.count {
        Some(count) => w.with("sessions.count", count),
        None => w.with("sessions.shown", format!("{}–{}", part.from, part.to)),
    };
    let table = Table {
        w,
        columns: &columns,
        lines: &lines,
        part: &part,
        may_change: visit.may_change(),
        searches,
    };
    Ok(View {
        title: w.t("sessions.title").to_owned(),
        summary: count,
        fixed: SearchForm::of(w, "/console/sessions", query),
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

async fn session(visit: &Visit, id: &str) -> Result<Value, Trouble> {
    let target = format!("/api/sessions/{}", encode(id));
    visit.call(Method::GET, &target, &Value::Null).await
}

async fn detail(visit: &Visit, id: &str) -> Outcome {
    let w = visit.words;
    let row = session(visit, id).await?;
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

/// Who is about to lose a seat, in one line.
fn described(row: &Value) -> String {
    let said = ["UserName", "ComputerName", "AppName", "KeyID"].map(|field| row.text(field));
    let said: Vec<_> = said.into_iter().filter(|text| !text.is_empty()).collect();
    format!("{} ({})", said.join(", "), row.text("ID"))
}

async fn ask_one(visit: &Visit, id: &str) -> Outcome {
    let row = session(visit, id).await?;
    Ok(asking(visit, &[(row.text("ID"), described(&row))]))
}

/// The chosen sessions, those that are there still.
async fn ask(visit: &Visit) -> Outcome {
    let mut chosen = Vec::new();
    for id in visit.query.all("pick").take(table::ROWS) {
        if let Ok(row) = session(visit, id).await {
            chosen.push((row.text("ID"), described(&row)));
        }
    }
    if chosen.is_empty() {
        return Ok(Shown::Go {
            to: "/console/sessions".into(),
            notice: "sessions.none-chosen",
        });
    }
    Ok(asking(visit, &chosen))
}

fn asking(visit: &Visit, chosen: &[(String, String)]) -> Shown {
    let w = visit.words;
    let asking = Asking {
        w,
        token: &visit.token,
        action: "/console/sessions/release",
        question: w.t("sessions.release-question"),
        button: w.t("sessions.release"),
        back: "/console/sessions",
        chosen,
    };
    View {
        title: w.t("sessions.release-title").to_owned(),
        fixed: Markup::of(&asking),
        ..View::default()
    }
    .into()
}

/// Each release is one of the API's, with its audit row; what is gone meanwhile is no failure.
async fn release(visit: &Visit) -> Outcome {
    for id in visit.form.all("pick").take(table::ROWS) {
        let target = format!("/api/sessions/{}", encode(id));
        match visit.call(Method::DELETE, &target, &Value::Null).await {
            Ok(_) => {}
            Err(Trouble::Api(answer)) if answer.status == 404 => {}
            Err(trouble) => return Err(trouble),
        }
    }
    Ok(Shown::Go {
        to: "/console/sessions".into(),
        notice: "sessions.released",
    })
}
