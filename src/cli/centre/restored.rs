//! `keynode centre restored`: makes a centre safe to use after it was restored from a backup.

use std::io::Write;

use clap::Args;

use super::super::failure::Failure;
use super::super::offline::author;
use super::Place;

/// A centre that was restored.
#[derive(Debug, Clone, Args)]
pub(in crate::cli) struct RestoredArgs {
    /// How many codes may have been issued since the backup: so many serial numbers (KeyNo) are passed over
    #[arg(long, value_name = "N", default_value_t = 1_000_000)]
    codes: u64,
    #[command(flatten)]
    place: Place,
}

pub(super) fn run(args: &RestoredArgs, out: &mut impl Write) -> Result<(), Failure> {
    let passed = args.place.books()?.restored(args.codes, &author())?;
    writeln!(
        out,
        "codes that are issued from now on have KeyNo after {passed}: none that was given out since the backup comes again\n\
         the list of revocations is newer than all before it: nodes take it; what was revoked since the backup is not on \
         it: revoke that again"
    )?;
    Ok(())
}
