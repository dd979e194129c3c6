//! `keynode audit`: what happened, and whether the record of it is whole.

use std::io::Write;

use clap::Subcommand;
use serde_json::json;

use crate::settings::{PlaceArgs, Settings};
use crate::signing::{KeyList, Message, verify};
use crate::store::{AuditError, AuditRow, CHECKPOINT_NAME, verify_audit};

use super::failure::Failure;
use super::offline::existing_database;
use super::progress;
use super::table::plain;

/// What can be done with the audit log.
#[derive(Debug, Clone, Subcommand)]
pub(super) enum AuditCommand {
    /// Print the log, the oldest row first
    List {
        /// Only rows of this event: grant, refusal, release, key, login-failure, settings, ...
        #[arg(long, value_name = "NAME")]
        event: Option<String>,
        /// Print JSON, one row a line
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        place: PlaceArgs,
    },
    /// Check that no row was changed or taken out, and that the checkpoints are signed by the node
    Verify {
        /// Print JSON
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        place: PlaceArgs,
    },
}

pub(super) fn run(command: &AuditCommand, out: &mut impl Write) -> Result<(), Failure> {
    match command {
        AuditCommand::List { event, json, place } => {
            list(event.as_deref(), *json, |visit| walk(place, visit), out)
        }
        AuditCommand::Verify { json, place } => check(*json, |visit| walk(place, visit), out),
    }
}

/// Goes through an audit log.
pub(super) type Visit<'a> = &'a mut dyn FnMut(&AuditRow);

/// Prints the rows of a log, of this event where one is named.
pub(super) fn list(
    event: Option<&str>,
    json: bool,
    walk: impl FnOnce(Visit<'_>) -> Result<(), Failure>,
    out: &mut impl Write,
) -> Result<(), Failure> {
    let mut written = Ok(());
    let checked = walk(&mut |row| {
        let wanted = event.is_none_or(|event| event == row.entry.event);
        if wanted && written.is_ok() {
            written = print(row, json, out);
        }
    });
    written?;
    checked
}

/// Checks a log.
pub(super) fn check(
    as_json: bool,
    walk: impl FnOnce(Visit<'_>) -> Result<(), Failure>,
    out: &mut impl Write,
) -> Result<(), Failure> {
    let mut rows = 0_u64;
    let bar = progress::spinner("rows are checked");
    let walked = walk(&mut |_| {
        rows += 1;
        bar.set_position(rows);
    });
    bar.finish_and_clear();
    walked?;
    if as_json {
        writeln!(out, "{}", json!({ "Rows": rows }))?;
        return Ok(());
    }
    writeln!(out, "verified: {rows} rows, none changed, none missing")?;
    Ok(())
}

/// What is wrong with a log.
pub(super) fn broken(error: AuditError) -> Failure {
    match error {
        AuditError::Sqlite(error) => Failure::of(error),
        broken => Failure::of(format!("the audit log was tampered with: {broken}")),
    }
}

fn walk(place: &PlaceArgs, visit: Visit<'_>) -> Result<(), Failure> {
    let state_dir = Settings::load(&place.0)?.settings.state_dir;
    let connection = existing_database(&state_dir)?.connect()?;
    // Whichever of them was current when the checkpoint was signed, or stood in for it.
    let keys = KeyList::load(&state_dir).map_err(Failure::of)?.keys;
    let signed = |hash: &str, signature: &str| {
        let message = Message {
            query_id: CHECKPOINT_NAME,
            body: hash.as_bytes(),
        };
        keys.iter()
            .rev()
            .any(|key| verify(&key.public_key, message, signature).is_ok())
    };
    verify_audit(&connection, signed, visit).map_err(broken)
}

fn print(row: &AuditRow, as_json: bool, out: &mut impl Write) -> std::io::Result<()> {
    let entry = &row.entry;
    if as_json {
        let line = json!({
            "Seq": row.seq,
            "Time": entry.time,
            "Actor": entry.actor,
            "Event": entry.event,
            "Object": entry.object,
            "Detail": entry.detail,
        });
        return writeln!(out, "{line}");
    }
    // What clients told of themselves stands in the details: nothing of it may steer the terminal.
    writeln!(
        out,
        "{} {:<14} {:<24} {}  {}",
        entry.time,
        plain(&entry.event),
        plain(&entry.actor),
        plain(&entry.object),
        plain(&entry.detail)
    )
}
