//! `keynode demo`: a node to try, with a vendor and licences of its own. What it finds it keeps.

mod hsm;
mod terminal;

use std::io::Write;
use std::net::TcpListener;
use std::path::Path;

use clap::Args;

use crate::clock::SystemClock;
use crate::computer::{Roots, inspect};
use crate::keyring::trust_vendor;
use crate::licence::binding::{Binding, Component, Fingerprint};
use crate::licence::{
    ActivationCode, DAY, FORMAT_VERSION, Iec, Itn, KeyId, KeyNo, KeyType, Licence, Timestamp,
};
use crate::node::{self, Node, SIGNING_KEY};
use crate::settings::{Settings, SettingsArgs};

use super::failure::Failure;
use super::vendor::{self, Issuer, bound_to};
use hsm::Hsm;

/// Series of the demo licences; the manual's.
const SERIES: &str = "672B";

/// What the demo shows.
#[derive(Debug, Clone, Args)]
pub(super) struct DemoArgs {
    /// Sign with a SoftHSM2 token, which is made in the state directory
    #[arg(long)]
    hsm: bool,
    #[command(flatten)]
    settings: SettingsArgs,
}

pub(super) fn run(args: &DemoArgs, out: &mut impl Write) -> Result<(), Failure> {
    let mut settings = Settings::load_for_demo(&args.settings)?;
    // Beside another node the demo takes any port for /health: nobody is told of this one in advance.
    if TcpListener::bind(settings.admin_listen).is_err() {
        settings.admin_listen.set_port(0);
    }
    node::start_logging(&settings.log);
    let vendor_dir = settings.state_dir.join("demo-vendor");
    if !vendor_dir.join(vendor::PRIVATE_KEY).exists() {
        vendor::init(&vendor_dir, "keynode demo vendor")?;
    }
    trust_vendor(&settings.vendor_dir(), &vendor_dir.join(vendor::PUBLIC_KEY)).map_err(Failure::of)?;
    issue_missing(&Issuer::open(&vendor_dir)?, &settings.licence_dir())?;
    let hsm = args.hsm.then(|| Hsm::prepare(&settings)).transpose()?;
    let apply = |settings: &mut Settings| {
        if let Some(hsm) = &hsm {
            hsm.apply(settings);
        }
    };
    apply(&mut settings);
    let reload = || {
        let mut now = Settings::load_for_demo(&args.settings)?;
        apply(&mut now);
        Ok(Settings {
            admin_listen: settings.admin_listen,
            ..now
        })
    };
    let mut told = Ok(());
    node::run(&settings, reload, |node| {
        told = tell(node, &settings, hsm.as_ref(), out);
    })?;
    told
}

/// Issues those demo licences that are not there.
fn issue_missing(issuer: &Issuer, directory: &Path) -> Result<(), Failure> {
    let now = SystemClock::shared().now().wall;
    let here = inspect(&Roots::host()).fingerprint;
    for licence in licences(now, &here) {
        if !directory.join(licence.file_name()).exists() {
            issuer.issue(&licence, directory)?;
        }
    }
    Ok(())
}

fn licences(now: Timestamp, here: &Fingerprint) -> Vec<Licence> {
    let bound = || {
        if here.components.is_empty() {
            Binding::None
        } else {
            bound_to(here, 1)
        }
    };
    let main = Licence {
        binding: bound(),
        ..licence(7_131_766, KeyType::Main, now)
    };
    let additional = Licence {
        binding: bound(),
        ..licence(7_131_767, KeyType::Additional, now)
    };
    let demonstration = Licence {
        start_date: Some(now),
        period: 90,
        ..licence(7_181_155, KeyType::Demonstration, now)
    };
    let expired = Licence {
        start_date: Some(now.plus(-60 * DAY)),
        activation_date: now.plus(-60 * DAY),
        period: 30,
        ..licence(7_121_172, KeyType::Main, now)
    };
    let elsewhere = Licence {
        binding: bound_to(&another(here), 1),
        ..licence(7_131_768, KeyType::Main, now)
    };
    vec![main, additional, demonstration, expired, elsewhere]
}

/// A licence with every field of the manual filled.
fn licence(key_no: KeyNo, key_type: KeyType, now: Timestamp) -> Licence {
    let known = "a constant that its own type's tests accept";
    Licence {
        version: FORMAT_VERSION.into(),
        key_no,
        key_id: KeyId::parse(SERIES).expect(known),
        reg_no: 202,
        key_type,
        service_type: 0,
        licence_count: 5,
        product_version: 3,
        blank_key_no: None,
        activation_code: Some(ActivationCode::parse(&format!("4345-9320-2035-{key_no:08}")).expect(known)),
        activation_date: now,
        start_date: None,
        period: 0,
        flags: 0b101,
        itn: Some(Itn::parse("1234567894").expect(known)),
        iec: Some(Iec::parse("770701001").expect(known)),
        product_name: "Демонстрационная серия keynode".into(),
        article: "1111111111111".into(),
        article_name: "Демонстрационная номенклатура для проверки работоспособности узла лицензий".into(),
        support_date: Some(now),
        support_period: Some(365),
        industry_support_date: Some(now),
        industry_support_period: Some(365),
        product_version_name: Some("3.0".into()),
        recovered: false,
        binding: Binding::None,
        issued: Some(now),
        nonce: None,
    }
}

/// A computer with components of the same kinds, none of them the same.
fn another(here: &Fingerprint) -> Fingerprint {
    let turned = |component: &Component| Component {
        kind: component.kind,
        value: match component.value.parse::<u64>() {
            Ok(gib) if component.value.len() < 10 => (gib + 1_000_000).to_string(),
            _ => component
                .value
                .chars()
                .rev()
                .map(|c| if c == '0' { 'f' } else { '0' })
                .collect(),
        },
    };
    Fingerprint::new(here.components.iter().map(turned).collect(), Vec::new())
}

/// The address, and some lines to try, each of which a shell takes as it stands.
fn tell(node: &Node, settings: &Settings, hsm: Option<&Hsm>, out: &mut impl Write) -> Result<(), Failure> {
    let (scheme, curl) = match &settings.tls.certificate {
        Some(certificate) => ("https", format!("curl -s --cacert {}", quoted(certificate))),
        None => ("http", "curl -s".to_owned()),
    };
    let (url, curl) = (
        format!("{scheme}://{}/api", node.address),
        format!("{curl} -u admin:admin"),
    );
    let state = &settings.state_dir;
    let program = quoted(&std::env::current_exe().unwrap_or_else(|_| "keynode".into()));
    writeln!(
        out,
        "keynode demo serves at {url} as admin/admin; state in {}; Ctrl-C ends it.\n\nTry:",
        state.display()
    )?;
    writeln!(out, "  {curl} '{url}/licences?_pretty=true'")?;
    writeln!(out, "  {curl} '{url}/licences/7131766?_pretty=true'")?;
    writeln!(
        out,
        "  {curl} {url}/sessions -d \
         '{{\"KeyID\":\"{SERIES}\",\"ClientSessionID\":\"0123456789ABCDEF\",\"AppName\":\"curl\"}}'"
    )?;
    let place = match hsm {
        Some(hsm) => format!("--config {}", quoted(&hsm.config)),
        None => "--state-dir ..".into(),
    };
    // The files lie with the demo's own: names in /tmp could be somebody else's.
    writeln!(
        out,
        "  (mkdir -p {try_dir} && cd {try_dir} && {program} public-key {place} > node.pem && {curl} -H \
         'Licence-QueryID: 42' -D head -o body {url}/serverinfo && sed -n 's/^Licence-Signature: //p' head | tr -d \
         '\\r' | base64 -d > signature && (printf 42; cat body) | openssl dgst -sha256 -verify node.pem -signature \
         signature)",
        try_dir = quoted(&state.join("try")),
    )?;
    let state = quoted(state);
    if let Some(hsm) = hsm {
        writeln!(out, "  {curl} '{url}/publickey?_pretty=true'")?;
        let config = quoted(&hsm.config);
        writeln!(
            out,
            "\nIts signing key is on the SoftHSM2 token in {directory}, beside the token's PIN. Other commands work on \
             this node with --config {config}, such as: {program} signing show --config {config}\n/health is at \
             http://{}/health.",
            node.admin_address,
            directory = hsm.directory.display(),
        )?;
        out.flush()?;
        return Ok(());
    }
    writeln!(
        out,
        "\nOther commands work on this node with --state-dir {state}, such as: {program} licence list --state-dir \
         {state}\nIts signing key is {SIGNING_KEY} there; /health is at http://{}/health.",
        node.admin_address
    )?;
    out.flush()?;
    Ok(())
}

/// A path as a word of a shell's line.
fn quoted(path: &Path) -> String {
    let text = path.to_string_lossy();
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+".contains(c);
    if text.chars().all(plain) {
        return text.into_owned();
    }
    format!("'{}'", text.replace('\'', "'\\''"))
}
