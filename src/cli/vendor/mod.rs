//! `keynode vendor`: what a vendor does with a licence key, and how a node comes to trust it.

mod issue;

use std::fs;
use std::io::Write;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use aws_lc_rs::rsa::KeySize;
use clap::Subcommand;
use serde_json::json;

use crate::clock::SystemClock;
use crate::keyring::{Revoked, read_vendor_keys, trust_vendor};
use crate::licence::{Timestamp, VendorKey, inspect, open};
use crate::settings::{PlaceArgs, Settings};
use crate::signing::{Signer, SoftwareKey};

use super::failure::Failure;
use super::licence::write_whole;
use super::offline::read_licence;
use super::progress;
use issue::IssueArgs;
pub(super) use issue::{Issuer, Kind, bound_to, parse_flags};

pub(super) const PRIVATE_KEY: &str = "vendor.key";
pub(super) const PUBLIC_KEY: &str = "vendor.pem";

/// What a vendor can do.
#[derive(Debug, Clone, Subcommand)]
pub(super) enum VendorCommand {
    /// Make a vendor: a directory with a licence key (RSA-3072)
    Init {
        /// The vendor's directory; keep it safe, whoever has it can issue licences
        #[arg(long)]
        dir: PathBuf,
        /// Name of the vendor, for people
        #[arg(long, default_value = "keynode vendor")]
        name: String,
        /// When the key expires, such as 2030-01-31T00:00:00Z: nodes refuse licences issued from then on
        #[arg(long, value_name = "DATE", value_parser = parse_date)]
        expires: Option<Timestamp>,
    },
    /// Issue a licence
    Issue(Box<IssueArgs>),
    /// Show what a licence file says and whether its signature is good
    Inspect {
        /// The licence file
        file: PathBuf,
        /// Check the signature with this public key too
        #[arg(long, value_name = "PEM")]
        public_key: Option<PathBuf>,
        /// Print JSON
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        place: PlaceArgs,
    },
    /// Print the vendor's public key (PEM), for nodes to trust
    PublicKey {
        /// The vendor's directory
        #[arg(long)]
        dir: PathBuf,
    },
    /// Trust a vendor: the node believes licences signed by this key
    Trust {
        /// The vendor's public key
        pem: PathBuf,
        #[command(flatten)]
        place: PlaceArgs,
    },
}

pub(super) fn run(command: VendorCommand, out: &mut impl Write) -> Result<(), Failure> {
    match command {
        VendorCommand::Init { dir, name, expires } => {
            init_until(&dir, &name, expires)?;
            writeln!(out, "vendor \"{name}\" is made in {}", dir.display())?;
            if let Some(expires) = expires {
                writeln!(out, "its key expires on {expires}")?;
            }
            writeln!(
                out,
                "nodes that are to believe its licences: keynode vendor trust {}",
                dir.join(PUBLIC_KEY).display()
            )?;
        }
        VendorCommand::Issue(args) => issue::run(&args, out)?,
        VendorCommand::Inspect {
            file,
            public_key,
            json,
            place,
        } => show(&file, public_key.as_deref(), json, &place, out)?,
        VendorCommand::PublicKey { dir } => {
            out.write_all(public_key(&dir)?.as_bytes())?;
        }
        VendorCommand::Trust { pem, place } => {
            let settings = Settings::load(&place.0)?.settings;
            let key = trust_vendor(&settings.vendor_dir(), &pem).map_err(Failure::of)?;
            let until = key.expires().map_or(String::new(), |expires| {
                format!(", those that are issued before {expires}, when it expires")
            });
            writeln!(out, "licences signed by key {} are trusted{until}", key.kid())?;
        }
    }
    Ok(())
}

/// The private key in a vendor's directory.
fn read_key(dir: &Path) -> Result<SoftwareKey, Failure> {
    let path = dir.join(PRIVATE_KEY);
    if !path.exists() {
        return Err(Failure::NotFound(format!(
            "{}: there is no vendor here; `keynode vendor init --dir {}` makes one",
            path.display(),
            dir.display()
        )));
    }
    SoftwareKey::read(&path).map_err(Failure::of)
}

/// The public key in a vendor's directory, with its expiry if it has one.
fn public_key(dir: &Path) -> Result<String, Failure> {
    let pem = read_key(dir)?.public_key().pem.clone();
    let path = dir.join(PUBLIC_KEY);
    let failed = |error: &dyn std::fmt::Display| Failure::of(format!("{}: {error}", path.display()));
    let told = match fs::read_to_string(&path) {
        Ok(told) => told,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(pem),
        Err(error) => return Err(failed(&error)),
    };
    let key = VendorKey::from_pem(&told).map_err(|error| failed(&error))?;
    let its = VendorKey::from_pem(&pem).map_err(Failure::of)?;
    if key.kid() != its.kid() {
        return Err(failed(&format!("it is not the public half of {PRIVATE_KEY}")));
    }
    let expires = key.expires().map(|expires| format!("Expires: {expires}\n"));
    Ok(expires.unwrap_or_default() + &pem)
}

fn parse_date(text: &str) -> Result<Timestamp, String> {
    Timestamp::parse(text).map_err(|error| error.to_string())
}

/// Makes a vendor's directory with a key that does not expire; one that has a key already is left alone.
pub(super) fn init(dir: &Path, name: &str) -> Result<(), Failure> {
    init_until(dir, name, None)
}

/// As [`init`], with a key that expires then.
pub(super) fn init_until(dir: &Path, name: &str, expires: Option<Timestamp>) -> Result<(), Failure> {
    let failed = |error: std::io::Error| Failure::of(format!("{}: {error}", dir.display()));
    if dir.join(PRIVATE_KEY).exists() {
        return Err(Failure::of(format!(
            "{}: there is a vendor here already",
            dir.display()
        )));
    }
    if name.chars().any(char::is_control) {
        return Err(Failure::Usage("a vendor's name has no control characters".into()));
    }
    if expires.is_some_and(|expires| expires <= SystemClock::shared().now().wall) {
        return Err(Failure::Usage("--expires: that is over already".into()));
    }
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(dir)
        .map_err(failed)?;
    let progress = progress::spinner("making an RSA-3072 key");
    let key = SoftwareKey::generate(KeySize::Rsa3072).map_err(Failure::of)?;
    progress.finish_and_clear();
    let expires = expires.map_or(String::new(), |expires| {
        format!(
            "Expires: {expires}
"
        )
    });
    write_public(dir, name, &(expires + &key.public_key().pem))?;
    key.write_new(&dir.join(PRIVATE_KEY)).map_err(Failure::of)
}

/// Writes a vendor's public key for nodes to trust.
pub(super) fn write_public(dir: &Path, name: &str, pem: &str) -> Result<(), Failure> {
    if name.chars().any(char::is_control) {
        return Err(Failure::Usage("a vendor's name has no control characters".into()));
    }
    // Text before the first dashes is a remark to every reader of PEM.
    let public = format!("Vendor: {name}\n{pem}");
    write_whole(&dir.join(PUBLIC_KEY), public.as_bytes())
        .map_err(|error| Failure::of(format!("{}: {error}", dir.display())))
}

fn show(
    file: &Path,
    public_key: Option<&Path>,
    as_json: bool,
    place: &PlaceArgs,
    out: &mut impl Write,
) -> Result<(), Failure> {
    let failed =
        |path: &Path, error: &dyn std::fmt::Display| Failure::of(format!("{}: {error}", path.display()));
    let bytes = read_licence(file)?;
    let (licence, kid) = inspect(&bytes).map_err(|error| failed(file, &error))?;
    let settings = Settings::load(&place.0)?.settings;
    let mut vendors = read_vendor_keys(&settings.vendor_dir());
    if let Some(path) = public_key {
        let pem = fs::read_to_string(path).map_err(|error| failed(path, &error))?;
        vendors.insert(VendorKey::from_pem(&pem).map_err(|error| failed(path, &error))?);
    }
    let trouble = open(&bytes, &vendors).err().map(|error| error.to_string());
    let mut revoked = Revoked::new(&settings.revocation_dir());
    revoked.read(&vendors);
    let revoked = revoked.reason_of(&licence, &kid);
    let good = trouble.is_none() && revoked.is_none();
    if as_json {
        let told = json!({
            "Licence": licence,
            "VendorKey": kid,
            "Signature": trouble.as_deref().unwrap_or("good"),
            "Revoked": revoked.map(|reason| reason.to_string()),
        });
        writeln!(out, "{told}")?;
    } else {
        let text = serde_json::to_string_pretty(&licence).map_err(Failure::of)?;
        writeln!(out, "{text}\n\nVendor key: {kid}")?;
        writeln!(out, "Signature:  {}", trouble.as_deref().unwrap_or("good"))?;
        if let Some(reason) = revoked {
            writeln!(out, "Revoked:    {reason}")?;
        }
    }
    if good { Ok(()) } else { Err(Failure::Quiet(1)) }
}
