//! `keynode centre codes show|revoke|recover|extend|bind|moves`: what support does with one code.

use std::io::Write;

use clap::Subcommand;
use serde_json::json;

use crate::activation::centre::{ActivationFilter, ActivationRow, Books, CodeRow, Which};
use crate::licence::{ActivationCode, Iec, Itn};

use super::super::failure::Failure;
use super::super::offline::author;
use super::Place;
use super::until::{Until, until};
use super::{activations, codes};

/// What can be done with one code. It is named by its KeyNo, or by itself.
#[derive(Debug, Clone, Subcommand)]
pub(in crate::cli) enum CaseCommand {
    /// Show a code with its history
    Show {
        /// Its KeyNo, or the code
        #[arg(value_parser = which)]
        key: Which,
        /// Print JSON
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        place: Place,
    },
    /// Take a code and its licence back for good
    Revoke {
        /// Its KeyNo, or the code
        #[arg(value_parser = which)]
        key: Which,
        /// Why, for the books
        #[arg(long, value_name = "TEXT", default_value = "")]
        reason: String,
        #[command(flatten)]
        place: Place,
    },
    /// Make a recovery code: it takes the licence from a computer that is lost, once
    Recover {
        /// Its KeyNo, or the code
        #[arg(value_parser = which)]
        key: Which,
        #[command(flatten)]
        place: Place,
    },
    /// Say until when its licence is renewed
    Extend {
        /// Its KeyNo, or the code
        #[arg(value_parser = which)]
        key: Which,
        /// A date, or never
        #[arg(long, value_name = "DATE", value_parser = until)]
        renew_until: Until,
        #[command(flatten)]
        place: Place,
    },
    /// Say who its holder is
    Bind {
        /// Its KeyNo, or the code
        #[arg(value_parser = which)]
        key: Which,
        /// The holder's ITN (INN)
        #[arg(long, value_name = "N", value_parser = Itn::parse)]
        itn: Itn,
        /// The holder's IEC (KPP); without it, the next activation says it
        #[arg(long, value_name = "S", value_parser = Iec::parse)]
        iec: Option<Iec>,
        #[command(flatten)]
        place: Place,
    },
    /// Say how often it may move to another computer in 365 days
    Moves {
        /// Its KeyNo, or the code
        #[arg(value_parser = which)]
        key: Which,
        /// How often [default: as its series says]
        #[arg(long, value_name = "N")]
        moves: Option<u32>,
        #[command(flatten)]
        place: Place,
    },
}

/// A code has 20 characters, a KeyNo at most 16.
fn which(text: &str) -> Result<Which, &'static str> {
    if let Ok(code) = ActivationCode::parse(text) {
        return Ok(Which::Code(code));
    }
    let number = text.parse().map(Which::KeyNo);
    number.map_err(|_| "expected a KeyNo or an activation code")
}

pub(super) fn run(command: &CaseCommand, out: &mut impl Write) -> Result<(), Failure> {
    match command {
        CaseCommand::Show { key, json, place } => {
            let (books, row) = find(place, key)?;
            show(&books, &row, *json, out)
        }
        CaseCommand::Revoke { key, reason, place } => {
            let (mut books, row) = find(place, key)?;
            books.revoke(row.key_no, reason, &author())?;
            writeln!(
                out,
                "{}: the code and its licence are revoked; nodes honour it when they next fetch the list",
                named(&row)
            )?;
            Ok(())
        }
        CaseCommand::Recover { key, place } => {
            let (mut books, row) = find(place, key)?;
            let recovery = books.recovery(row.key_no, &author())?;
            writeln!(
                out,
                "{}: recovery code {}, for one use until {}",
                named(&row),
                recovery.code.as_str(),
                recovery.until
            )?;
            Ok(())
        }
        CaseCommand::Extend {
            key,
            renew_until: Until(moment),
            place,
        } => {
            let (mut books, row) = find(place, key)?;
            books.extend(row.key_no, *moment, &author())?;
            match moment {
                Some(moment) => writeln!(out, "{}: its licence is renewed up to {moment}", named(&row))?,
                None => writeln!(out, "{}: its licence is not renewed any more", named(&row))?,
            }
            Ok(())
        }
        CaseCommand::Bind { key, itn, iec, place } => {
            let (mut books, row) = find(place, key)?;
            books.bind(row.key_no, itn, iec.as_ref(), &author())?;
            let iec = iec
                .as_ref()
                .map_or_else(String::new, |iec| format!(", IEC {}", iec.as_str()));
            writeln!(out, "{}: its holder has ITN {itn}{iec}", named(&row))?;
            Ok(())
        }
        CaseCommand::Moves { key, moves, place } => {
            let (mut books, row) = find(place, key)?;
            books.set_moves(row.key_no, *moves, &author())?;
            let row = books.find(&Which::KeyNo(row.key_no), author().time)?;
            writeln!(out, "{}: {} moves in 365 days", named(&row), row.moves)?;
            Ok(())
        }
    }
}

fn find(place: &Place, key: &Which) -> Result<(Books, CodeRow), Failure> {
    let books = place.books()?;
    let row = books.find(key, author().time)?;
    Ok((books, row))
}

fn named(row: &CodeRow) -> String {
    format!("code {:?}, KeyNo {}", row.code, row.key_no)
}

fn show(books: &Books, row: &CodeRow, as_json: bool, out: &mut impl Write) -> Result<(), Failure> {
    let filter = ActivationFilter {
        key_no: Some(row.key_no),
        ..ActivationFilter::default()
    };
    let history = books.activations(&filter)?;
    if as_json {
        let history: Vec<_> = history.iter().map(ActivationRow::to_json).collect();
        let shown = json!({ "Key": row.to_json(false), "Activations": history });
        writeln!(out, "{shown:#}")?;
        return Ok(());
    }
    codes::print(std::slice::from_ref(row), false, out)?;
    writeln!(out, "\n{} moves in 365 days", row.moves)?;
    if let Some(moment) = row.revoked {
        writeln!(out, "revoked {moment}")?;
    }
    writeln!(out)?;
    activations::print(&history, out)
}
