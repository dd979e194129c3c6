//! `keynode activation list`.

use std::io::Write;

use serde_json::{Value, json};

use crate::keyring::Keyring;
use crate::licence::{DAY, Licence, Timestamp};
use crate::settings::{ActivationArgs, Settings};
use crate::store::{ActivationRow, FILE_NAME};

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
    let rows = rows.iter().map(|row| Shown::new(row, &keyring, renew_days));
    if as_json {
        let rows: Value = rows.map(|row| row.to_json()).collect();
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

/// An activation beside its licence, where that is here.
struct Shown<'a> {
    row: &'a ActivationRow,
    licence: Option<&'a Licence>,
    /// When a running node begins to ask for more time; none: never.
    renewal: Option<Timestamp>,
}

impl<'a> Shown<'a> {
    fn new(row: &'a ActivationRow, keyring: &'a Keyring, renew_days: u32) -> Self {
        let key = row.key_no.and_then(|key_no| keyring.find(key_no));
        let licence = key.and_then(|key| key.licence.as_deref());
        let end = licence.and_then(Licence::expire_date).filter(|_| renew_days > 0);
        Self {
            row,
            licence,
            renewal: end.map(|end| end.plus(-DAY * i64::from(renew_days))),
        }
    }

    fn place(&self) -> &str {
        let carrier = self.row.carrier.as_ref();
        carrier.map_or("this computer", |carrier| &carrier.id)
    }

    /// What is to be known first: what it waits for, what went wrong.
    fn state(&self) -> String {
        let mut state = match &self.row.pending {
            Some(pending) if pending.offline => {
                "the request waits for its answer: keynode licence add".into()
            }
            Some(pending) => format!("the request to {} was not answered yet", pending.action),
            None if self.row.key_no.is_none() => "not activated".into(),
            None if self.licence.is_none() => "its licence is not here".to_owned(),
            None => "activated".into(),
        };
        if let Some(trouble) = &self.row.trouble {
            state.push_str("; ");
            state.extend(trouble.lines().next());
        }
        state
    }

    fn to_json(&self) -> Value {
        let row = self.row;
        json!({
            "KeyNo": row.key_no,
            "KeyID": self.licence.map(|licence| licence.key_id),
            "Code": format!("{:?}", row.code),
            "ITN": row.itn,
            "IEC": row.iec,
            "Carrier": row.carrier.as_ref().map(|carrier| &carrier.id),
            "Centre": row.centre,
            "LastContact": row.contact,
            "ExpireDate": self.licence.and_then(Licence::expire_date),
            "RenewalDate": self.renewal,
            "Waiting": row.pending.as_ref().map(|pending| &pending.action),
            "Offline": row.pending.as_ref().map(|pending| pending.offline),
            "Trouble": row.trouble,
            "NextTry": row.next,
            "State": self.state(),
        })
    }

    fn to_cells(&self) -> Vec<Cell> {
        let row = self.row;
        let maybe = |text: Option<String>| Cell::new(&text.unwrap_or_default());
        // A day and a minute are enough for people; JSON has it all.
        let minute = |time: Timestamp| time.to_string().chars().take(16).collect::<String>();
        vec![
            maybe(row.key_no.map(|key_no| key_no.to_string())),
            maybe(self.licence.map(|licence| licence.key_id.to_string())),
            Cell::new(&format!("{:?}", row.code)),
            Cell::new(self.place()),
            Cell::new(row.centre.as_deref().unwrap_or("offline")),
            maybe(row.contact.map(minute)),
            maybe(self.renewal.map(minute)),
            Cell::new(&self.state()).judged(row.trouble.is_none() && self.licence.is_some()),
        ]
    }
}
