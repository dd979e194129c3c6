//! `keynode activation list`.

use std::io::Write;

use serde_json::Value;

use crate::activation::ActivationView;
use crate::licence::Timestamp;
use crate::settings::{ActivationArgs, Settings};
use crate::store::FILE_NAME;

use super::super::failure::Failure;
use super::{Here, explain};

const HEAD: &str = "KEYNO            SERIES CODE         PLACE                          CENTRE                         LAST CONTACT     RENEWAL          STATE";

pub(super) fn run(place: &ActivationArgs, as_json: bool, out: &mut impl Write) -> Result<(), Failure> {
    let settings = Settings::load(&place.0)?.settings;
    let renew_days = settings.activation.renew_days;
    let state = settings.state_dir.join(FILE_NAME);
    let there = state.try_exists();
    // A list makes no state directory.
    let here = there
        .map_err(|error| Failure::of(format!("{}: {error}", settings.state_dir.display())))?
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
    writeln!(out, "{HEAD}")?;
    for row in rows {
        writeln!(out, "{}", row.to_line())?;
    }
    Ok(())
}

/// A line of the table.
struct Shown<'a>(ActivationView<'a>);

impl Shown<'_> {
    fn to_line(&self) -> String {
        let row = self.0.row;
        let or_dash = |text: Option<String>| text.unwrap_or_else(|| "-".into());
        // A day and a minute are enough for people; JSON has it all.
        let minute = |time: Timestamp| time.to_string().chars().take(16).collect::<String>();
        format!(
            "{:<16} {:<6} {:<12} {:<30} {:<30} {:<16} {:<16} {}",
            or_dash(row.key_no.map(|key_no| key_no.to_string())),
            or_dash(self.0.licence.map(|licence| licence.key_id.to_string())),
            format!("{:?}", row.code),
            self.0.place(),
            row.centre.as_deref().unwrap_or("offline"),
            or_dash(row.contact.map(minute)),
            or_dash(self.0.renewal.map(minute)),
            self.0.state(),
        )
    }
}
