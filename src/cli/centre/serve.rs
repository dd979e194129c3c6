//! `keynode centre serve`: runs the centre as a process.

use std::net::{IpAddr, TcpListener};
use std::path::PathBuf;
use std::time::Duration;

use actix_rt::System;
use clap::Args;
use sd_notify::NotifyState;

use crate::activation::centre::http::{FailureRules, ServiceLimits, Site, SiteRules, serve};
use crate::activation::centre::{Books, Centre};
use crate::api::listener::raise_file_limit;
use crate::clock::SystemClock;
use crate::node::{Signals, start_logging, tell_systemd};
use crate::settings::{Settings, SettingsArgs};

use super::super::failure::Failure;
use super::certificate::Certificate;
use super::place;
use super::vendor_key;

/// What is running finishes within this time when the centre stops; then it is cut off.
const FAREWELL: Duration = Duration::from_secs(2);

/// How the centre runs.
#[derive(Debug, Clone, Args)]
pub(in crate::cli) struct ServeArgs {
    /// The centre's directory [default: centre.dir of the settings]
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    #[command(flatten)]
    settings: SettingsArgs,
}

pub(super) fn run(args: &ServeArgs) -> Result<(), Failure> {
    let settings = place::settings(args.dir.as_ref(), &args.settings)?;
    start_logging(&settings.log);
    let system = System::new();
    system.block_on(serve_until_told(&settings))
}

async fn serve_until_told(settings: &Settings) -> Result<(), Failure> {
    // Before anything is started, so that no signal is met by its default.
    let mut signals = Signals::new()?;
    let dir = settings.centre_dir();
    // What is missing is told at once, before a token is waited for.
    drop(Books::open(&dir)?);
    let config = &settings.centre;
    let certificate = Certificate::open(settings).map_err(|error| Failure::Settings(error.to_string()))?;
    let socket = TcpListener::bind(config.listen).map_err(|error| {
        Failure::of(format!(
            "cannot listen on {} (--centre-listen): {error}",
            config.listen
        ))
    })?;
    let address = socket.local_addr()?;
    let (signer, token) = vendor_key::open(settings)?;
    let kid = signer.kid().to_owned();
    if let Err(error) = raise_file_limit() {
        tracing::warn!(%error, "the limit of open files cannot be raised: fewer connections fit");
    }
    let clock = SystemClock::shared();
    let (centre, thread) = Centre::start(&dir, signer, clock.clone())?;
    let site = Site::new(centre.clone(), dir.clone(), clock, rules(settings));
    let mut limits = ServiceLimits::default();
    if settings.workers != 0 {
        limits.workers = settings.workers;
    }
    let tls = certificate.as_ref().map(Certificate::config);
    let server = serve(site, socket, tls, limits).map_err(|error| {
        centre.stop();
        Failure::of(format!("the server: {error}"))
    })?;
    let handle = server.handle();
    let running = actix_rt::spawn(server);
    tracing::info!(
        version = crate::api::VERSION,
        %address,
        tls = certificate.is_some(),
        dir = %dir.display(),
        key = kid,
        "the activation centre serves"
    );
    tell_systemd(&[NotifyState::Ready]);
    while signals.hang_up_or_end().await {
        match certificate.as_ref().map(Certificate::renew) {
            Some(Ok(())) => tracing::info!("the certificate is read anew"),
            Some(Err(error)) => tracing::error!(%error, "the certificate from before is shown on"),
            None => tracing::info!("there is no certificate to read anew; settings wait for a restart"),
        }
    }
    tell_systemd(&[NotifyState::Stopping]);
    if tokio::time::timeout(FAREWELL, handle.stop(true)).await.is_err() {
        drop(handle.stop(false));
    }
    running.abort();
    centre.stop();
    if thread.join().is_err() {
        tracing::error!("the centre's thread ended in a panic");
    }
    drop(token);
    tracing::info!("the activation centre has stopped");
    Ok(())
}

fn rules(settings: &Settings) -> SiteRules {
    let centre = &settings.centre;
    let proxies = centre.proxies.iter();
    SiteRules {
        proxies: proxies.filter_map(|proxy| proxy.parse::<IpAddr>().ok()).collect(),
        failures: FailureRules {
            per_code: centre.failures_per_code,
            per_address: centre.failures_per_address,
        },
    }
}
