//! `keynode demo`: a node to try, with a vendor, its activation centre, and licences of its own. What it finds it keeps.

mod authority;
mod centre;
mod gateway;
mod hsm;
mod licences;
mod lines;
mod terminal;
mod token;

use std::io::Write;
use std::net::TcpListener;
use std::path::Path;

use clap::Args;

use crate::keyring::trust_vendor;
use crate::node::{self, Node, SIGNING_KEY};
use crate::settings::{Settings, SettingsArgs};

use super::failure::Failure;
use super::vendor::{self, Issuer};
use centre::DemoCentre;
use gateway::DemoGateway;
use hsm::Hsm;
use licences::issue_missing;
use token::DemoToken;

/// Series of the demo licences; the manual's.
const SERIES: &str = "672B";

/// The holder of the licence that the printed lines activate.
const ITN: &str = "1234567894";

/// What the demo shows.
#[derive(Debug, Clone, Args)]
pub(super) struct DemoArgs {
    /// Sign with a SoftHSM2 token, which is made in the state directory
    #[arg(long)]
    hsm: bool,
    /// Run the operators' services (tickets, IS MP, CRPT, 1C-Taxcom) with a key on that token, against stand-ins
    #[arg(long)]
    gateway: bool,
    #[command(flatten)]
    settings: SettingsArgs,
}

pub(super) fn run(args: &DemoArgs, out: &mut impl Write) -> Result<(), Failure> {
    let mut settings = Settings::load_for_demo(&args.settings)?;
    // Beside another node the demo takes any port for /health: nobody is told of this one in advance.
    if TcpListener::bind(settings.admin_listen).is_err() {
        settings.admin_listen.set_port(0);
    }
    if args.gateway {
        DemoGateway::check(&settings)?;
    }
    node::start_logging(&settings.log);
    let vendor_dir = settings.state_dir.join("demo-vendor");
    if !vendor_dir.join(vendor::PRIVATE_KEY).exists() {
        vendor::init(&vendor_dir, "keynode demo vendor")?;
    }
    trust_vendor(&settings.vendor_dir(), &vendor_dir.join(vendor::PUBLIC_KEY)).map_err(Failure::of)?;
    issue_missing(&Issuer::open(&vendor_dir)?, &settings.licence_dir())?;
    let token = (args.hsm || args.gateway).then(|| DemoToken::prepare(&settings));
    let token = token.transpose()?;
    let on_token = |wanted: bool| token.as_ref().filter(|_| wanted);
    let hsm = on_token(args.hsm).map(|token| Hsm::prepare(&settings, token));
    let hsm = hsm.transpose()?;
    let gateway = on_token(args.gateway).map(|token| DemoGateway::prepare(&settings, token));
    let gateway = gateway.transpose()?;
    // Whoever names another centre wants that.
    let own = settings.activation.centre.is_none();
    let centre = own
        .then(|| {
            DemoCentre::start(
                &settings.state_dir.join("demo-centre"),
                &vendor_dir.join(vendor::PRIVATE_KEY),
            )
        })
        .transpose()?;
    let apply = |settings: &mut Settings| {
        if let Some(token) = &token {
            token.apply(settings);
        }
        if let Some(hsm) = &hsm {
            hsm.apply(settings);
        }
        if let Some(gateway) = &gateway {
            gateway.apply(settings);
        }
        if let Some(centre) = &centre {
            centre.apply(settings);
        }
    };
    apply(&mut settings);
    let reload = || {
        let mut now = Settings::load_for_demo(&args.settings)?;
        apply(&mut now);
        now.admin_listen = settings.admin_listen;
        Ok(now.into())
    };
    let mut told = Ok(());
    node::run(&settings.clone().into(), reload, |node| {
        let introduced = gateway.as_ref().map_or(Ok(()), |gateway| gateway.introduce(node));
        let parts = Parts {
            hsm: hsm.as_ref(),
            centre: centre.as_ref(),
            gateway: gateway.as_ref(),
        };
        told = introduced.and_then(|()| tell(node, &settings, &parts, out));
    })?;
    told
}

/// What a demo may have beside the node.
struct Parts<'a> {
    hsm: Option<&'a Hsm>,
    centre: Option<&'a DemoCentre>,
    gateway: Option<&'a DemoGateway>,
}

/// The address, and some lines to try, each of which a shell takes as it stands.
fn tell(node: &Node, settings: &Settings, parts: &Parts<'_>, out: &mut impl Write) -> Result<(), Failure> {
    let Parts { hsm, centre, gateway } = *parts;
    let (scheme, curl) = match &settings.tls.certificate {
        Some(certificate) => ("https", format!("curl -s --cacert {}", quoted(certificate))),
        None => ("http", "curl -s".to_owned()),
    };
    let (url, plain) = (format!("{scheme}://{}/api", node.address), curl);
    let curl = format!("{plain} -u admin:admin");
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
    if hsm.is_some() {
        writeln!(out, "  {curl} '{url}/publickey?_pretty=true'")?;
    }
    if let Some(centre) = centre {
        writeln!(
            out,
            "  {curl} '{url}/licences?_pretty=true' -d '{{\"ActivationCodeString\":\"{}\",\"ITN\":{ITN},\"IEC\":null,\
             \"BlankKeyNo\":null}}'",
            centre.code.as_str()
        )?;
        let directory = quoted(&centre.directory);
        writeln!(
            out,
            "\nThat code is of its vendor's activation centre, which is at {}; more of them: {program} centre codes list \
             --full --dir {directory}",
            centre.address
        )?;
    }
    if let Some(gateway) = gateway {
        writeln!(out, "\n{}", lines::heading(gateway))?;
        for line in lines::lines(&url, &plain) {
            writeln!(out, "  {line}")?;
        }
    }
    let state = quoted(state);
    if let Some(hsm) = hsm {
        let config = quoted(&hsm.config);
        writeln!(
            out,
            "\nIts signing key is on the SoftHSM2 token in {directory}, beside the token's PIN. Other commands work on \
             this node with --config {config}, such as: {program} signing show --config {config}",
            directory = hsm.directory.display(),
        )?;
    } else {
        writeln!(
            out,
            "\nOther commands work on this node with --state-dir {state}, such as: {program} licence list --state-dir \
             {state}\nIts signing key is {SIGNING_KEY} there."
        )?;
    }
    let second = format!("http://{}", node.admin_address);
    if settings.console.enabled {
        writeln!(
            out,
            "\nThe console is at {second}/console/: log in as admin/admin. It has you choose another password, which the \
             lines above take from then on."
        )?;
    }
    // The last line, for whoever waits for the whole text.
    writeln!(out, "How the node is: {second}/health.")?;
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
