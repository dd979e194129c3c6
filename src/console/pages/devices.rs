//! Devices: what is plugged in, whether the node may use it, and what it proved.

use serde_json::Value;

use crate::console::facts;
use crate::console::grid::{Cell, Grid};
use crate::console::params::encode;
use crate::console::row::Row;
use crate::console::visit::{Outcome, Trouble, View, Visit};
use crate::console::words::Words;
use crate::events::Topic;

use super::{Page, no_form};

/// The page.
pub(super) const PAGE: Page = Page {
    name: "devices",
    title: "devices.title",
    words: include_str!("../words/devices.toml"),
    topics: &[Topic::Devices, Topic::Tokens, Topic::Keys],
    for_admins: false,
    show: |visit| Box::pin(show(visit)),
    act: no_form,
};

async fn show(visit: Visit) -> Outcome {
    match visit.names()[..] {
        [] => list(&visit).await,
        [id] => detail(&visit, id).await,
        _ => Err(Trouble::NotFound),
    }
}

async fn list(visit: &Visit) -> Outcome {
    let w = visit.words;
    let rows = visit.list("/api/devices").await?;
    let refused = rows
        .iter()
        .filter(|row| row.text("Access") == "no permission")
        .count();
    let mut summary = w.with("devices.count", rows.len());
    if refused > 0 {
        summary.push(' ');
        summary.push_str(&w.with("devices.refused", refused));
    }
    let heads = [
        w.t("devices.device"),
        w.t("devices.numbers"),
        w.t("devices.Family"),
        w.t("devices.SerialNumber"),
        w.t("devices.Port"),
        w.t("devices.Access"),
        w.t("devices.Proof"),
        w.t("devices.KeyNo"),
    ];
    let grid = Grid {
        id: "devices",
        title: "",
        caption: w.t("devices.table"),
        empty: w.t("devices.empty"),
        heads: heads.to_vec(),
        rows: rows.iter().map(|row| line(w, row)).collect(),
    };
    let view = View {
        title: w.t("devices.title").to_owned(),
        summary,
        live: grid.markup(),
        ..View::default()
    };
    Ok(view.into())
}

fn line(w: Words, row: &Value) -> Vec<Cell> {
    let join = |fields: &[&str], between: &str| {
        let said: Vec<_> = fields.iter().map(|field| row.text(field)).collect();
        let said: Vec<_> = said.into_iter().filter(|text| !text.is_empty()).collect();
        said.join(between)
    };
    let name = [
        join(&["Manufacturer", "Product"], " "),
        row.text("Label"),
        row.text("ID"),
    ];
    let name = name.into_iter().find(|name| !name.is_empty()).unwrap_or_default();
    let (key_no, id) = (row.text("KeyNo"), row.text("ID"));
    vec![
        Cell::text(name)
            .link(format!("/console/devices/{}", encode(&id)))
            .detail(id),
        Cell::text(join(&["VendorID", "ProductID"], ":")),
        Cell::text(join(&["Family", "Driver", "Module"], ", ")),
        match row.text("SerialNumber") {
            none if none.is_empty() && row.truth("WeakID") => Cell::state("faint", w.t("devices.weak")),
            serial => Cell::text(serial),
        },
        Cell::text(join(&["Port", "Token"], ", ")),
        access(w, row),
        proof(w, row),
        Cell::text(&*key_no).link(format!("/console/keys/{}", encode(&key_no))),
    ]
}

/// Whether the node may use it, and what mends it where it may not.
pub(super) fn access(w: Words, row: &Value) -> Cell {
    let access = row.text("Access");
    let class = match access.as_str() {
        "ok" => "good",
        "absent" => "faint",
        "no permission" | "faulty" | "locked" => "bad",
        _ => "warn",
    };
    let said = w.known(&format!("devices.access-{}", access.replace(' ', "-")));
    Cell::state(class, said.map_or_else(|| access.clone(), str::to_owned)).detail(row.text("AccessDetail"))
}

fn proof(w: Words, row: &Value) -> Cell {
    match row.text("Proof").as_str() {
        "" => Cell::default(),
        "proven" => Cell::state("good", w.t("devices.proven")),
        "pending" => Cell::state("warn", w.t("devices.pending")),
        why => Cell::state("bad", w.t("devices.not-proven")).detail(why),
    }
}

async fn detail(visit: &Visit, id: &str) -> Outcome {
    let w = visit.words;
    let row = visit.one("/api/devices", id).await?;
    let view = View {
        title: w.with("devices.title-one", id),
        live: facts::list(&facts::all(w, &row, "devices", &["ID"])),
        ..View::default()
    };
    Ok(view.into())
}
