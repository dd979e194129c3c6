//! `keynode centre activations`: where codes are and were used.

use std::io::Write;
use std::path::PathBuf;

use clap::Subcommand;

use crate::activation::centre::{ACTIVATION_COLUMNS, ActivationFilter, ActivationRow};
use crate::licence::{KeyId, KeyNo};

use super::super::failure::Failure;
use super::super::table::{Cell, Table};
use super::Place;
use super::rows::{self, CsvFile, minute};

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
        return rows::json(rows.iter().map(ActivationRow::to_json), out);
    }
    print(&rows, out)
}

/// Writes activations as a table.
pub(super) fn print(rows: &[ActivationRow], out: &mut impl Write) -> Result<(), Failure> {
    let mut table = Table::new(&[
        "KEYNO",
        "CODE",
        "SINCE",
        "ENDED",
        "LAST SEEN",
        "NODE",
        "ADDRESS",
        "PLACE",
        "REMARK",
    ]);
    for row in rows {
        let ended = row
            .ended
            .map(|(moment, why)| format!("{} {}", minute(moment).text(), why.name().to_lowercase()));
        let mut remarks = Vec::new();
        for (holds, remark) in [(row.counted, "move"), (row.recovered, "recovered")] {
            if holds {
                remarks.push(remark.to_owned());
            }
        }
        if let Some(mark) = &row.cloned {
            let [one, other] = mark.addresses;
            remarks.push(format!(
                "CLONED since {} ({one}, {other})",
                minute(mark.time).text()
            ));
        }
        let remarks = Cell::new(&remarks.join(", "));
        table.push(vec![
            Cell::new(&row.key_no.to_string()),
            Cell::new(&format!("{:?}", row.code)),
            minute(row.started),
            Cell::new(&ended.unwrap_or_default()),
            minute(row.last_seen),
            Cell::new(&row.node),
            Cell::new(&row.last_address.to_string()),
            Cell::new(&row.place),
            if row.cloned.is_some() {
                remarks.judged(false)
            } else {
                remarks
            },
        ]);
    }
    table.print(out)?;
    Ok(())
}
