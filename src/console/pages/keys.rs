//! Keys: their verdicts and causes, where they are, and all that is known of one.

use std::collections::HashMap;

use askama::Template;
use serde_json::Value;

use crate::console::facts;
use crate::console::markup::Markup;
use crate::console::params::encode;
use crate::console::row::Row;
use crate::console::table::{Column, Listing};
use crate::console::visit::{Outcome, Trouble, View, Visit};
use crate::console::words::Words;
use crate::events::Topic;
use crate::licence::ActivationCode;

use super::{Page, causes, no_form};

/// The page.
pub(super) const PAGE: Page = Page {
    name: "keys",
    title: "keys.title",
    words: include_str!("../words/keys.toml"),
    topics: &[Topic::Keys, Topic::Devices, Topic::Tokens],
    for_admins: false,
    show: |visit| Box::pin(show(visit)),
    act: no_form,
};

const LIST: Listing = Listing {
    path: "/console/keys",
    heads: &[
        ("keys.number", "KeyNo"),
        ("keys.series", "KeyID"),
        ("keys.product", "ProductName"),
        ("keys.state", ""),
        ("keys.seats", "LicenceCount"),
        ("keys.days-left", "DaysLeft"),
        ("keys.place", ""),
    ],
};

/// A key in the table.
struct Line {
    key_no: String,
    /// Of its link: two keys may have one number.
    id: String,
    link: String,
    series: String,
    product: String,
    /// `good`, `warn` or `bad`.
    class: &'static str,
    state: String,
    cause: String,
    /// HTML's code of the language of the cause.
    cause_language: &'static str,
    seats: i64,
    days_left: String,
    place: String,
}

#[derive(Template)]
#[template(path = "keys.html")]
struct Table<'a> {
    w: Words,
    columns: &'a [Column],
    lines: &'a [Line],
}

#[derive(Template)]
#[template(path = "key.html")]
struct Detail<'a> {
    w: Words,
    line: &'a Line,
    facts: Markup,
    place: Markup,
    /// Address and place of each other key of this number.
    others: &'a [(String, String)],
}

async fn show(visit: Visit) -> Outcome {
    match visit.names()[..] {
        [] => list(&visit).await,
        [key_no] => detail(&visit, key_no).await,
        _ => Err(Trouble::NotFound),
    }
}

async fn list(visit: &Visit) -> Outcome {
    let (w, query) = (visit.words, &visit.query);
    let sort = LIST.sort(query).unwrap_or("KeyNo");
    let rows = visit.list(&format!("/api/licences?_sort={sort}")).await?;
    let devices = devices(visit).await?;
    let causes = causes_of(visit);
    let mut lines: Vec<Line> = rows.iter().map(|row| line(w, row, &devices, &causes)).collect();
    let mut copies: HashMap<String, usize> = HashMap::new();
    for (line, row) in lines.iter_mut().zip(&rows) {
        let copy = copies.entry(line.key_no.clone()).or_default();
        *copy += 1;
        if *copy > 1 {
            line.id = format!("{}-{copy}", line.id);
            line.link = address(row);
        }
    }
    let working = rows.iter().filter(|row| row.truth("Enabled")).count();
    let table = Table {
        w,
        columns: &LIST.columns(w, query),
        lines: &lines,
    };
    let summary = format!(
        "{} {}",
        w.with("keys.count", rows.len()),
        w.with("keys.working", working)
    );
    Ok(View {
        title: w.t("keys.title").to_owned(),
        summary,
        live: Markup::of(&table),
        ..View::default()
    }
    .into())
}

async fn detail(visit: &Visit, key_no: &str) -> Outcome {
    let w = visit.words;
    let mut row = visit.one("/api/licences", key_no).await?;
    // The API shows one key of a number; a copy of it is named by its place as well.
    let mut others = visit
        .list(&format!("/api/licences?KeyNo={}", encode(key_no)))
        .await?;
    let place = visit.query.get("place");
    if let Some(named) = others.iter().find(|other| other.text("FileName") == place) {
        row = named.clone();
    }
    let own = row.text("FileName");
    others.retain(|other| other.text("FileName") != own);
    let others: Vec<_> = others
        .iter()
        .map(|other| (address(other), other.text("FileName")))
        .collect();
    // Who has the code can activate the licence elsewhere.
    if let Some(code) = row.get_mut("ActivationCode").filter(|code| !code.is_null()) {
        let masked = ActivationCode::parse(code.as_str().unwrap_or_default());
        *code = masked.map(|code| format!("{code:?}")).unwrap_or_default().into();
    }
    let devices = devices(visit).await?;
    let line = line(w, &row, &devices, &causes_of(visit));
    let device = devices.get(&row.text("FileName"));
    let place = device
        .map(|device| facts::some(w, device, "keys", &OF_DEVICE))
        .unwrap_or_default();
    let detail = Detail {
        w,
        line: &line,
        facts: facts::list(&facts::all(w, &row, "keys", &HIDDEN)),
        place: facts::list(&place),
        others: &others,
    };
    Ok(View {
        title: w.with("keys.title-one", &line.key_no),
        summary: if line.cause.is_empty() {
            line.state.clone()
        } else {
            format!("{}: {}", line.state, line.cause)
        },
        live: Markup::of(&detail),
        ..View::default()
    }
    .into())
}

/// Fields that the page says in another way.
const HIDDEN: [&str; 6] = ["Enabled", "Workable", "OpenError", "IsBlank", "Expired", "KeyNo"];

/// What is told of the device that a key is on.
const OF_DEVICE: [&str; 9] = [
    "Port",
    "Family",
    "Driver",
    "Proof",
    "Access",
    "AccessDetail",
    "SerialNumber",
    "Token",
    "Label",
];

/// What is plugged in, by the names that keys have for it.
async fn devices(visit: &Visit) -> Result<HashMap<String, Value>, Trouble> {
    let rows = visit.list("/api/devices").await?;
    Ok(rows.into_iter().map(|row| (row.text("ID"), row)).collect())
}

/// Why keys give no seats, by number and place: the API tells it only of keys that are not Workable.
pub(super) fn causes_of(visit: &Visit) -> Causes {
    let keyring = visit.console.api.keys.keyring();
    let keys = keyring.keys().iter();
    keys.filter_map(|key| Some(((key.key_no, key.file_name.clone()), key.verdict.cause.clone()?)))
        .collect()
}

/// Why keys give no seats, by number and place.
pub(super) type Causes = HashMap<(u64, String), String>;

/// Why this key gives none.
pub(super) fn cause(causes: &Causes, row: &Value) -> String {
    let number = row.get("KeyNo").and_then(Value::as_u64).unwrap_or_default();
    let cause = causes.get(&(number, row.text("FileName")));
    cause.cloned().unwrap_or_default()
}

/// The page of a key that shares its number with another.
fn address(row: &Value) -> String {
    let (key_no, place) = (row.text("KeyNo"), row.text("FileName"));
    format!("/console/keys/{}?place={}", encode(&key_no), encode(&place))
}

fn line(w: Words, row: &Value, devices: &HashMap<String, Value>, causes: &Causes) -> Line {
    let (key_no, file_name) = (row.text("KeyNo"), row.text("FileName"));
    let (class, state) = state(row);
    let (cause, cause_language) = causes::said(w, &cause(causes, row));
    Line {
        id: format!("to-{key_no}"),
        link: format!("/console/keys/{}", encode(&key_no)),
        series: row.text("KeyID"),
        product: row.text("ProductName"),
        class,
        state: w.t(state).to_owned(),
        cause,
        cause_language,
        seats: row.number("LicenceCount"),
        days_left: row.text("DaysLeft"),
        place: place(row, devices.get(&file_name)),
        key_no,
    }
}

/// The verdict in one word of ours.
fn state(row: &Value) -> (&'static str, &'static str) {
    match row {
        row if row.truth("Enabled") => ("good", "keys.state-enabled"),
        row if row.truth("IsBlank") && row.truth("Workable") => ("faint", "keys.state-blank"),
        row if !row.truth("Workable") => ("bad", "keys.state-unworkable"),
        row if row.truth("Expired") => ("bad", "keys.state-expired"),
        _ => ("warn", "keys.state-off"),
    }
}

/// The file, or port, family and proof of the device.
fn place(row: &Value, device: Option<&Value>) -> String {
    let Some(device) = device else {
        return row.text("FileName");
    };
    let said = ["Port", "Token", "Family", "Proof"].map(|field| device.text(field));
    let said: Vec<_> = said.into_iter().filter(|text| !text.is_empty()).collect();
    said.join(", ")
}
