//! `keynode centre audit`: what happened at the centre, and whether the record of it is whole.

use std::io::Write;

use clap::Subcommand;

use super::super::audit;
use super::super::failure::Failure;
use super::Place;

/// What can be done with the centre's audit log.
#[derive(Debug, Clone, Subcommand)]
pub(in crate::cli) enum AuditCommand {
    /// Print the log, the oldest row first
    List {
        /// Only rows of this event: activation, refusal, clone, batch, revocation, ...
        #[arg(long, value_name = "NAME")]
        event: Option<String>,
        /// Print JSON, one row a line
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        place: Place,
    },
    /// Check that no row was changed or taken out
    Verify {
        /// Print JSON
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        place: Place,
    },
}

pub(super) fn run(command: &AuditCommand, out: &mut impl Write) -> Result<(), Failure> {
    let (AuditCommand::List { place, .. } | AuditCommand::Verify { place, .. }) = command;
    let books = place.books()?;
    match command {
        AuditCommand::List { event, json, .. } => {
            let walk = |visit: audit::Visit<'_>| books.audit(visit).map_err(audit::broken);
            audit::list(event.as_deref(), *json, walk, out)
        }
        AuditCommand::Verify { json, .. } => {
            audit::check(*json, |visit| books.audit(visit).map_err(audit::broken), out)
        }
    }
}
