//! `keynode sessions`: who holds which seat, over the API of a running node.

use std::fs;
use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use clap::{Args, Subcommand};
use serde_json::Value;
use ureq::tls::{RootCerts, TlsConfig, TlsProvider};

use crate::settings::{Settings, SettingsArgs};

use super::failure::Failure;
use super::password::PasswordArgs;

const PATIENCE: Duration = Duration::from_secs(30);

/// What can be done with sessions.
#[derive(Debug, Clone, Subcommand)]
pub(super) enum SessionsCommand {
    /// List the sessions
    List {
        /// Print JSON
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        login: Login,
    },
    /// Release a session: its seat is free at once
    Release {
        /// ID of the session
        id: String,
        #[command(flatten)]
        login: Login,
    },
}

/// Which node, and as whom.
#[derive(Debug, Clone, Args)]
pub(super) struct Login {
    /// User of the API; the password is asked for, or taken from `KEYNODE_PASSWORD`
    #[arg(long, default_value = "admin")]
    user: String,
    /// Address of the node (scheme, name and port); without it, the one of the settings
    #[arg(long)]
    url: Option<String>,
    #[command(flatten)]
    password: PasswordArgs,
    #[command(flatten)]
    settings: SettingsArgs,
}

pub(super) fn run(command: &SessionsCommand, out: &mut impl Write) -> Result<(), Failure> {
    match command {
        SessionsCommand::List { json, login } => list(&call(login, "GET", "/api/sessions")?, *json, out),
        SessionsCommand::Release { id, login } => {
            call(login, "DELETE", &format!("/api/sessions/{id}"))?;
            writeln!(out, "session {id} is released")?;
            Ok(())
        }
    }
}

fn list(text: &str, as_json: bool, out: &mut impl Write) -> Result<(), Failure> {
    let answer: Value = serde_json::from_str(text).map_err(Failure::of)?;
    let sessions = &answer["Sessions"];
    if as_json {
        writeln!(out, "{sessions}")?;
        return Ok(());
    }
    writeln!(
        out,
        "{:<32} {:<6} {:<10} {:<24} {:<20} COMPUTER, USER, APPLICATION",
        "ID", "KEYID", "LICENCE", "UNTIL", "SINCE"
    )?;
    for session in sessions.as_array().into_iter().flatten() {
        let text = |name: &str| match &session[name] {
            Value::String(text) => text.clone(),
            Value::Null => "-".to_owned(),
            other => other.to_string(),
        };
        let until = if session["Expired"] == "True" {
            "expired".to_owned()
        } else {
            text("ExpireTime")
        };
        let since = text("SessionStarted").chars().take(19).collect::<String>();
        writeln!(
            out,
            "{:<32} {:<6} {:<10} {until:<24} {since:<20} {}, {}, {}",
            text("ID"),
            text("KeyID"),
            text("UsedLicence"),
            text("ComputerName"),
            text("UserName"),
            text("AppName")
        )?;
    }
    Ok(())
}

fn call(login: &Login, verb: &str, path: &str) -> Result<String, Failure> {
    let settings = Settings::load(&login.settings)?.settings;
    let scheme = if settings.tls.certificate.is_some() {
        "https"
    } else {
        "http"
    };
    let url = login
        .url
        .clone()
        .unwrap_or_else(|| format!("{scheme}://{}", settings.listen));
    let password = login.password.password(&login.user)?;
    let credentials = STANDARD.encode(format!("{}:{}", login.user, *password));
    let request = ureq::http::Request::builder()
        .method(verb)
        .uri(format!("{url}{path}"))
        .header("Authorization", format!("Basic {credentials}"))
        .body(())
        .map_err(Failure::of)?;
    let unreachable = |error: ureq::Error| match error {
        ureq::Error::Io(ref source) if source.kind() == std::io::ErrorKind::ConnectionRefused => {
            Failure::NotReachable(url.clone())
        }
        ureq::Error::Timeout(_) | ureq::Error::HostNotFound | ureq::Error::ConnectionFailed => {
            Failure::NotReachable(url.clone())
        }
        // Certificates above all: another name may fit (--url).
        error => Failure::of(format!("{url}: {error}")),
    };
    let mut answer = agent(&settings)?.run(request).map_err(unreachable)?;
    let body = answer
        .body_mut()
        .with_config()
        .limit(u64::MAX)
        .read_to_string()
        .map_err(unreachable)?;
    let told = || {
        let error: Value = serde_json::from_str(&body).unwrap_or_default();
        error["Message"]
            .as_str()
            .unwrap_or("the node refuses without a reason")
            .to_owned()
    };
    match answer.status().as_u16() {
        200..=299 => Ok(body),
        401 | 403 => Err(Failure::NotAllowed(told())),
        404 => Err(Failure::NotFound(told())),
        _ => Err(Failure::of(told())),
    }
}

/// A client that believes the certificates in the node's own certificate file.
fn agent(settings: &Settings) -> Result<ureq::Agent, Failure> {
    let mut config = ureq::Agent::config_builder()
        .timeout_global(Some(PATIENCE))
        .http_status_as_error(false);
    if let Some(path) = &settings.tls.certificate {
        let pem = fs::read(path).map_err(|error| Failure::of(format!("{}: {error}", path.display())))?;
        let certificates = ureq::tls::parse_pem(&pem).filter_map(|item| match item {
            Ok(ureq::tls::PemItem::Certificate(certificate)) => Some(certificate),
            _ => None,
        });
        let tls = TlsConfig::builder()
            .provider(TlsProvider::Rustls)
            .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
            .root_certs(RootCerts::from(certificates));
        config = config.tls_config(tls.build());
    }
    Ok(config.build().into())
}
