//! Connections: which programs talk to the node, from where, since when; an administrator closes them.

use askama::Template;
use serde_json::Value;

use crate::console::facts;
use crate::console::markup::Markup;
use crate::console::row::Row;
use crate::console::table::{Column, Listing, Part};
use crate::console::visit::{Outcome, Shown, Trouble, View, Visit};
use crate::console::words::Words;
use crate::events::Topic;

use super::Page;
use super::asking::{Question, SearchForm};

/// The page.
pub(super) const PAGE: Page = Page {
    name: "connections",
    title: "connections.title",
    words: include_str!("../words/connections.toml"),
    topics: &[Topic::Connections],
    for_admins: false,
    show: |visit| Box::pin(show(visit)),
    act: |visit| Box::pin(act(visit)),
};

/// Where the API has them.
const API: &str = "/api/connections";

const LIST: Listing = Listing {
    path: "/console/connections",
    heads: &[
        ("connections.computer", "ComputerName"),
        ("connections.program", "Process"),
        ("connections.peer", "PeerIP"),
        ("connections.since", "Created"),
        ("connections.used", "LastUsed"),
    ],
};

const CLOSE: Question = Question {
    title: "connections.close-title",
    text: "connections.close-question",
    button: "connections.close",
    action: "/console/connections/close",
    back: "/console/connections",
    fields: &["ComputerName", "Process", "PeerIP"],
};

struct Line {
    id: String,
    computer: String,
    process: String,
    peer: String,
    created: Markup,
    used: Markup,
    over: bool,
}

#[derive(Template)]
#[template(path = "connections.html")]
struct Table<'a> {
    w: Words,
    columns: &'a [Column],
    lines: &'a [Line],
    part: &'a Part,
    searches: bool,
}

#[derive(Template)]
#[template(path = "connection.html")]
struct Detail<'a> {
    w: Words,
    id: &'a str,
    facts: Markup,
    may_close: bool,
}

async fn show(visit: Visit) -> Outcome {
    match visit.names()[..] {
        [] => list(&visit).await,
        [id] => detail(&visit, id).await,
        [id, "close"] if visit.may_change() => Ok(CLOSE.ask(&visit, &[visit.one(API, id).await?])),
        _ => Err(Trouble::NotFound),
    }
}

async fn act(visit: Visit) -> Outcome {
    match visit.names()[..] {
        ["close"] => close(&visit).await,
        _ => Err(Trouble::NoForm),
    }
}

async fn list(visit: &Visit) -> Outcome {
    let (w, query) = (visit.words, &visit.query);
    let wish = LIST.wish(query);
    let searches = !wish.text.is_empty();
    let found = visit.console.api.search_connections(&visit.caller, wish).await;
    let found = found.map_err(Trouble::Api)?;
    let line = |row: &Value| Line {
        id: row.text("ID"),
        computer: row.text("ComputerName"),
        process: row.text("Process"),
        peer: row.text("PeerIP"),
        created: w.time(&row.text("Created")),
        used: w.time(&row.text("LastUsed")),
        over: row.truth("Expired"),
    };
    let lines: Vec<Line> = found.rows.iter().map(line).collect();
    let part = LIST.part(query, lines.len(), found.more);
    let table = Table {
        w,
        columns: &LIST.columns(w, query),
        lines: &lines,
        part: &part,
        searches,
    };
    Ok(View {
        title: w.t("connections.title").to_owned(),
        summary: w.with("connections.count", found.count.unwrap_or(lines.len())),
        fixed: SearchForm::of(w, LIST.path, query),
        live: Markup::of(&table),
        ..View::default()
    }
    .into())
}

async fn detail(visit: &Visit, id: &str) -> Outcome {
    let w = visit.words;
    let row = visit.one(API, id).await?;
    let over = row.truth("Expired");
    let detail = Detail {
        w,
        id: &row.text("ID"),
        facts: facts::list(&facts::all(w, &row, "connections", &["ID"])),
        may_close: visit.may_change() && !over,
    };
    Ok(View {
        title: w.t("connections.title-one").to_owned(),
        summary: w
            .t(if over {
                "connections.over"
            } else {
                "connections.lives"
            })
            .to_owned(),
        live: Markup::of(&detail),
        ..View::default()
    }
    .into())
}

async fn close(visit: &Visit) -> Outcome {
    visit.end(API, visit.form.get("pick")).await?;
    Ok(Shown::Go {
        to: LIST.path.into(),
        notice: "connections.closed",
    })
}
