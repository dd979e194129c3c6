//! `keynode sessions`: who holds which seat, over the API of a running node.

mod filter;
mod watch;

use std::io::Write;

use clap::Subcommand;
use serde_json::Value;

use super::client::Login;
use super::failure::Failure;
use super::lease::{self, second, until};
use super::shown;
use super::table::{Cell, Table};
use filter::Filter;

/// What can be done with sessions.
#[derive(Debug, Clone, Subcommand)]
pub(super) enum SessionsCommand {
    /// List the sessions
    #[command(
        after_help = "Examples:\n  keynode sessions list --series 672B --sort -SessionStarted\n  \
        keynode sessions list --user-name Ivanov --json\n  keynode sessions list --watch"
    )]
    List {
        /// Print JSON
        #[arg(long)]
        json: bool,
        /// Go on until Ctrl-C: on a terminal the list as it is now, else a line for each session that comes or goes; a
        /// node that is restarted is waited for
        #[arg(long)]
        watch: bool,
        #[command(flatten)]
        filter: Filter,
        #[command(flatten)]
        login: Login,
    },
    /// Show all that is known of a session
    Show {
        /// ID of the session
        id: String,
        /// Print JSON
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        login: Login,
    },
    /// Release a session: its seat is free at once
    #[command(after_help = "Examples:\n  keynode sessions release 0123456789ABCDEF0123456789ABCDEF")]
    Release {
        /// ID of the session
        id: String,
        #[command(flatten)]
        login: Login,
    },
}

pub(super) fn run(command: &SessionsCommand, out: &mut impl Write) -> Result<(), Failure> {
    match command {
        SessionsCommand::List {
            json,
            watch,
            filter,
            login,
        } => {
            let (client, path) = (login.client()?, filter.path());
            if *watch {
                return watch::run(&client, filter, *json, out);
            }
            shown::list(client.list(&path, "Sessions")?, *json, table, out)
        }
        SessionsCommand::Show { id, json, login } => {
            shown::print(&login.client()?.get(&lease::path("session", id)?)?, *json, out)
        }
        SessionsCommand::Release { id, login } => {
            login.client()?.call("DELETE", &lease::path("session", id)?)?;
            writeln!(out, "session {id} is released")?;
            Ok(())
        }
    }
}

fn table(rows: &[Value]) -> Table {
    let mut table = Table::new(&[
        "ID",
        "KEYID",
        "KEYNO",
        "UNTIL",
        "SINCE",
        "COMPUTER",
        "USER",
        "APPLICATION",
    ]);
    for row in rows {
        table.push(vec![
            Cell::of(&row["ID"]),
            Cell::of(&row["KeyID"]),
            Cell::of(&row["UsedLicence"]),
            until(row),
            second(&row["SessionStarted"]),
            Cell::of(&row["ComputerName"]),
            Cell::of(&row["UserName"]),
            Cell::of(&row["AppName"]),
        ]);
    }
    table
}
