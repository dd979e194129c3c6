//! `keynode vendor issue`: makes a licence file.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use crate::clock::SystemClock;
use crate::computer::{Roots, inspect};
use crate::devices::DriverKind;
use crate::licence::binding::{Binding, ComputerBinding, Fingerprint};
use crate::licence::{
    ActivationCode, FORMAT_VERSION, Iec, Itn, KeyId, KeyNo, KeyType, Licence, Timestamp, VendorKey, seal,
};
use crate::settings::DeviceArgs;
use crate::signing::{Message, SoftwareKey};

use super::super::carrier_request::CarrierRequest;
use super::super::computer::read_fingerprint;
use super::super::devices::Seen;
use super::super::failure::Failure;
use super::super::licence::write_whole;
use super::{public_key, read_key};

/// A licence's fields.
#[derive(Debug, Clone, Args)]
pub(in super::super) struct IssueArgs {
    /// The vendor's directory
    #[arg(long)]
    dir: PathBuf,
    /// Series: four hexadecimal digits
    #[arg(long, value_parser = KeyId::parse)]
    key_id: KeyId,
    /// Serial number, unique over all series
    #[arg(long)]
    key_no: KeyNo,
    /// Licences: how many sessions at once
    #[arg(long, default_value_t = 5)]
    seats: u32,
    /// Kind of the key
    #[arg(long = "type", value_enum, default_value_t = Kind::Main)]
    kind: Kind,
    /// Days of validity, from the start or from now; 0: without end
    #[arg(long, value_name = "DAYS", default_value_t = 0)]
    period: u32,
    /// Start of validity
    #[arg(long, value_name = "DATE", value_parser = Timestamp::parse)]
    start: Option<Timestamp>,
    /// The holder's ITN (INN)
    #[arg(long, value_name = "N", value_parser = Itn::parse)]
    itn: Option<Itn>,
    /// The holder's IEC (KPP)
    #[arg(long, value_name = "S", value_parser = Iec::parse)]
    iec: Option<Iec>,
    /// Name of the product
    #[arg(long, value_name = "S", default_value = "")]
    product_name: String,
    /// Article number
    #[arg(long, value_name = "S", default_value = "")]
    article: String,
    /// Name of the article, at most 100 characters
    #[arg(long, value_name = "S", default_value = "")]
    article_name: String,
    /// Use in special services: 0 ordinary, 1 demonstration server, 2 GRM, 3 Fresh
    #[arg(long, value_name = "N", default_value_t = 0)]
    service_type: u32,
    /// Functionality flags: up to 32 zeros and ones
    #[arg(long, value_name = "BITS", value_parser = parse_flags, default_value = "0")]
    flags: u32,
    /// Registration number
    #[arg(long, value_name = "N", default_value_t = 0)]
    reg_no: u64,
    /// Activation code: five groups of four characters
    #[arg(long, value_name = "C", value_parser = ActivationCode::parse)]
    activation_code: Option<ActivationCode>,
    /// What the licence is bound to: the file that `keynode computer show --json` made, "self" for this
    /// computer, or "none"
    #[arg(long, value_name = "FILE|self|none", default_value = "none")]
    computer: String,
    /// How many components of the computer may change
    #[arg(long, value_name = "K", default_value_t = 1)]
    tolerance: u32,
    /// Bind the licence to this carrier instead, which must be plugged in: its ID, or its serial number
    #[arg(long, value_name = "DEVICE", conflicts_with = "computer")]
    carrier: Option<String>,
    /// Bind the licence to the carrier that this file describes, which `keynode devices provision --driver fido2` made
    #[arg(long, value_name = "FILE", conflicts_with_all = ["computer", "carrier"])]
    carrier_request: Option<PathBuf>,
    #[command(flatten)]
    devices: DeviceArgs,
    /// Directory to put the licence file in
    #[arg(long, value_name = "DIR", default_value = ".")]
    out: PathBuf,
}

/// Kind of a key, as it is said here.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(in super::super) enum Kind {
    Main,
    Additional,
    Demo,
}

impl From<Kind> for KeyType {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Main => Self::Main,
            Kind::Additional => Self::Additional,
            Kind::Demo => Self::Demonstration,
        }
    }
}

impl From<KeyType> for Kind {
    fn from(kind: KeyType) -> Self {
        match kind {
            KeyType::Main => Self::Main,
            KeyType::Additional => Self::Additional,
            KeyType::Demonstration => Self::Demo,
        }
    }
}

pub(super) fn run(args: &IssueArgs, out: &mut impl Write) -> Result<(), Failure> {
    let issuer = Issuer::open(&args.dir)?;
    let (binding, blank_key_no) = match (&args.carrier, &args.carrier_request) {
        (Some(name), _) => bind_to_carrier(&Seen::look(&args.devices)?, name, out)?,
        (None, Some(request)) => {
            let (binding, number) = CarrierRequest::read(request)?.binding();
            (Binding::Carrier(binding), Some(number))
        }
        (None, None) => (bind(&args.computer, args.tolerance, out)?, None),
    };
    let now = SystemClock::shared().now().wall;
    let licence = Licence {
        version: FORMAT_VERSION.into(),
        key_no: args.key_no,
        key_id: args.key_id,
        reg_no: args.reg_no,
        key_type: args.kind.into(),
        service_type: args.service_type,
        licence_count: args.seats,
        product_version: 0,
        blank_key_no,
        activation_code: args.activation_code.clone(),
        activation_date: now,
        start_date: args.start,
        period: args.period,
        flags: args.flags,
        itn: args.itn.clone(),
        iec: args.iec.clone(),
        product_name: args.product_name.clone(),
        article: args.article.clone(),
        article_name: args.article_name.clone(),
        support_date: None,
        support_period: None,
        industry_support_date: None,
        industry_support_period: None,
        product_version_name: None,
        recovered: false,
        binding,
        issued: Some(now),
        nonce: None,
    };
    let path = issuer.issue(&licence, &args.out)?;
    writeln!(
        out,
        "licence {} of series {} is issued: {}",
        licence.key_no,
        licence.key_id,
        path.display()
    )?;
    Ok(())
}

/// A vendor's licence key at work.
pub(in super::super) struct Issuer {
    key: SoftwareKey,
    kid: String,
}

impl Issuer {
    /// Opens a vendor's directory.
    pub(in super::super) fn open(dir: &Path) -> Result<Self, Failure> {
        let key = read_key(dir)?;
        let public = VendorKey::from_pem(&public_key(dir)?).map_err(Failure::of)?;
        if let Some(expires) = public.expires()
            && expires <= SystemClock::shared().now().wall
        {
            return Err(Failure::of(format!(
                "{}: its key expired on {expires}, nodes refuse what it signs now: make another with `keynode vendor init`",
                dir.display()
            )));
        }
        let kid = public.kid().to_owned();
        Ok(Self { key, kid })
    }

    /// Signs a licence and writes its file; the result is where.
    pub(in super::super) fn issue(&self, licence: &Licence, directory: &Path) -> Result<PathBuf, Failure> {
        licence
            .check()
            .map_err(|error| Failure::Usage(error.to_string()))?;
        let sign = |message: &[u8]| {
            self.key
                .sign_one(Message {
                    query_id: b"",
                    body: message,
                })
                .map(|signature| signature.0)
        };
        let file = seal(licence, &self.kid, sign).map_err(Failure::of)?;
        let path = directory.join(licence.file_name());
        write_whole(&path, format!("{file}\n").as_bytes())
            .map_err(|error| Failure::of(format!("{}: {error}", path.display())))?;
        Ok(path)
    }
}

/// The binding that `--computer` asks for; a computer that is hard to tell from others is remarked on.
fn bind(computer: &str, tolerance: u32, out: &mut impl Write) -> Result<Binding, Failure> {
    let fingerprint = match computer {
        "none" => {
            writeln!(
                out,
                "note: the licence is bound to nothing: it works on any computer (--computer)"
            )?;
            return Ok(Binding::None);
        }
        "self" => inspect(&Roots::host()).fingerprint,
        file => {
            let text = fs::read_to_string(file).map_err(|error| Failure::of(format!("{file}: {error}")))?;
            read_fingerprint(&text).map_err(|error| Failure::of(format!("{file}: {error}")))?
        }
    };
    if fingerprint.components.is_empty() {
        return Err(Failure::of(
            "this computer has nothing that a licence could be bound to: keynode computer show",
        ));
    }
    let strong = fingerprint.strong_count();
    if strong < 2 {
        writeln!(
            out,
            "warning: the computer has {strong} strong component(s): another one like it may pass for it, and one \
             change may end the licence (keynode computer show)"
        )?;
    }
    Ok(bound_to(&fingerprint, tolerance))
}

/// The binding to a carrier that is plugged in and proves itself, and the number that names it.
fn bind_to_carrier(
    seen: &Seen,
    name: &str,
    out: &mut impl Write,
) -> Result<(Binding, Option<KeyNo>), Failure> {
    let (carrier, binding, number) = seen.bindable(name)?;
    if carrier.driver == DriverKind::Serial.name() {
        writeln!(
            out,
            "warning: {} is known by its serial number alone: another device that shows the same passes for it",
            carrier.id
        )?;
    }
    Ok((Binding::Carrier(binding), Some(number)))
}

/// A binding to a computer.
pub(in super::super) fn bound_to(fingerprint: &Fingerprint, tolerance: u32) -> Binding {
    Binding::Computer(ComputerBinding {
        components: fingerprint.components.clone(),
        tolerance,
    })
}

pub(in super::super) fn parse_flags(text: &str) -> Result<u32, String> {
    if (1..=32).contains(&text.len()) && text.bytes().all(|b| b == b'0' || b == b'1') {
        return u32::from_str_radix(text, 2).map_err(|error| error.to_string());
    }
    Err("expected 1 to 32 zeros and ones".into())
}
