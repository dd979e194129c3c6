//! `keynode signing show`: the keys, what they are for, and how the token is.

use std::io::Write;

use serde_json::{Value, json};

use crate::licence::Timestamp;
use crate::settings::{Settings, SigningArgs, SigningProvider};
use crate::signing::{KeyEntry, KeyList, KeyState, Place, PublicKey, SoftwareKey, from_hex, in_words};
use crate::tokens::{Token, TokenState};

use super::super::failure::Failure;
use super::super::table::{Cell, Table};
use super::token::OpenToken;

pub(super) fn run(as_json: bool, args: &SigningArgs, out: &mut impl Write) -> Result<(), Failure> {
    let settings = Settings::load(&args.0)?.settings;
    if !settings.state_dir.is_dir() {
        return Err(Failure::no_state(&settings.state_dir));
    }
    let list = KeyList::load(&settings.state_dir).map_err(Failure::of)?;
    let open = match (&settings.signing.provider, &settings.signing.token) {
        (SigningProvider::Pkcs11, Some(name)) => Some(OpenToken::look(&settings, name)?),
        _ => None,
    };
    let token = open.as_ref().map(|open| &*open.token);
    let rows = list.states(&settings.signing).map(|(entry, state)| Row {
        entry,
        state,
        usable: usable(&settings, entry, state, token),
    });
    let rows: Vec<Row<'_>> = rows.collect();
    if as_json {
        let token = token.map(|token| {
            json!({ "Name": token.name, "State": token.state.name(), "Detail": token.state.detail() })
        });
        let keys: Vec<Value> = rows.iter().map(Row::to_json).collect();
        writeln!(out, "{}", json!({ "Keys": keys, "Token": token }))?;
        return Ok(());
    }
    let mut table = Table::new(&["STATE", "USABLE", "PROVIDER", "BITS", "SINCE", "RETIRED", "PLACE"]);
    for row in &rows {
        table.push(row.to_cells());
    }
    table.print(out)?;
    if let Some(token) = token {
        writeln!(out, "{}", in_words(token))?;
    }
    Ok(())
}

struct Row<'a> {
    entry: &'a KeyEntry,
    state: KeyState,
    usable: bool,
}

impl Row<'_> {
    fn bits(&self) -> usize {
        PublicKey::from_pem(&self.entry.public_key).map_or(0, |key| key.bits)
    }

    fn to_json(&self) -> Value {
        let entry = self.entry;
        let (token, id, file) = match &entry.place {
            Place::Software { file } => (None, None, Some(file)),
            Place::Pkcs11 { token, id } => (Some(token), Some(id), None),
        };
        json!({
            "State": self.state.name(),
            "Usable": self.usable,
            "Provider": entry.place.provider(),
            "Token": token,
            "ID": id,
            "File": file,
            "Bits": self.bits(),
            "Since": entry.since,
            "Retired": entry.retired,
            "PublicKey": entry.public_key,
        })
    }

    fn to_cells(&self) -> Vec<Cell> {
        let entry = self.entry;
        let time =
            |time: Option<Timestamp>| Cell::new(&time.map(|time| time.to_string()).unwrap_or_default());
        let place = match &entry.place {
            Place::Software { file } => file.clone(),
            Place::Pkcs11 { token, id } => format!("token {token}, CKA_ID {id}"),
        };
        let usable = Cell::new(if self.usable { "yes" } else { "no" });
        vec![
            Cell::new(self.state.name()),
            // A retired key has nothing more to do.
            if self.state == KeyState::Retired {
                usable
            } else {
                usable.judged(self.usable)
            },
            Cell::new(entry.place.provider()),
            Cell::new(&self.bits().to_string()),
            time(entry.since),
            time(entry.retired),
            Cell::new(&place),
        ]
    }
}

/// Whether the key could sign now, for what its state wants of it.
fn usable(settings: &Settings, entry: &KeyEntry, state: KeyState, token: Option<&Token>) -> bool {
    match &entry.place {
        _ if state == KeyState::Retired => false,
        Place::Software { file } => SoftwareKey::read(&settings.state_dir.join(file)).is_ok(),
        Place::Pkcs11 { id, .. } => token.is_some_and(|token| {
            let has = from_hex(id).is_some_and(|id| token.key(&id).is_some());
            token.state == TokenState::Usable && has
        }),
    }
}
