//! `keynode certificates`: the certificates on this computer's tokens and in files, looked at here and now.

use std::io::Write;

use clap::Subcommand;
use serde_json::Value;

use crate::api::certificate_rows;
use crate::clock::SystemClock;
use crate::cms::Thumbprint;
use crate::computer::Roots;
use crate::node::{certificate_rules, token_rules};
use crate::settings::{PlaceArgs, Settings};
use crate::tokens::{CertificatesHandle, TokensHandle, Workers};

use super::failure::Failure;
use super::shown;
use super::table::{Cell, Table};

/// What can be done with certificates.
#[derive(Debug, Clone, Subcommand)]
pub(super) enum CertificatesCommand {
    /// List the certificates on the tokens and in the files of the settings, and which of them can be used
    ///
    /// No node is asked: tokens and files are looked at here and now, with the access that whoever runs this has. GET
    /// /api/certificates tells what a running node sees.
    List {
        /// Print JSON, with the fields of GET /api/certificates
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        place: PlaceArgs,
    },
    /// Show all that is known of a certificate
    Show {
        /// Its thumbprint
        thumbprint: Thumbprint,
        /// Print JSON
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        place: PlaceArgs,
    },
}

pub(super) fn run(command: &CertificatesCommand, out: &mut impl Write) -> Result<(), Failure> {
    match command {
        CertificatesCommand::List { json, place } => {
            let table = |rows: &[Value]| {
                let mut table = Table::new(&["THUMBPRINT", "DEVICE", "NOT AFTER", "SUBJECT", "STATE"]);
                for row in rows {
                    table.push(to_cells(row));
                }
                table
            };
            shown::list(look(place)?, *json, table, out)
        }
        CertificatesCommand::Show {
            thumbprint,
            json,
            place,
        } => show(&look(place)?, *thumbprint, *json, out),
    }
}

/// Takes as long as the slowest token.
fn look(place: &PlaceArgs) -> Result<Vec<Value>, Failure> {
    let settings = Settings::load(&place.0)?.settings;
    let credentials = Roots::host().credentials;
    let kept = settings.state_dir.is_dir().then(|| settings.state_dir.clone());
    let tokens = TokensHandle::start(
        token_rules(&settings.tokens, credentials.as_deref()),
        Workers::this_program(kept),
    );
    tokens.rescan();
    let rules = certificate_rules(&settings.certificates, credentials.as_deref());
    let certificates = CertificatesHandle::start(rules, tokens.clone());
    let rows = certificate_rows(&certificates.inventory(), SystemClock::shared().now().wall);
    tokens.stop();
    Ok(rows)
}

fn to_cells(row: &Value) -> Vec<Cell> {
    let not_after: String = text(&row["NotAfter"]).chars().take(10).collect();
    let usable = row["Usable"] == true;
    let state = if usable {
        Cell::new("usable")
    } else {
        Cell::of(&row["Reason"])
    };
    vec![
        Cell::of(&row["Thumbprint"]),
        Cell::of(&row["Device"]),
        Cell::new(&not_after),
        Cell::of(&row["Subject"]),
        state.judged(usable),
    ]
}

fn show(rows: &[Value], thumbprint: Thumbprint, as_json: bool, out: &mut impl Write) -> Result<(), Failure> {
    let name = thumbprint.to_string();
    let named: Vec<&Value> = rows.iter().filter(|row| row["Thumbprint"] == *name).collect();
    if named.is_empty() {
        return Err(Failure::NotFound(format!(
            "there is no certificate {name}: `keynode certificates list` shows those that are here"
        )));
    }
    named
        .into_iter()
        .try_for_each(|row| shown::print(row, as_json, out))
}

fn text(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
