//! `keynode centre codes`: codes are listed and exported; what else is done with them is in files beside this one.

use std::io::Write;
use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::activation::centre::{Batch, CODE_COLUMNS, CodeFilter, CodeRow, CodeState, code_text};
use crate::licence::{Itn, KeyId, KeyNo};

use super::super::failure::Failure;
use super::super::offline::author;
use super::super::table::{Cell, Table};
use super::Place;
use super::cases::{self, CaseCommand};
use super::issue::{self, IssueArgs};
use super::rows::{self, CsvFile, day, minute};

/// Rows of a list, where nobody says how many.
const USUAL_ROWS: u64 = 100;

/// What can be done with codes.
#[derive(Debug, Clone, Subcommand)]
pub(in crate::cli) enum CodesCommand {
    /// Issue codes
    Issue(Box<IssueArgs>),
    /// List the batches
    Batches {
        /// Print JSON
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        place: Place,
    },
    /// List codes, first and last group only
    List {
        #[command(flatten)]
        filter: FilterArgs,
        /// At most so many rows; 0: all
        #[arg(long, value_name = "N", default_value_t = USUAL_ROWS)]
        limit: u64,
        /// Show the codes whole
        #[arg(long)]
        full: bool,
        /// Print JSON
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        place: Place,
    },
    /// Write codes, whole, to a table
    Export {
        #[command(flatten)]
        filter: FilterArgs,
        /// The new file ("-" is standard output)
        #[arg(long, value_name = "FILE")]
        csv: PathBuf,
        #[command(flatten)]
        place: Place,
    },
    #[command(flatten)]
    Case(CaseCommand),
}

/// Which codes.
#[derive(Debug, Clone, Args)]
pub(in crate::cli) struct FilterArgs {
    /// Of this batch
    #[arg(long, value_name = "N")]
    batch: Option<u64>,
    /// Of this series
    #[arg(long, value_name = "KEYID", value_parser = KeyId::parse)]
    series: Option<KeyId>,
    /// Of the holder with this ITN
    #[arg(long, value_name = "N", value_parser = Itn::parse)]
    itn: Option<Itn>,
    /// new, expired, active, returned or revoked
    #[arg(long, value_name = "STATE", value_parser = state)]
    state: Option<CodeState>,
    /// Those after this KeyNo
    #[arg(long, value_name = "N")]
    after: Option<KeyNo>,
}

fn state(name: &str) -> Result<CodeState, &'static str> {
    CodeState::parse(name).ok_or("expected new, expired, active, returned or revoked")
}

impl FilterArgs {
    fn filter(&self, limit: Option<u64>) -> CodeFilter {
        CodeFilter {
            batch: self.batch,
            key_id: self.series,
            itn: self.itn.clone(),
            state: self.state,
            after: self.after,
            limit,
        }
    }
}

pub(super) fn run(command: CodesCommand, out: &mut impl Write) -> Result<(), Failure> {
    match command {
        CodesCommand::Issue(args) => issue::run(&args, out),
        CodesCommand::Batches { json, place } => batches(&place, json, out),
        CodesCommand::List {
            filter,
            limit,
            full,
            json,
            place,
        } => {
            let limit = (limit != 0).then_some(limit);
            let codes = place.books()?.codes(&filter.filter(limit), author().time)?;
            if json {
                return rows::json(codes.iter().map(|code| code.to_json(full)), out);
            }
            print(&codes, full, out)?;
            match codes.last() {
                Some(last) if limit == u64::try_from(codes.len()).ok() => {
                    writeln!(out, "there may be more: --after {}", last.key_no)?;
                }
                _ => {}
            }
            Ok(())
        }
        CodesCommand::Export { filter, csv, place } => export(&filter, &csv, &place),
        CodesCommand::Case(command) => cases::run(&command, out),
    }
}

/// Writes codes as a table.
pub(super) fn print(codes: &[CodeRow], whole: bool, out: &mut impl Write) -> Result<(), Failure> {
    let mut table = Table::new(&[
        "CODE",
        "KEYNO",
        "SERIES",
        "BATCH",
        "STATE",
        "ITN",
        "IEC",
        "USE UNTIL",
        "RENEWED TO",
        "EXPIRES",
        "REMARK",
    ]);
    for row in codes {
        let text = |value: Option<String>| Cell::new(&value.unwrap_or_default());
        let remark = if row.cloned {
            Cell::new("CLONED").judged(false)
        } else {
            Cell::new("")
        };
        table.push(vec![
            Cell::new(&code_text(&row.code, whole)),
            Cell::new(&row.key_no.to_string()),
            Cell::new(row.key_id.as_str()),
            Cell::new(&row.batch.to_string()),
            Cell::new(&row.state.name().to_lowercase()),
            text(row.itn.as_ref().map(ToString::to_string)),
            text(row.iec.as_ref().map(|iec| iec.as_str().to_owned())),
            day(row.valid_until),
            day(row.renew_until),
            day(row.expires),
            remark,
        ]);
    }
    table.print(out)?;
    Ok(())
}

fn batches(place: &Place, json: bool, out: &mut impl Write) -> Result<(), Failure> {
    let batches = place.books()?.batches()?;
    if json {
        return rows::json(batches.iter().map(Batch::to_json), out);
    }
    let mut table = Table::new(&["BATCH", "SERIES", "ORDERED", "COUNT", "ISSUED", "NOTE"]);
    for batch in batches {
        table.push(vec![
            Cell::new(&batch.number.to_string()),
            Cell::new(batch.key_id.as_str()),
            minute(batch.created),
            Cell::new(&batch.count.to_string()),
            Cell::new(&batch.issued.to_string()),
            Cell::new(&batch.note),
        ]);
    }
    table.print(out)?;
    Ok(())
}

fn export(filter: &FilterArgs, csv: &std::path::Path, place: &Place) -> Result<(), Failure> {
    let books = place.books()?;
    let mut file = CsvFile::create(csv, &CODE_COLUMNS)?;
    let mut trouble = Ok(());
    books.export(&filter.filter(None), author().time, |row| {
        trouble = file.write(row.to_record(true));
        trouble.is_ok()
    })?;
    trouble
        .and_then(|()| file.sync())
        .map_err(|error| match error.kind() {
            std::io::ErrorKind::BrokenPipe => error.into(),
            _ => Failure::of(format!("{}: {error}", csv.display())),
        })
}
