//! `keynode devices provision`: writes a licence into a carrier's memory, or erases it.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};

use crate::devices::{Carrier, carrier};
use crate::keyring::{read_vendor_keys, seen};
use crate::licence::binding::Binding;
use crate::licence::{Licence, VendorKey, open};
use crate::settings::{DeviceArgs, Settings};

use super::super::offline::read_licence;
use super::Failure;
use super::seen::Seen;

/// What is to be done after it.
const NEXT: &str = "\na node that runs here looks at it anew with: keynode rescan";

/// Which carrier, and what to write.
#[derive(Debug, Clone, Args)]
pub(in super::super) struct ProvisionArgs {
    /// The carrier's ID, or its serial number
    device: String,
    /// The licence file to write; `keynode vendor issue --carrier` makes one for the device
    #[arg(long, value_name = "FILE", required_unless_present = "erase")]
    licence: Option<PathBuf>,
    /// Believe this vendor's public key besides those that are trusted here
    #[arg(long, value_name = "PEM")]
    public_key: Option<PathBuf>,
    /// Erase the carrier's memory instead
    #[arg(long, conflicts_with = "licence", requires = "yes")]
    erase: bool,
    /// Erase, or replace another licence, without asking
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    settings: DeviceArgs,
}

pub(super) fn run(args: &ProvisionArgs, out: &mut impl Write) -> Result<(), Failure> {
    let seen = Seen::look(&args.settings)?;
    let carrier = seen.carrier(&args.device)?;
    let id = &carrier.device.id;
    let Some(path) = args.licence.as_deref() else {
        write(carrier, &[])?;
        writeln!(out, "the memory of {id} is erased{NEXT}")?;
        return Ok(());
    };
    let (bytes, licence) = read(args, path)?;
    check(&licence, carrier).map_err(|why| Failure::Failed(format!("{}: {why}", path.display())))?;
    let replaced = carrier.memory.as_deref().filter(|memory| !memory.is_empty());
    if replaced.is_some_and(|memory| memory != bytes) && !args.yes {
        return Err(Failure::Usage(format!(
            "{id} holds a licence already ({}): --yes replaces it",
            seen.licence_state(id).unwrap_or_default()
        )));
    }
    write(carrier, &bytes)?;
    writeln!(
        out,
        "licence {} of series {} is written into {id} and was read back: {} bytes of {}{NEXT}",
        licence.key_no,
        licence.key_id,
        bytes.len(),
        carrier.capacity
    )?;
    Ok(())
}

/// The licence file, which must be authentic. White space around it, which is allowed in a file, is not written.
fn read(args: &ProvisionArgs, path: &Path) -> Result<(Vec<u8>, Licence), Failure> {
    let failed =
        |path: &Path, error: &dyn std::fmt::Display| Failure::of(format!("{}: {error}", path.display()));
    let bytes = read_licence(path)?;
    let mut vendors = read_vendor_keys(&Settings::load(&args.settings.0)?.settings.vendor_dir());
    if let Some(path) = &args.public_key {
        let pem = fs::read_to_string(path).map_err(|error| failed(path, &error))?;
        vendors.insert(VendorKey::from_pem(&pem).map_err(|error| failed(path, &error))?);
    }
    let licence = open(&bytes, &vendors).map_err(|error| failed(path, &error))?;
    Ok((bytes.trim_ascii().to_vec(), licence))
}

/// A licence that is bound to nothing would work from any copy of the memory.
fn check(licence: &Licence, carrier: &Carrier) -> Result<(), String> {
    let Binding::Carrier(binding) = &licence.binding else {
        return Err(
            "it is not bound to a carrier: `keynode vendor issue --carrier` makes one that is".to_owned(),
        );
    };
    let (id, seen) = (&carrier.device.id, seen(carrier));
    if let Err(why) = &seen.proof {
        return Err(format!("{id} is connected but {why}"));
    }
    if !seen.has_name_of(binding) {
        let (driver, serial) = (&binding.driver, &binding.serial);
        return Err(format!(
            "the licence is not for {id}: it is bound to {driver} {serial}"
        ));
    }
    seen.vouches(Some(binding), licence.blank_key_no)
        .map_err(|miss| format!("the licence is not for {id}: {miss}"))
}

/// Writes, with progress on a terminal.
fn write(target: &Carrier, licence: &[u8]) -> Result<(), Failure> {
    let bar = ProgressBar::new(0).with_style(ProgressStyle::default_bar());
    let written = carrier::provision(&target.device, target.driver, licence, &mut |done, all| {
        bar.set_length(all as u64);
        bar.set_position(done as u64);
    });
    bar.finish_and_clear();
    written.map_err(|error| Failure::Failed(format!("{}: {error}", target.device.id)))
}
