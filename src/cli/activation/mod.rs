//! `keynode activation`: from a code to a licence on this computer or on a carrier, and back. A running node notices
//! within a second.

mod here;
mod list;
mod request;
mod secret;
mod trouble;
mod wish;
mod work;

use std::io::Write;
use std::path::PathBuf;

use clap::Subcommand;

use crate::activation::Order;
use crate::licence::{Iec, Itn, KeyNo};
use crate::settings::{ActivationArgs, Settings};
use crate::store::ActivationRow;

use super::failure::Failure;
pub(super) use here::Here;
use secret::Secret;
pub(super) use trouble::explain;
use wish::{Holder, Target};
pub(super) use work::tell;
use work::{activate, forget, known, renew};

const CODE: &str = "activation code";
const RECOVERY: &str = "recovery code";

/// What can be done with activation codes.
#[derive(Debug, Clone, Subcommand)]
pub(super) enum ActivationCommand {
    /// Get the licence for an activation code from its vendor's centre
    ///
    /// A code is worth a licence. With "-" in its place it is asked for at the terminal, unseen, or read from standard
    /// input, and neither the shell's history nor `ps` shows it.
    Activate {
        /// The activation code; "-" asks for it
        code: Secret,
        #[command(flatten)]
        holder: Holder,
        #[command(flatten)]
        target: Target,
        /// Ask the centre even where the licence is here, and take the one that it gives
        #[arg(long)]
        again: bool,
        #[command(flatten)]
        place: ActivationArgs,
    },
    /// List what was activated on this node, and how that is
    List {
        /// Print JSON
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        place: ActivationArgs,
    },
    /// Bring a licence here from where it is now: to this computer, or to a carrier
    ///
    /// Its vendor allows that so many times a year where the licence is this node's own, and else with a recovery code,
    /// which the vendor gives to whoever has lost the computer. Where it is now the licence ends. With "-" in the
    /// places of both codes they are asked for one after the other.
    Move {
        /// The activation code, "-" to be asked for it, or the KeyNo of a licence that was activated on this node
        #[arg(value_name = "CODE|KEYNO")]
        named: Secret,
        #[command(flatten)]
        target: Target,
        /// The recovery code; "-" asks for it
        #[arg(long, value_name = "CODE")]
        recovery: Option<Secret>,
        /// The holder's ITN (INN); needed where this node has not activated the code before
        #[arg(long, value_name = "N", value_parser = Itn::parse)]
        itn: Option<Itn>,
        /// The holder's IEC (KPP)
        #[arg(long, value_name = "S", value_parser = Iec::parse)]
        iec: Option<Iec>,
        #[command(flatten)]
        place: ActivationArgs,
    },
    /// Give a licence back, for its code to be used elsewhere: it ends here
    Return {
        /// `KeyNo`
        key_no: KeyNo,
        #[command(flatten)]
        place: ActivationArgs,
    },
    /// Have licences renewed now, as a running node does by itself
    Renew {
        /// `KeyNo` [default: all that were activated on this node]
        key_no: Option<KeyNo>,
        #[command(flatten)]
        place: ActivationArgs,
    },
    /// Forget a licence that was moved, returned or removed, or a request that nobody will answer: the list shows it no
    /// longer, and the centre hears nothing
    Forget {
        /// The `KeyNo`, the activation code, or "-" to be asked for it
        #[arg(value_name = "KEYNO|CODE")]
        named: Secret,
        #[command(flatten)]
        place: ActivationArgs,
    },
    /// Write a request for a computer without a network: the vendor's centre answers the file, and `keynode licence add`
    /// takes the answer
    ///
    /// The file has the activation code in it.
    Request {
        /// The activation code; "-" asks for it
        code: Secret,
        #[command(flatten)]
        holder: Holder,
        #[command(flatten)]
        target: Target,
        /// The recovery code of a licence whose computer is lost; "-" asks for it
        #[arg(long, value_name = "CODE")]
        recovery: Option<Secret>,
        /// File to write; "-" is standard output
        #[arg(long, value_name = "FILE", required_unless_present = "qr")]
        out: Option<PathBuf>,
        /// Print the request as a QR code
        #[arg(long)]
        qr: bool,
        #[command(flatten)]
        place: ActivationArgs,
    },
}

pub(super) fn run(command: &ActivationCommand, out: &mut impl Write) -> Result<(), Failure> {
    match command {
        ActivationCommand::Activate {
            code,
            holder,
            target,
            again,
            place,
        } => {
            let code = code.code(CODE)?;
            let here = open(place)?;
            let order = Order {
                code,
                itn: holder.itn.clone(),
                iec: holder.iec.clone(),
                place: here.place(target)?,
                recovery: None,
            };
            activate(&here, &order, *again, out)
        }
        ActivationCommand::List { json, place } => list::run(place, *json, out),
        ActivationCommand::Move {
            named,
            target,
            recovery,
            itn,
            iec,
            place,
        } => {
            let named = named.named()?;
            let recovery = recovery.as_ref().map(|code| code.code(RECOVERY)).transpose()?;
            let here = open(place)?;
            let (row, code) = known(&here, named)?;
            let of_row = |row: &ActivationRow| (row.itn.clone(), row.iec.clone());
            let (itn, iec) = match (itn, row.as_ref().map(of_row)) {
                (Some(itn), _) => (itn.clone(), iec.clone()),
                (None, Some((itn, known))) => (itn, iec.clone().or(known)),
                (None, None) => {
                    let told =
                        "this node has not activated that code before: say whose it is with --itn, and --iec";
                    return Err(Failure::Usage(told.into()));
                }
            };
            let place = here.place(target)?;
            let order = Order {
                code,
                itn,
                iec,
                place,
                recovery,
            };
            // Whoever moves a licence wants the centre to know.
            activate(&here, &order, true, out)
        }
        ActivationCommand::Return { key_no, place } => {
            let here = open(place)?;
            here.wait(here.activator.give_back(*key_no)).map_err(explain)?;
            writeln!(
                out,
                "licence {key_no} is returned: its code can be activated elsewhere"
            )?;
            Ok(())
        }
        ActivationCommand::Forget { named, place } => forget(&open(place)?, named.named()?, out),
        ActivationCommand::Renew { key_no, place } => renew(&open(place)?, *key_no, out),
        ActivationCommand::Request {
            code,
            holder,
            target,
            recovery,
            out: file,
            qr,
            place,
        } => {
            let code = code.code(CODE)?;
            let recovery = recovery.as_ref().map(|code| code.code(RECOVERY)).transpose()?;
            let here = open(place)?;
            let order = Order {
                code,
                itn: holder.itn.clone(),
                iec: holder.iec.clone(),
                place: here.place(target)?,
                recovery,
            };
            let text = here.activator.prepare(&order).map_err(explain)?;
            request::hand_out(&text, file.as_deref(), *qr, out)
        }
    }
}

fn open(place: &ActivationArgs) -> Result<Here, Failure> {
    Here::open(Settings::load(&place.0)?.settings)
}
