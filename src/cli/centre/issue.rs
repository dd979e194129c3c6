//! `keynode centre codes issue`: codes by the batch. Whatever interrupts it, each code is either in the books, from
//! where it can be exported, or was never made.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use signal_hook::consts::{SIGINT, SIGTERM};

use crate::activation::centre::{Batch, Books, ISSUED_COLUMNS, IssueOrder, IssuedCode};
use crate::licence::{Iec, Itn, KeyId, Timestamp};

use super::super::failure::Failure;
use super::super::offline::author;
use super::Place;
use super::rows::CsvFile;
use super::until::{Until, until};

/// Codes to issue.
#[derive(Debug, Clone, Args)]
pub(in crate::cli) struct IssueArgs {
    /// Their series
    #[arg(long, value_name = "KEYID", value_parser = KeyId::parse, required_unless_present = "resume")]
    series: Option<KeyId>,
    /// How many
    #[arg(long, value_name = "N", required_unless_present = "resume")]
    count: Option<u64>,
    /// Write the codes to this new file ("-" is standard output)
    #[arg(long, value_name = "FILE")]
    csv: Option<PathBuf>,
    #[command(flatten)]
    terms: Terms,
    /// Issue what is missing of this batch, which was interrupted
    #[arg(long, value_name = "BATCH", conflicts_with_all = ["series", "count", "terms"])]
    resume: Option<u64>,
    #[command(flatten)]
    place: Place,
}

/// What goes for all codes of the batch.
#[derive(Debug, Clone, Args)]
#[group(id = "terms", multiple = true)]
struct Terms {
    /// The holder's ITN (INN), where it is known beforehand; otherwise the first use of a code says it
    #[arg(long, value_name = "N", value_parser = Itn::parse)]
    itn: Option<Itn>,
    /// The holder's IEC (KPP)
    #[arg(long, value_name = "S", value_parser = Iec::parse, requires = "itn")]
    iec: Option<Iec>,
    /// Codes that are not used by then expire
    #[arg(long, value_name = "DATE", value_parser = Timestamp::parse)]
    valid_until: Option<Timestamp>,
    /// Licences with a Period are renewed up to then: a date, or never [default: never]
    #[arg(long, value_name = "DATE", value_parser = until)]
    renew_until: Option<Until>,
    /// Moves to another computer in 365 days [default: as the series says]
    #[arg(long, value_name = "N")]
    moves: Option<u32>,
    /// Registration number of all of them [default: each its own]
    #[arg(long, value_name = "N")]
    reg_no: Option<u64>,
    /// What you call the batch: a customer, an order
    #[arg(long, value_name = "TEXT")]
    note: Option<String>,
}

pub(super) fn run(args: &IssueArgs, out: &mut impl Write) -> Result<(), Failure> {
    let mut books = args.place.books()?;
    let mut file = match &args.csv {
        // What a batch had before is not shown again by issuing the rest.
        Some(_) if args.resume.is_some() => {
            return Err(Failure::Usage(
                "--resume writes no file: export the whole batch afterwards (keynode centre codes export --batch)".into(),
            ));
        }
        Some(path) => Some(CsvFile::create(path, &ISSUED_COLUMNS)?),
        None => None,
    };
    let stopped = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        signal_hook::flag::register(signal, stopped.clone())?;
    }
    let bar = ProgressBar::new(args.count.unwrap_or(0));
    bar.set_style(
        ProgressStyle::with_template("{msg} {wide_bar} {pos}/{len} {eta}")
            .unwrap_or_else(|_| ProgressStyle::default_bar()),
    );
    let (mut trouble, mut begun) = (None, false);
    let visit = |batch: &Batch, codes: &[IssuedCode]| {
        begun = true;
        bar.set_length(batch.count);
        bar.set_position(batch.issued);
        bar.set_message(format!("batch {}", batch.number));
        if let Some(file) = &mut file {
            let mut rows = codes.iter().map(|code| code.to_record(batch));
            let written = rows
                .try_for_each(|row| file.write(row))
                .and_then(|()| file.sync());
            if let Err(error) = written {
                trouble = Some(error);
                return false;
            }
        }
        !stopped.load(Ordering::Relaxed)
    };
    let issued = issue(&mut books, args, visit);
    bar.finish_and_clear();
    if let (Err(_), false, Some(file)) = (&issued, begun, file) {
        file.discard();
    }
    let batch = issued?;
    let done = batch.issued == batch.count;
    if done && trouble.is_none() {
        return told(&batch, args.csv.as_deref(), out);
    }
    let why = trouble.map_or_else(
        || "interrupted".to_owned(),
        |error| {
            format!(
                "{}: {error}",
                args.csv.as_deref().unwrap_or(Path::new("-")).display()
            )
        },
    );
    let number = batch.number;
    let rest = if done {
        String::new()
    } else {
        format!("; the rest: keynode centre codes issue --resume {number}")
    };
    Err(Failure::Failed(format!(
        "{why}: {} of {} codes of batch {number} are issued and safe in the books: keynode centre codes export --batch \
         {number} --csv FILE{rest}",
        batch.issued, batch.count
    )))
}

fn issue(
    books: &mut Books,
    args: &IssueArgs,
    visit: impl FnMut(&Batch, &[IssuedCode]) -> bool,
) -> Result<Batch, Failure> {
    let batch = match (args.resume, args.series, args.count) {
        (Some(batch), _, _) => books.resume(batch, &author(), visit)?,
        (None, Some(key_id), Some(count)) => {
            let terms = args.terms.clone();
            let order = IssueOrder {
                key_id,
                count,
                note: terms.note.unwrap_or_default(),
                reg_no: terms.reg_no,
                itn: terms.itn,
                iec: terms.iec,
                valid_until: terms.valid_until,
                renew_until: terms.renew_until.and_then(|Until(moment)| moment),
                moves: terms.moves,
                order: None,
            };
            books.issue(&order, &author(), visit)?
        }
        _ => return Err(Failure::Usage("--series and --count are wanted".into())),
    };
    Ok(batch)
}

fn told(batch: &Batch, csv: Option<&Path>, out: &mut impl Write) -> Result<(), Failure> {
    let Batch {
        number,
        count,
        key_id,
        ..
    } = batch;
    match csv {
        // Standard output is the table.
        Some(path) if path == Path::new("-") => {}
        Some(path) => writeln!(
            out,
            "batch {number}: {count} codes of series {key_id} are issued: {}",
            path.display()
        )?,
        None => writeln!(
            out,
            "batch {number}: {count} codes of series {key_id} are issued: keynode centre codes export --batch {number} \
             --csv FILE"
        )?,
    }
    Ok(())
}
