//! `keynode gateway`: what a running node keeps for the operators' services, over its API. Secrets are never shown.

use std::io::Write;

use clap::{Args, Subcommand};

use super::client::Login;
use super::failure::Failure;
use super::shown;
use super::table::Table;

/// What can be looked at.
#[derive(Debug, Clone, Subcommand)]
pub(super) enum GatewayCommand {
    /// List the organisations, and which certificate signs for each
    Organizations(Listing),
    /// List the session keys of IS MP: whether they are there, until when, what went wrong; never the keys
    Tokens(Listing),
    /// List the connections to registers of CRPT
    Connections(Listing),
    /// List the applications at 1C-Taxcom
    Processes(Listing),
}

/// Of which node, and how to print.
#[derive(Debug, Clone, Args)]
pub(super) struct Listing {
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    login: Login,
}

/// A listing: where the API has it, what it calls it, the columns and their fields.
type View = (
    &'static str,
    &'static str,
    &'static [(&'static str, &'static str)],
);

const ORGANIZATIONS: View = (
    "/api/organizations",
    "Organizations",
    &[
        ("ITN", "ITN"),
        ("NAME", "Name"),
        ("SIGNER", "Signer"),
        ("USABLE", "Usable"),
        ("REASON", "Reason"),
    ],
);

const TOKENS: View = (
    "/api/ismp/tokens",
    "Tokens",
    &[
        ("TYPE", "ТипТокенаАвторизации"),
        ("ITN", "Организация"),
        ("FACILITY", "ПроизводственныйОбъект"),
        ("READY", "KeyReady"),
        ("VALID UNTIL", "ДатаДействия"),
        ("NEXT RENEWAL", "NextRenewal"),
        ("FAILURES", "Failures"),
        ("ERROR", "ErrorMessage"),
    ],
);

const CONNECTIONS: View = (
    "/api/crpt/connections",
    "Connections",
    &[
        ("OMS ID", "OmsId"),
        ("OMS CONNECTION", "OmsConnection"),
        ("ITN", "ITN"),
        ("NAME", "Name"),
        ("ADDRESS", "Address"),
        ("CREATED", "Created"),
    ],
);

const PROCESSES: View = (
    "/api/taxcom/processes",
    "Processes",
    &[
        ("ID", "ID"),
        ("KIND", "Kind"),
        ("ITN", "ITN"),
        ("STAGE", "Stage"),
        ("STATUS", "RequestStatus"),
        ("CREATED", "Created"),
        ("NEXT ATTEMPT", "NextAttempt"),
        ("ERROR", "ErrorCode"),
    ],
);

pub(super) fn run(command: &GatewayCommand, out: &mut impl Write) -> Result<(), Failure> {
    match command {
        GatewayCommand::Organizations(listing) => list(ORGANIZATIONS, listing, out),
        GatewayCommand::Tokens(listing) => list(TOKENS, listing, out),
        GatewayCommand::Connections(listing) => list(CONNECTIONS, listing, out),
        GatewayCommand::Processes(listing) => list(PROCESSES, listing, out),
    }
}

fn list((path, name, columns): View, listing: &Listing, out: &mut impl Write) -> Result<(), Failure> {
    let rows = listing.login.client()?.list(path, name)?;
    shown::list(rows, listing.json, |rows| Table::of(columns, rows), out)
}
