//! `keynode keys`: the keys with their verdicts, and the administrator's switch. A running node notices within
//! a second.

use std::io::Write;

use clap::Subcommand;
use serde_json::Value;

use crate::keyring::KeyKind;
use crate::licence::KeyNo;
use crate::node::StateDir;
use crate::settings::KeyArgs;
use crate::store::switch_key;

use super::failure::Failure;
use super::offline::{HEAD, Offline, author, to_json, to_row};
use super::shown;
use super::table::Table;

/// What can be done with keys.
#[derive(Debug, Clone, Subcommand)]
pub(super) enum KeysCommand {
    /// List the keys with their verdicts
    List {
        /// Print JSON
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        place: KeyArgs,
    },
    /// Show all that is known of a key
    Show {
        /// `KeyNo`
        key_no: KeyNo,
        /// Print JSON
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        place: KeyArgs,
    },
    /// Switch a key off: it gives no seats until it is switched on again, over restarts too
    Disable {
        /// `KeyNo`
        key_no: KeyNo,
        #[command(flatten)]
        place: KeyArgs,
    },
    /// Switch a key on again
    Enable {
        /// `KeyNo`
        key_no: KeyNo,
        #[command(flatten)]
        place: KeyArgs,
    },
}

pub(super) fn run(command: &KeysCommand, out: &mut impl Write) -> Result<(), Failure> {
    match command {
        KeysCommand::List { json, place } => list(&Offline::look_for_keys(place)?, None, *json, out),
        KeysCommand::Show { key_no, json, place } => {
            show(*key_no, *json, &Offline::look(place)?, &unknown, out)
        }
        KeysCommand::Disable { key_no, place } => switch(*key_no, false, place, out),
        KeysCommand::Enable { key_no, place } => switch(*key_no, true, place, out),
    }
}

/// Prints all keys, or those of one kind.
pub(super) fn list(
    offline: &Offline,
    kind: Option<KeyKind>,
    as_json: bool,
    out: &mut impl Write,
) -> Result<(), Failure> {
    let keys = offline.keyring.keys().iter();
    let keys = keys.filter(|key| kind.is_none_or(|kind| key.kind == kind));
    if as_json {
        let rows: Vec<Value> = keys.map(|key| to_json(key, offline.now)).collect();
        writeln!(out, "{}", Value::from(rows))?;
        return Ok(());
    }
    let mut table = Table::new(&HEAD);
    for key in keys {
        table.push(to_row(key, offline.now));
    }
    table.print(out)?;
    Ok(())
}

/// Prints all that is known of a key; `unknown` says that there is none.
pub(super) fn show(
    key_no: KeyNo,
    as_json: bool,
    offline: &Offline,
    unknown: &dyn Fn(KeyNo, &Offline) -> Failure,
    out: &mut impl Write,
) -> Result<(), Failure> {
    let key = offline
        .keyring
        .find(key_no)
        .ok_or_else(|| unknown(key_no, offline))?;
    let mut key = to_json(key, offline.now);
    if !as_json {
        // The licence's own fields stand beside the key's.
        if let (Value::Object(licence), Some(fields)) = (key["Licence"].take(), key.as_object_mut()) {
            fields.remove("Licence");
            for (name, value) in licence {
                fields.entry(name).or_insert(value);
            }
        }
    }
    shown::print(&key, as_json, out)
}

fn unknown(key_no: KeyNo, offline: &Offline) -> Failure {
    Failure::NotFound(format!(
        "there is no key {key_no} in {}: `keynode keys list` shows those that are there",
        offline.settings.licence_dir().display()
    ))
}

fn switch(key_no: KeyNo, enabled: bool, place: &KeyArgs, out: &mut impl Write) -> Result<(), Failure> {
    let offline = Offline::look(place)?;
    let key = offline.keyring.find(key_no);
    if let Some(key) = key.filter(|key| key.blank) {
        return Err(Failure::Failed(format!(
            "{} is a carrier without a licence: there are no seats to switch",
            key.file_name
        )));
    }
    if key.is_none() {
        return Err(unknown(key_no, &offline));
    }
    let database = StateDir::shared_database(&offline.settings.state_dir)?;
    switch_key(&database, key_no, enabled, &author())?;
    writeln!(
        out,
        "key {key_no} is switched {}",
        if enabled { "on" } else { "off" }
    )?;
    Ok(())
}
