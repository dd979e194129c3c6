//! `keynode activation list`.

use std::io::Write;

use serde_json::Value;

use crate::activation::ActivationView;
use crate::licence::Timestamp;
use crate::node::StateDir;
use crate::settings::{ActivationArgs, Settings};

use super::super::failure::Failure;
use super::super::table::{Cell, Table};
use super::{Here, explain};

const HEAD: [&str; 8] = [
    "KEYNO",
    "SERIES",
    "CODE",
    "PLACE",
    "CENTRE",
    "LAST CONTACT",
    "RENEWAL",
    "STATE",
];

pub(super) fn run(place: &ActivationArgs, as_json: bool, out: &mut impl Write) -> Result<(), Failure> {
    let settings = Settings::load(&place.0)?.settings;
    let renew_days = settings.activation.renew_days;
    if !settings.state_dir.is_dir() {
        return Err(Failure::no_state(&settings.state_dir));
    }
    // A list makes no state file.
    let here = StateDir::is_kept_in(&settings.state_dir)?
        .then(|| Here::open(settings))
        .transpose()?;
    let rows = match &here {
        Some(here) => here.activator.list().map_err(explain)?,
        None => Vec::new(),
    };
    let keyring = match &here {
        Some(here) if !rows.is_empty() => here.keyring(),
        _ => std::sync::Arc::default(),
    };
    let rows = rows
        .iter()
        .map(|row| Shown(ActivationView::new(row, &keyring, renew_days)));
    if as_json {
        let rows: Value = rows.map(|row| row.0.to_json()).collect();
        writeln!(out, "{rows}")?;
        return Ok(());
    }
    let mut table = Table::new(&HEAD);
    for row in rows {
        table.push(row.to_cells());
    }
    table.print(out)?;
    Ok(())
}

/// A line of the table.
struct Shown<'a>(ActivationView<'a>);

impl Shown<'_> {
    fn to_cells(&self) -> Vec<Cell> {
        let row = self.0.row;
        let maybe = |text: Option<String>| Cell::new(&text.unwrap_or_default());
        // A day and a minute are enough for people; JSON has it all.
        let minute = |time: Timestamp| time.to_string().chars().take(16).collect::<String>();
        vec![
            maybe(row.key_no.map(|key_no| key_no.to_string())),
            maybe(self.0.licence.map(|licence| licence.key_id.to_string())),
            Cell::new(&format!("{:?}", row.code)),
            Cell::new(self.0.place()),
            Cell::new(row.centre.as_deref().unwrap_or("offline")),
            maybe(row.contact.map(minute)),
            maybe(self.0.renewal.map(minute)),
            Cell::new(&self.0.state()).judged(row.trouble.is_none() && self.0.licence.is_some()),
        ]
    }
}
