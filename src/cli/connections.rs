//! `keynode connections`: who is talking to a running node, over its API.

use std::io::Write;

use clap::Subcommand;
use serde_json::Value;

use super::client::Login;
use super::failure::Failure;
use super::lease::{self, second, until};
use super::shown;
use super::table::{Cell, Table};

/// What can be done with connections.
#[derive(Debug, Clone, Subcommand)]
pub(super) enum ConnectionsCommand {
    /// List the connections
    #[command(
        after_help = "Examples:\n  keynode connections list\n  keynode connections list --json | jq '.[].PeerIP'"
    )]
    List {
        /// Print JSON
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        login: Login,
    },
    /// Show all that is known of a connection
    Show {
        /// ID of the connection
        id: String,
        /// Print JSON
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        login: Login,
    },
    /// Close a connection; its sessions go on
    Close {
        /// ID of the connection
        id: String,
        #[command(flatten)]
        login: Login,
    },
}

pub(super) fn run(command: &ConnectionsCommand, out: &mut impl Write) -> Result<(), Failure> {
    match command {
        ConnectionsCommand::List { json, login } => {
            let rows = login.client()?.list("/api/connections", "Connections")?;
            shown::list(rows, *json, table, out)
        }
        ConnectionsCommand::Show { id, json, login } => {
            shown::print(&login.client()?.get(&lease::path("connection", id)?)?, *json, out)
        }
        ConnectionsCommand::Close { id, login } => {
            login.client()?.call("DELETE", &lease::path("connection", id)?)?;
            writeln!(out, "connection {id} is closed")?;
            Ok(())
        }
    }
}

fn table(rows: &[Value]) -> Table {
    let mut table = Table::new(&[
        "ID",
        "PEER",
        "COMPUTER",
        "PROCESS",
        "PID",
        "KEYID",
        "SINCE",
        "LAST USED",
        "UNTIL",
    ]);
    for row in rows {
        table.push(vec![
            Cell::of(&row["ID"]),
            Cell::of(&row["PeerIP"]),
            Cell::of(&row["ComputerName"]),
            Cell::of(&row["Process"]),
            Cell::of(&row["PID"]),
            Cell::of(&row["KeyID"]),
            second(&row["Created"]),
            second(&row["LastUsed"]),
            until(row),
        ]);
    }
    table
}
