//! `keynode devices`: what is plugged into this computer, looked at here and now.

mod provision;
mod provision_fido2;
mod provision_token;
mod seen;
mod watch;

use std::io::Write;

use clap::Subcommand;
use serde_json::Value;

use crate::devices::{Catalogue, rules};
use crate::node::device_rules;
use crate::settings::{DeviceArgs, Settings};

use super::failure::Failure;
use super::shown;
use super::table::{Cell, Table};
use provision::ProvisionArgs;
pub(super) use seen::Seen;

/// What can be done with devices.
#[derive(Debug, Clone, Subcommand)]
pub(super) enum DevicesCommand {
    /// List USB devices and tokens, and which of them prove themselves as carriers of licences
    ///
    /// No node is asked: devices are looked at here and now, with the access that whoever runs this has. GET
    /// /api/devices tells what a running node sees.
    List {
        /// Print JSON, with the fields of GET /api/devices
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        settings: DeviceArgs,
    },
    /// Show all that is known of a device
    Show {
        /// Its ID, or its serial number
        device: String,
        /// Print JSON
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        settings: DeviceArgs,
    },
    /// Print a line whenever a device comes, goes or changes, until Ctrl-C
    Watch {
        /// Print JSON, one object a line
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        settings: DeviceArgs,
    },
    /// Print the udev rules for the catalogue with the families of the settings
    Rules {
        #[command(flatten)]
        settings: DeviceArgs,
    },
    /// Write a licence into a carrier, or erase it, as the licence's vendor
    ///
    /// Nothing tells a running node that the memory has changed: it sees that when it next has its keys prove
    /// themselves, or at `keynode rescan`. While this writes it may find the carrier in use.
    Provision(ProvisionArgs),
}

pub(super) fn run(command: &DevicesCommand, out: &mut impl Write) -> Result<(), Failure> {
    match command {
        DevicesCommand::List { json, settings } => list(&Seen::look(settings)?, *json, out),
        DevicesCommand::Show {
            device,
            json,
            settings,
        } => show(&Seen::look(settings)?, device, *json, out),
        DevicesCommand::Watch { json, settings } => watch::run(settings, *json, out),
        DevicesCommand::Rules { settings } => {
            let settings = Settings::load(&settings.0)?.settings;
            let catalogue: Catalogue = device_rules(&settings.devices).catalogue;
            write!(out, "{}", rules::rules(&catalogue))?;
            Ok(())
        }
        DevicesCommand::Provision(args) => provision::run(args, out),
    }
}

fn list(seen: &Seen, as_json: bool, out: &mut impl Write) -> Result<(), Failure> {
    let table = |rows: &[Value]| {
        let mut table = Table::new(&["PORT", "ID", "FAMILY", "ACCESS", "KEY", "PROOF"]);
        for row in rows {
            table.push(to_cells(row));
        }
        table
    };
    shown::list(seen.rows(), as_json, table, out)?;
    seen.complete()
}

/// One line for a device; `show` has the rest of what takes more.
fn to_cells(row: &Value) -> Vec<Cell> {
    // A token is in no port and of no family: where it is and what it is, its NAME and its model tell.
    let or = |name: &str, other: &str| Cell::of(&row[if row[name].is_null() { other } else { name }]);
    let access = Cell::of(&row["Access"]);
    let usable = access.text() == "ok";
    vec![
        or("Port", "Token"),
        Cell::of(&row["ID"]),
        or("Family", "Product"),
        if usable { access } else { access.judged(false) },
        Cell::of(&row["KeyNo"]),
        Cell::of(&row["Proof"]),
    ]
}

/// The same, for a list that grows.
fn to_row(row: &Value) -> String {
    let cells: Vec<_> = to_cells(row)
        .into_iter()
        .map(|cell| cell.text().to_owned())
        .collect();
    let [port, id, family, access, key, proof] = &cells[..] else {
        return cells.join(" ");
    };
    format!("{port:<8} {id:<40} {family:<24} {access:<14} {key:<17} {proof}")
}

fn show(seen: &Seen, device: &str, as_json: bool, out: &mut impl Write) -> Result<(), Failure> {
    let id = &seen.find(device)?;
    let row = seen.rows().into_iter().find(|row| row["ID"] == **id);
    let row = row.unwrap_or_default();
    if as_json {
        writeln!(out, "{row}")?;
        return Ok(());
    }
    for (name, value) in row.as_object().into_iter().flatten() {
        writeln!(out, "{name:<13} {}", text(value))?;
    }
    if let Some(state) = seen.licence_state(id) {
        writeln!(out, "{:<13} {state}", "Licence")?;
    }
    Ok(())
}

fn text(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::String(text) if text.is_empty() => "-".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_is_one_line_of_a_table_whatever_is_wrong_with_it() {
        let row = serde_json::json!({ "Port": "1-1", "Proof": "no permission\nIts rule:\nSUBSYSTEM" });
        assert!(to_row(&row).ends_with(" no permission"));
        let token = serde_json::json!({
            "Port": null, "Token": "office", "ID": "pkcs11-5AB1", "Family": null, "Product": "T-1000", "Access": "locked"
        });
        let row = to_row(&token);
        let words: Vec<&str> = row.split_whitespace().collect();
        assert_eq!(words, ["office", "pkcs11-5AB1", "T-1000", "locked", "-", "-"]);
    }
}
