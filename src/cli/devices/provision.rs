//! `keynode devices provision`: writes a licence into a carrier's memory, or erases it; makes carriers on tokens and
//! security keys.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};

use crate::devices::{CarrierView, carrier};
use crate::keyring::{read_vendor_keys, seen};
use crate::licence::binding::Binding;
use crate::licence::{Licence, VendorKey, open};
use crate::node;
use crate::settings::{DeviceArgs, Settings};
use crate::tokens::TokensHandle;

use super::super::offline::read_licence;
use super::seen::Seen;
use super::{Failure, provision_fido2, provision_token};

/// What is to be done after it.
pub(super) const NEXT: &str = "\na node that runs here looks at it anew with: keynode rescan";

/// Which carrier, and what to write.
#[derive(Debug, Clone, Args)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a switch of the command line"
)]
pub(in super::super) struct ProvisionArgs {
    /// The carrier's ID, or its serial number
    #[arg(required_unless_present = "driver", conflicts_with = "token")]
    device: Option<String>,
    /// Make the carrier first, or name it by what it is on: pkcs11 for a key on a token, fido2 for a security key
    ///
    /// A token that has no carrier key gets one: made on the token, not extractable. With --licence the carrier is that
    /// of the token's which the licence is bound to. A security key gets a credential, for which somebody must touch it;
    /// what its vendor needs to know of it is printed: `keynode vendor issue --carrier-request`.
    #[arg(long, value_enum)]
    driver: Option<NewDriver>,
    /// For pkcs11: the NAME of the token's [tokens.NAME] in the settings
    #[arg(long, value_name = "NAME", requires = "driver")]
    pub(super) token: Option<String>,
    /// For pkcs11: the key to make
    #[arg(long, value_enum, default_value_t = Algorithm::P256, requires = "driver")]
    pub(super) algorithm: Algorithm,
    /// For fido2: keep the credential in the key's memory, where there is room for a few
    #[arg(long, requires = "driver")]
    resident: bool,
    /// For fido2: write the request for the vendor into this file
    #[arg(long, value_name = "FILE", requires = "driver")]
    request: Option<PathBuf>,
    /// For pkcs11: make one more carrier key on a token that has one
    #[arg(long, requires = "driver", conflicts_with_all = ["licence", "erase"])]
    pub(super) another: bool,
    /// The licence file to write; `keynode vendor issue --carrier` makes one for the device
    #[arg(long, value_name = "FILE", required_unless_present_any = ["erase", "driver"])]
    pub(super) licence: Option<PathBuf>,
    /// Believe this vendor's public key besides those that are trusted here
    #[arg(long, value_name = "PEM")]
    public_key: Option<PathBuf>,
    /// Erase the carrier's memory instead
    #[arg(long, conflicts_with = "licence", requires = "yes")]
    pub(super) erase: bool,
    /// Erase, or replace another licence, without asking
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    settings: DeviceArgs,
}

/// Drivers whose carriers can be made.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum NewDriver {
    Pkcs11,
    Fido2,
}

/// What a new key on a token is.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum Algorithm {
    Ed25519,
    P256,
    Rsa2048,
}

pub(super) fn run(args: &ProvisionArgs, out: &mut impl Write) -> Result<(), Failure> {
    let settings = Settings::load(&args.settings.0)?.settings;
    let (device, request) = (args.device.as_deref(), args.request.as_deref());
    match args.driver {
        Some(NewDriver::Fido2) if args.token.is_some() || args.licence.is_some() || args.erase => {
            return Err(Failure::Usage(
                "a security key is no token, and holds no licence: put the licence file that is bound to it into the \
                 node's licence directory"
                    .into(),
            ));
        }
        Some(NewDriver::Fido2) => {
            return provision_fido2::run(&settings, device, args.resident, request, out);
        }
        Some(NewDriver::Pkcs11) if args.token.is_none() => {
            return Err(Failure::Usage("which token? --token NAME".into()));
        }
        Some(NewDriver::Pkcs11) | None => {}
    }
    let tokens = node::host_tokens(&settings);
    let done = provision(args, &settings, &tokens, out);
    tokens.stop();
    done
}

fn provision(
    args: &ProvisionArgs,
    settings: &Settings,
    tokens: &TokensHandle,
    out: &mut impl Write,
) -> Result<(), Failure> {
    let seen = Seen::look_with(settings, tokens);
    let licence = match args.licence.as_deref() {
        None => None,
        Some(path) => Some((path, read(args, settings, path)?)),
    };
    let carrier = match (&args.device, &args.token) {
        (Some(device), _) => seen.carrier(device)?,
        (None, Some(token)) if licence.is_some() || args.erase => {
            let bound = licence.as_ref().map(|(_, (_, licence))| licence);
            provision_token::carrier(&seen, token, bound)?
        }
        (None, Some(token)) => return provision_token::make_key(args, &seen, tokens, token, out),
        (None, None) => return Err(Failure::Usage("which carrier?".into())),
    };
    let id = carrier.id;
    let Some((path, (bytes, licence))) = licence else {
        write(&seen, tokens, carrier, &[])?;
        writeln!(out, "the memory of {id} is erased{NEXT}")?;
        return Ok(());
    };
    check(&licence, carrier).map_err(|why| Failure::Failed(format!("{}: {why}", path.display())))?;
    let replaced = carrier.memory.filter(|memory| !memory.is_empty());
    if replaced.is_some_and(|memory| **memory != *bytes) && !args.yes {
        return Err(Failure::Usage(format!(
            "{id} holds a licence already ({}): --yes replaces it",
            seen.licence_state(id).unwrap_or_default()
        )));
    }
    let room = write(&seen, tokens, carrier, &bytes)?;
    writeln!(
        out,
        "licence {} of series {} is written into {id} and was read back: {} bytes{}{NEXT}",
        licence.key_no,
        licence.key_id,
        bytes.len(),
        room.map_or_else(String::new, |room| format!(" of {room}"))
    )?;
    Ok(())
}

/// The licence file, which must be authentic. White space around it, which is allowed in a file, is not written.
fn read(args: &ProvisionArgs, settings: &Settings, path: &Path) -> Result<(Vec<u8>, Licence), Failure> {
    let failed =
        |path: &Path, error: &dyn std::fmt::Display| Failure::of(format!("{}: {error}", path.display()));
    let bytes = read_licence(path)?;
    let mut vendors = read_vendor_keys(&settings.vendor_dir());
    if let Some(path) = &args.public_key {
        let pem = fs::read_to_string(path).map_err(|error| failed(path, &error))?;
        vendors.insert(VendorKey::from_pem(&pem).map_err(|error| failed(path, &error))?);
    }
    let licence = open(&bytes, &vendors).map_err(|error| failed(path, &error))?;
    Ok((bytes.trim_ascii().to_vec(), licence))
}

/// A licence that is bound to nothing would work from any copy of the memory.
fn check(licence: &Licence, carrier: CarrierView<'_>) -> Result<(), String> {
    let Binding::Carrier(binding) = &licence.binding else {
        return Err(
            "it is not bound to a carrier: `keynode vendor issue --carrier` makes one that is".to_owned(),
        );
    };
    let (id, seen) = (carrier.id, seen(carrier));
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

/// Writes, with progress on a terminal where that takes long; tells how much the memory holds, where it is known.
fn write(
    seen: &Seen,
    tokens: &TokensHandle,
    target: CarrierView<'_>,
    licence: &[u8],
) -> Result<Option<u32>, Failure> {
    let usb = (seen.hardware.carriers.iter()).find(|carrier| carrier.device.id == target.id);
    let Some(usb) = usb else {
        provision_token::write(seen, tokens, target.id, licence)?;
        return Ok(None);
    };
    let bar = ProgressBar::new(0).with_style(ProgressStyle::default_bar());
    let written = carrier::provision(&usb.device, usb.driver, licence, &mut |done, all| {
        bar.set_length(all as u64);
        bar.set_position(done as u64);
    });
    bar.finish_and_clear();
    written.map_err(|error| Failure::Failed(format!("{}: {error}", target.id)))?;
    Ok(Some(usb.capacity))
}
