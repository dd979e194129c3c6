//! Activations: which codes this node has activated, how it stands with each, and when it looks again. Codes are masked.

use actix_web::web;
use serde_json::Value;

use crate::activation::ActivationView;
use crate::api::Answer;
use crate::console::grid::{Cell, Grid};
use crate::console::params::encode;
use crate::console::row::Row;
use crate::console::visit::{Outcome, Trouble, View, Visit};
use crate::console::words::Words;
use crate::events::Topic;
use crate::store::Activations;

use super::{Page, no_form};

/// The page.
pub(super) const PAGE: Page = Page {
    name: "activations",
    title: "activations.title",
    words: include_str!("../words/activations.toml"),
    topics: &[Topic::Activations, Topic::Keys],
    for_admins: false,
    show: |visit| Box::pin(show(visit)),
    act: no_form,
};

async fn show(visit: Visit) -> Outcome {
    if !visit.rest.is_empty() {
        return Err(Trouble::NotFound);
    }
    let w = visit.words;
    let database = visit.console.api.database.clone();
    let read = web::block(move || Activations::open(&database)?.all()).await;
    let rows = match read {
        Ok(Ok(rows)) => rows,
        Ok(Err(error)) => return Err(Trouble::Api(Answer::failed(&error.to_string()))),
        Err(_) => return Err(Trouble::Api(Answer::failed("the node is stopping"))),
    };
    let keyring = visit.console.api.keys.keyring();
    let days = visit.console.settings.activation.renew_days;
    let rows: Vec<Value> = rows
        .iter()
        .map(|row| ActivationView::new(row, &keyring, days).to_json())
        .collect();
    let troubled = rows.iter().filter(|row| !row.text("Trouble").is_empty()).count();
    let grid = Grid {
        id: "activations",
        title: "",
        caption: w.t("activations.table"),
        empty: w.t("activations.empty"),
        heads: vec![
            w.t("activations.code"),
            w.t("activations.key"),
            w.t("activations.series"),
            w.t("activations.place"),
            w.t("activations.state"),
            w.t("activations.contact"),
            w.t("activations.next"),
        ],
        rows: rows.iter().map(|row| line(w, row)).collect(),
    };
    let mut summary = vec![w.with("activations.count", rows.len())];
    if troubled > 0 {
        summary.push(w.with("activations.troubled", troubled));
    }
    match visit.console.api.activation.health().as_str() {
        "ok" => {}
        "off" => summary.push(w.t("activations.off").to_owned()),
        trouble => summary.push(w.with("activations.centre", trouble)),
    }
    let view = View {
        title: w.t("activations.title").to_owned(),
        summary: summary.join(" "),
        live: grid.markup(),
        ..View::default()
    };
    Ok(view.into())
}

fn line(w: Words, row: &Value) -> Vec<Cell> {
    let time = |field: &str| match row.text(field) {
        none if none.is_empty() => Cell::default(),
        iso => Cell::time(w.time(&iso)),
    };
    let key_no = row.text("KeyNo");
    let (class, state) = match (row.text("Trouble").is_empty(), row.text("Waiting").is_empty()) {
        (false, _) => ("bad", w.t("activations.is-troubled")),
        (true, false) => ("warn", w.t("activations.waits")),
        (true, true) if row.text("State") == "activated" => ("good", w.t("activations.is-good")),
        (true, true) => ("warn", w.t("activations.is-not")),
    };
    let place = row.text("Carrier");
    let place = if place.is_empty() {
        w.t("activations.here").to_owned()
    } else {
        place
    };
    let next = if row.text("NextTry").is_empty() {
        time("RenewalDate")
    } else {
        time("NextTry")
    };
    vec![
        Cell::text(row.text("Code")),
        Cell::text(&*key_no).link(format!("/console/keys/{}", encode(&key_no))),
        Cell::text(row.text("KeyID")),
        Cell::text(place),
        Cell::state(class, state).detail(row.text("State")),
        time("LastContact").detail(row.text("Centre")),
        next,
    ]
}
