//! `keynode centre init`: makes a centre.

use std::io::Write;

use clap::Args;

use crate::activation::centre::{Books, CentreError, DATABASE};
use crate::licence::KeyNo;

use super::super::failure::Failure;
use super::super::vendor;
use super::Place;
use super::vendor_key;

/// A new centre.
#[derive(Debug, Clone, Args)]
pub(in crate::cli) struct InitArgs {
    #[command(flatten)]
    place: Place,
    /// Name of the vendor, for people; where there is no vendor key yet
    #[arg(long, default_value = "keynode vendor")]
    name: String,
    /// Serial numbers (KeyNo) begin after this one; those of two vendors must not meet in one node [default: at random]
    #[arg(long, value_name = "N")]
    base: Option<KeyNo>,
}

pub(super) fn run(args: &InitArgs, out: &mut impl Write) -> Result<(), Failure> {
    let settings = args.place.settings()?;
    let dir = settings.centre_dir();
    if dir.join(DATABASE).exists() {
        return Err(CentreError::Exists(dir).into());
    }
    // The key first: a centre without one could never be told from one that has lost it.
    let at = dir.display();
    let on_token = settings.centre.token.is_some();
    if on_token || dir.join(vendor::PRIVATE_KEY).exists() {
        let (key, _token) = vendor_key::open(&settings)?;
        if on_token || !dir.join(vendor::PUBLIC_KEY).exists() {
            vendor::write_public(&dir, &args.name, key.public_pem())?;
        }
        let place = if on_token { "on the token" } else { "that is there" };
        writeln!(out, "the vendor key is the one {place}: {}", key.kid())?;
    } else {
        vendor::init(&dir, &args.name)?;
        writeln!(
            out,
            "a vendor key is made in {at}: keep a copy of it in a safe place, whoever has it can issue licences"
        )?;
    }
    Books::create(&dir, args.base)?;
    let (public, centre) = (dir.join(vendor::PUBLIC_KEY), args.place.options(&dir));
    writeln!(
        out,
        "the centre is made in {at}\n\n\
         What it sells, and the first codes:\n  \
         keynode centre product add {centre} --article 1001 --name \"Our product\"\n  \
         keynode centre series add {centre} --series 672B --article 1001 --seats 5\n  \
         keynode centre codes issue {centre} --series 672B --count 10 --csv codes.csv\n\
         To run it, with TLS where customers reach it ([centre] in the settings):\n  \
         keynode centre serve {centre}\n\
         Nodes of customers need the address (activation.centre in their settings) and the vendor's public key:\n  \
         keynode vendor trust {}",
        public.display()
    )?;
    Ok(())
}
