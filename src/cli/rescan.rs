//! `keynode rescan`: has a running node look at devices and licence files anew.

use std::io::Write;

use clap::Args;

use crate::api::Rescanned;
use crate::settings::{Settings, SettingsArgs};

use super::failure::Failure;
use super::http::Ask;
use super::progress;

/// Which node, and how to print.
#[derive(Debug, Clone, Args)]
pub(super) struct RescanArgs {
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    settings: SettingsArgs,
}

pub(super) fn run(args: &RescanArgs, out: &mut impl Write) -> Result<(), Failure> {
    let address = Settings::load(&args.settings)?.settings.admin_listen;
    let ask = Ask::admin(address, "POST", "/rescan");
    let looking = progress::spinner("devices and licence files are looked at");
    let answer = ask.send();
    looking.finish_and_clear();
    let answer = answer?;
    let foreign = || Failure::of(format!("what answers at {address} is no keynode of this version"));
    let found: Rescanned = serde_json::from_str(&answer.body).map_err(|_| foreign())?;
    if args.json {
        writeln!(out, "{}", answer.body)?;
    } else {
        writeln!(
            out,
            "{} device(s) and {} key(s) are there",
            found.devices, found.licences
        )?;
    }
    Ok(())
}
