//! `keynode centre activations`: where codes are and were used.

use std::io::Write;
use std::path::PathBuf;

use clap::Subcommand;

use crate::activation::centre::{ACTIVATION_COLUMNS, ActivationFilter, ActivationRow};
use crate::licence::{KeyId, KeyNo};

use super::super::failure::Failure;
use super::Place;
use super::table::{self, CsvFile};

/// What can be done with activations.
#[derive(Debug, Clone, Subcommand)]
pub(in crate::cli) enum ActivationsCommand {
    /// List activations, past and present
    List {
        /// Only those that two nodes use
        #[arg(long)]
        clones: bool,
        /// Only those that have not ended
        #[arg(long)]
        current: bool,
        /// Of this key
        #[arg(long, value_name = "N")]
        key_no: Option<KeyNo>,
        /// Of this series
        #[arg(long, value_name = "KEYID", value_parser = KeyId::parse)]
        series: Option<KeyId>,
        /// Print JSON
        #[arg(long)]
        json: bool,
        /// Write a table to this new file ("-" is standard output)
        #[arg(long, value_name = "FILE", conflicts_with = "json")]
        csv: Option<PathBuf>,
        #[command(flatten)]
        place: Place,
    },
}

pub(super) fn run(command: &ActivationsCommand, out: &mut impl Write) -> Result<(), Failure> {
    let ActivationsCommand::List {
        clones,
        current,
        key_no,
        series,
        json,
        csv,
        place,
    } = command;
    let filter = ActivationFilter {
        key_no: *key_no,
        key_id: *series,
        current: *current,
        cloned: *clones,
        ..ActivationFilter::default()
    };
    let rows = place.books()?.activations(&filter)?;
    if let Some(path) = csv {
        let mut file = CsvFile::create(path, &ACTIVATION_COLUMNS)?;
        rows.iter().try_for_each(|row| file.write(row.to_record()))?;
        return Ok(file.sync()?);
    }
    if *json {
        return table::json(rows.iter().map(ActivationRow::to_json), out);
    }
    print(&rows, out)
}

/// Writes activations as a table.
pub(super) fn print(rows: &[ActivationRow], out: &mut impl Write) -> Result<(), Failure> {
    writeln!(
        out,
        "{:<17} {:<11} {:<17} {:<26} {:<17} {:<17} {:<15} PLACE",
        "KEYNO", "CODE", "SINCE", "ENDED", "LAST SEEN", "NODE", "ADDRESS"
    )?;
    for row in rows {
        let ended = row.ended.map_or_else(
            || "-".into(),
            |(moment, why)| format!("{} {}", table::minute(moment), why.name().to_lowercase()),
        );
        let mut remarks = String::new();
        for (holds, remark) in [(row.counted, ", move"), (row.recovered, ", recovered")] {
            if holds {
                remarks += remark;
            }
        }
        if let Some(mark) = &row.cloned {
            let [one, other] = mark.addresses;
            let since = table::minute(mark.time);
            let cloned = format!(", CLONED since {since} ({one}, {other})");
            remarks += &cloned;
        }
        writeln!(
            out,
            "{:<17} {:<11} {:<17} {ended:<26} {:<17} {:<17} {:<15} {}{remarks}",
            row.key_no,
            format!("{:?}", row.code),
            table::minute(row.started),
            table::minute(row.last_seen),
            row.node,
            row.last_address.to_string(),
            row.place
        )?;
    }
    Ok(())
}
