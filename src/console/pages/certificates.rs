//! Certificates and the tokens they are on: whose, until when, usable or why not. No PIN is ever shown.

use serde_json::Value;

use crate::console::facts;
use crate::console::grid::{Cell, Grid};
use crate::console::params::encode;
use crate::console::row::Row;
use crate::console::visit::{Outcome, Trouble, View, Visit};
use crate::console::words::Words;
use crate::events::Topic;
use crate::licence::{DAY, Timestamp};

use super::{Page, devices, no_form};

/// Fewer days than these are shown in another colour.
const SOON: i64 = 30;

/// The page.
pub(super) const PAGE: Page = Page {
    name: "certificates",
    title: "certificates.title",
    words: include_str!("../words/certificates.toml"),
    topics: &[Topic::Tokens, Topic::Devices],
    for_admins: false,
    show: |visit| Box::pin(show(visit)),
    act: no_form,
};

async fn show(visit: Visit) -> Outcome {
    match visit.names()[..] {
        [] => list(&visit).await,
        [thumbprint] => detail(&visit, thumbprint).await,
        _ => Err(Trouble::NotFound),
    }
}

async fn list(visit: &Visit) -> Outcome {
    let w = visit.words;
    let certificates = visit.list("/api/certificates").await?;
    let tokens = visit.list("/api/devices?Type=Token").await?;
    let usable = certificates.iter().filter(|row| row.truth("Usable")).count();
    let now = visit.console.api.desk.clock().now().wall;
    let grid = Grid {
        id: "certificates",
        title: "",
        caption: w.t("certificates.table"),
        empty: w.t("certificates.empty"),
        heads: vec![
            w.t("certificates.Subject"),
            w.t("certificates.ITN"),
            w.t("certificates.Usable"),
            w.t("certificates.NotAfter"),
            w.t("certificates.days-left"),
            w.t("certificates.Algorithm"),
            w.t("certificates.KeyPlace"),
        ],
        rows: certificates.iter().map(|row| line(w, row, now)).collect(),
    };
    let of_tokens = Grid {
        id: "tokens",
        title: w.t("certificates.tokens"),
        caption: w.t("certificates.tokens-table"),
        empty: w.t("certificates.no-tokens"),
        heads: vec![
            w.t("certificates.token"),
            w.t("certificates.label"),
            w.t("certificates.serial"),
            w.t("certificates.state"),
        ],
        rows: tokens.iter().map(|row| token(w, row)).collect(),
    };
    let view = View {
        title: w.t("certificates.title").to_owned(),
        summary: format!(
            "{} {}",
            w.with("certificates.count", certificates.len()),
            w.with("certificates.usable", usable)
        ),
        live: grid.markup().and(&of_tokens.markup()),
        ..View::default()
    };
    Ok(view.into())
}

fn line(w: Words, row: &Value, now: Timestamp) -> Vec<Cell> {
    let end = Timestamp::parse(&row.text("NotAfter")).ok();
    let left = end.map(|end| (end.millis() - now.millis()).div_euclid(DAY));
    let left = left.map_or_else(Cell::default, |days| match days {
        ..0 => Cell::state("bad", w.t("certificates.over")),
        0..SOON => Cell::state("warn", days.to_string()),
        _ => Cell::number(days),
    });
    let state = if row.truth("Usable") {
        Cell::state("good", w.t("certificates.is-usable"))
    } else {
        Cell::state("bad", w.t("certificates.not-usable")).detail(row.text("Reason"))
    };
    let (thumbprint, subject) = (row.text("Thumbprint"), row.text("Subject"));
    let name = if subject.is_empty() {
        row.text("Device")
    } else {
        subject
    };
    let name = Cell::text(name);
    vec![
        if thumbprint.is_empty() {
            name
        } else {
            name.link(format!("/console/certificates/{}", encode(&thumbprint)))
        },
        Cell::text(row.text("ITN")),
        state,
        end.map_or_else(Cell::default, |end| Cell::time(w.time(&end.to_string()))),
        left,
        Cell::text(row.text("Algorithm")),
        Cell::text(row.text("KeyPlace")),
    ]
}

fn token(w: Words, row: &Value) -> Vec<Cell> {
    let id = row.text("ID");
    vec![
        Cell::text(row.text("Token")).link(format!("/console/devices/{}", encode(&id))),
        Cell::text(row.text("Label")),
        Cell::text(row.text("SerialNumber")),
        devices::access(w, row),
    ]
}

async fn detail(visit: &Visit, thumbprint: &str) -> Outcome {
    let w = visit.words;
    let row = visit.one("/api/certificates", thumbprint).await?;
    let view = View {
        title: w.t("certificates.title-one").to_owned(),
        summary: row.text("Reason"),
        live: facts::list(&facts::all(w, &row, "certificates", &[])),
        ..View::default()
    };
    Ok(view.into())
}
