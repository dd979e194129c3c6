//! `keynode centre api-key`: which of the vendor's own systems may use the centre.

use std::io::Write;

use clap::Subcommand;

use crate::activation::centre::ApiKeyRow;

use super::super::failure::Failure;
use super::super::offline::author;
use super::super::table::{Cell, Table};
use super::Place;
use super::rows;

/// What can be done with API keys.
#[derive(Debug, Clone, Subcommand)]
pub(in crate::cli) enum ApiKeyCommand {
    /// Make a key and print it: it is not shown again
    Add {
        /// What the key is for
        name: String,
        #[command(flatten)]
        place: Place,
    },
    /// List the keys
    List {
        /// Print JSON
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        place: Place,
    },
    /// Remove a key: it is refused at once
    Remove {
        /// Its name
        name: String,
        #[command(flatten)]
        place: Place,
    },
}

pub(super) fn run(command: &ApiKeyCommand, out: &mut impl Write) -> Result<(), Failure> {
    match command {
        ApiKeyCommand::Add { name, place } => {
            let key = place.books()?.add_api_key(name, &author())?;
            writeln!(out, "{}", *key)?;
        }
        ApiKeyCommand::List { json, place } => {
            let keys = place.books()?.api_keys()?;
            if *json {
                return rows::json(keys.iter().map(ApiKeyRow::to_json), out);
            }
            let mut table = Table::new(&["ADDED", "NAME"]);
            for key in keys {
                table.push(vec![rows::minute(key.added), Cell::new(&key.name)]);
            }
            table.print(out)?;
        }
        ApiKeyCommand::Remove { name, place } => {
            if !place.books()?.remove_api_key(name, &author())? {
                return Err(Failure::NotFound(format!("there is no API key {name:?}")));
            }
            writeln!(out, "the API key {name} is removed")?;
        }
    }
    Ok(())
}
