//! `keynode centre fulfil`: answers the request of a computer that is not connected.

use std::fs::File;
use std::io::{self, Read, Write};
use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};

use actix_rt::System;
use clap::Args;

use crate::activation::centre::{Answer, Books, Centre};
use crate::activation::{Action, MAX_REQUEST, open_request};
use crate::clock::SystemClock;
use crate::licence::inspect;
use crate::settings::Settings;

use super::super::failure::Failure;
use super::super::licence::write_whole;
use super::super::qr::print_qr;
use super::Place;
use super::vendor_key;

/// A request, and where its answer goes.
#[derive(Debug, Clone, Args)]
pub(in crate::cli) struct FulfilArgs {
    /// The file that `keynode activation request` made ("-" is standard input)
    request: PathBuf,
    /// Where the licence is written: a directory, or a file
    #[arg(long, value_name = "DIR|FILE", default_value = ".")]
    out: PathBuf,
    /// Print the licence as a QR code too
    #[arg(long)]
    qr: bool,
    #[command(flatten)]
    place: Place,
}

pub(super) fn run(args: &FulfilArgs, out: &mut impl Write) -> Result<(), Failure> {
    let text = read(&args.request)?;
    let failed = |told: &dyn std::fmt::Display| Failure::of(format!("{}: {told}", args.request.display()));
    let (request, node_key) = open_request(&text).map_err(|error| failed(&error))?;
    let settings = args.place.settings()?;
    let (action, code) = (request.action, request.code.clone());
    let answer = ask(&settings, request, node_key)?.map_err(|refusal| failed(&refusal))?;
    let code = format!("{code:?}");
    let (file, told, name) = match answer {
        Answer::Licence { file, new } => {
            let (licence, _) = inspect(file.as_bytes()).map_err(Failure::of)?;
            let told = match (action, new) {
                (Action::Renew, _) => "the licence is renewed",
                (_, true) => "the code is activated",
                (_, false) => "the code was activated there already: this is its licence",
            };
            let name = licence.file_name();
            (
                file,
                format!("{told}, series {}, KeyNo {}", licence.key_id, licence.key_no),
                name,
            )
        }
        Answer::Receipt(receipt) => (
            receipt,
            "the licence is returned: its computer wants this receipt".into(),
            "keynode.receipt".into(),
        ),
        Answer::Nothing => {
            writeln!(out, "code {code}: there is nothing new, nothing was written")?;
            return Ok(());
        }
    };
    let path = if args.out.is_dir() {
        args.out.join(name)
    } else {
        args.out.clone()
    };
    let failed = |error: io::Error| Failure::of(format!("{}: {error}", path.display()));
    write_whole(&path, file.as_bytes()).map_err(failed)?;
    writeln!(out, "code {code}: {told}\nwritten: {}", path.display())?;
    if args.qr {
        print_qr(&file, out)?;
    }
    Ok(())
}

/// Has the centre answer, here and now.
fn ask(
    settings: &Settings,
    request: crate::activation::Request,
    node_key: [u8; 32],
) -> Result<Result<Answer, crate::activation::Refusal>, Failure> {
    let dir = settings.centre_dir();
    drop(Books::open(&dir)?);
    let (signer, token) = vendor_key::open(settings)?;
    let (centre, thread) = Centre::start(&dir, signer, SystemClock::shared())?;
    // It came by hand: the only address there is is this computer's.
    let here = IpAddr::V4(Ipv4Addr::LOCALHOST);
    let answer = System::new().block_on(centre.answer(request, node_key, here));
    centre.stop();
    let ended = thread.join();
    drop(token);
    ended.map_err(|_| Failure::of("the centre's thread ended in a panic"))?;
    Ok(answer)
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    let failed = |error: io::Error| Failure::of(format!("{}: {error}", path.display()));
    let mut text = Vec::new();
    let most = u64::try_from(MAX_REQUEST).unwrap_or(u64::MAX).saturating_add(1);
    if path == Path::new("-") {
        io::stdin().lock().take(most).read_to_end(&mut text)
    } else {
        File::open(path)
            .map_err(failed)?
            .take(most)
            .read_to_end(&mut text)
    }
    .map_err(failed)?;
    Ok(text)
}
