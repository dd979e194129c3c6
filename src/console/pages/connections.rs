//! Connections: which programs talk to the node, from where, since when; an administrator closes them.

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
    name: "connections",
    title: "connections.title",
    words: include_str!("../words/connections.toml"),
    topics: &[Topic::Connections],
    for_admins: false,
    show: |visit| Box::pin(show(visit)),
    act: |visit| Box::pin(act(visit)),
};

/// Fields that the table sorts by.
const SORTS: [&str; 5] = ["ComputerName", "Process", "PeerIP", "Created", "LastUsed"];

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
        [id, "close"] if visit.may_change() => ask(&visit, id).await,
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
    let wish = Wish {
        text: query.get("q").chars().take(200).collect(),
        sort: table::sort_of(query, &SORTS).unwrap_or_default().to_owned(),
        offset: table::page_of(query) * table::ROWS,
        limit: table::ROWS,
    };
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
    let column = |name: &str, field: &str| table::column("/console/connections", query, w.t(name), field);
    let columns = [
        column("connections.computer", "ComputerName"),
        column("connections.program", "Process"),
        column("connections.peer", "PeerIP"),
        column("connections.since", "Created"),
        column("connections.used", "LastUsed"),
    ];
    let part = table::part("/console/connections", query, lines.len(), found.more);
    let table = Table {
        w,
        columns: &columns,
        lines: &lines,
        part: &part,
        searches,
    };
    Ok(View {
        title: w.t("connections.title").to_owned(),
        summary: w.with("connections.count", found.count.unwrap_or(lines.len())),
        fixed: SearchForm::of(w, "/console/connections", query),
        live: Markup::of(&table),
        ..View::default()
    }
    .into())
}

async fn connection(visit: &Visit, id: &str) -> Result<Value, Trouble> {
    let target = format!("/api/connections/{}", encode(id));
    visit.call(Method::GET, &target, &Value::Null).await
}

async fn detail(visit: &Visit, id: &str) -> Outcome {
    let w = visit.words;
    let row = connection(visit, id).await?;
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

async fn ask(visit: &Visit, id: &str) -> Outcome {
    let w = visit.words;
    let row = connection(visit, id).await?;
    let said = ["ComputerName", "Process", "PeerIP"].map(|field| row.text(field));
    let said: Vec<_> = said.into_iter().filter(|text| !text.is_empty()).collect();
    let asking = Asking {
        w,
        token: &visit.token,
        action: "/console/connections/close",
        question: w.t("connections.close-question"),
        button: w.t("connections.close"),
        back: "/console/connections",
        chosen: &[(row.text("ID"), said.join(", "))],
    };
    Ok(View {
        title: w.t("connections.close-title").to_owned(),
        fixed: Markup::of(&asking),
        ..View::default()
    }
    .into())
}

async fn close(visit: &Visit) -> Outcome {
    let target = format!("/api/connections/{}", encode(visit.form.get("pick")));
    visit.call(Method::DELETE, &target, &Value::Null).await?;
    Ok(Shown::Go {
        to: "/console/connections".into(),
        notice: "connections.closed",
    })
}
