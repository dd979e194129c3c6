//! `keynode centre`: a vendor's activation centre, and the books that it keeps.

mod activations;
mod api_key;
mod audit;
mod cases;
mod certificate;
mod codes;
mod fulfil;
mod goods;
mod init;
mod issue;
mod place;
mod restored;
mod rows;
mod serve;
mod until;
mod vendor_key;

use std::io::Write;

use clap::Subcommand;

use crate::activation::centre::CentreError;

use super::failure::Failure;
use place::Place;

/// What can be done with a centre.
#[derive(Debug, Clone, Subcommand)]
pub(super) enum CentreCommand {
    /// Make a centre: its database and, where there is none, the vendor's key
    Init(init::InitArgs),
    /// Run the centre: nodes activate codes there
    Serve(Box<serve::ServeArgs>),
    /// Add, change or list what the vendor sells
    #[command(subcommand)]
    Product(goods::ProductCommand),
    /// Add, change or list series: what the keys of a product are like
    #[command(subcommand)]
    Series(goods::SeriesCommand),
    /// Issue and list codes, and handle support cases
    #[command(subcommand)]
    Codes(codes::CodesCommand),
    /// Show where codes are and were activated
    #[command(subcommand)]
    Activations(activations::ActivationsCommand),
    /// Let the vendor's own systems use the centre
    #[command(subcommand)]
    ApiKey(api_key::ApiKeyCommand),
    /// Show what happened at the centre, and check that the record of it is whole
    #[command(subcommand)]
    Audit(audit::AuditCommand),
    /// After the centre was restored from a backup: have it give out nothing twice
    Restored(restored::RestoredArgs),
    /// Answer the request of a computer that is not connected
    Fulfil(fulfil::FulfilArgs),
}

pub(super) fn run(command: CentreCommand, out: &mut impl Write) -> Result<(), Failure> {
    match command {
        CentreCommand::Init(args) => init::run(&args, out),
        CentreCommand::Serve(args) => serve::run(&args),
        CentreCommand::Product(command) => goods::products(command, out),
        CentreCommand::Series(command) => goods::series(command, out),
        CentreCommand::Codes(command) => codes::run(command, out),
        CentreCommand::Activations(command) => activations::run(&command, out),
        CentreCommand::ApiKey(command) => api_key::run(&command, out),
        CentreCommand::Audit(command) => audit::run(&command, out),
        CentreCommand::Restored(args) => restored::run(&args, out),
        CentreCommand::Fulfil(args) => fulfil::run(&args, out),
    }
}

impl From<CentreError> for Failure {
    fn from(error: CentreError) -> Self {
        let told = error.to_string();
        match error {
            CentreError::NoCentre(_)
            | CentreError::NoProduct(_)
            | CentreError::NoSeries(_)
            | CentreError::NoBatch(_)
            | CentreError::NoCode => Self::NotFound(told),
            CentreError::Invalid(_) => Self::Usage(told),
            _ => Self::Failed(told),
        }
    }
}
