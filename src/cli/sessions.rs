//! `keynode sessions`: who holds which seat, over the API of a running node.

use std::io::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use clap::{Args, Subcommand};
use serde_json::Value;
use zeroize::Zeroizing;

use crate::settings::{Settings, SettingsArgs};
use crate::store::Id;

use super::failure::Failure;
use super::http::{Answer, Ask};
use super::password::PasswordArgs;

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
    #[command(flatten)]
    password: PasswordArgs,
    #[command(flatten)]
    settings: SettingsArgs,
}

pub(super) fn run(command: &SessionsCommand, out: &mut impl Write) -> Result<(), Failure> {
    match command {
        SessionsCommand::List { json, login } => list(&call(login, "GET", "/api/sessions")?, *json, out),
        SessionsCommand::Release { id, login } => {
            let unknown =
                |_| Failure::NotFound(format!("{id}: no session has such an ID (keynode sessions list)"));
            let id = Id::parse(id).map_err(unknown)?;
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
    let password = login.password.password(&login.user)?;
    let credentials = Zeroizing::new(STANDARD.encode(format!("{}:{}", login.user, *password)));
    let ask = Ask {
        address: settings.listen,
        certificate: settings.tls.certificate.as_deref(),
        verb,
        path,
        credentials: Some(&credentials),
    };
    let Answer { status, body } = ask.send()?;
    let told = || {
        let error: Value = serde_json::from_str(&body).unwrap_or_default();
        error["Message"]
            .as_str()
            .unwrap_or("the node refuses without a reason")
            .to_owned()
    };
    match status {
        200..=299 => Ok(body),
        401 | 403 => Err(Failure::NotAllowed(told())),
        404 => Err(Failure::NotFound(told())),
        _ => Err(Failure::of(told())),
    }
}
