//! Commands as clients of a running node's API: which node, as whom, and what its refusals mean here.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use clap::Args;
use serde_json::Value;
use zeroize::Zeroizing;

use crate::settings::{DEFAULT_FILE, Settings, SettingsArgs};

use super::failure::Failure;
use super::http::{Answer, Ask};
use super::password::PasswordArgs;

/// Which node, and as whom.
#[derive(Debug, Clone, Args)]
pub(super) struct Login {
    /// User of the API. The password is taken from `KEYNODE_PASSWORD` or `--password-file`, else asked for at the terminal;
    /// without a terminal it is the first line of standard input (in a loop of a shell, what the loop reads)
    #[arg(long, default_value = "admin")]
    user: String,
    #[command(flatten)]
    password: PasswordArgs,
    #[command(flatten)]
    settings: SettingsArgs,
}

impl Login {
    /// Reads settings and password.
    pub(super) fn client(&self) -> Result<Client, Failure> {
        let settings = Settings::load(&self.settings)?.settings;
        let password = self.password.password(&self.user)?;
        let credentials = Zeroizing::new(STANDARD.encode(format!("{}:{}", self.user, *password)));
        Ok(Client {
            settings,
            credentials,
        })
    }
}

/// A user of a node's API.
pub(super) struct Client {
    settings: Settings,
    credentials: Zeroizing<String>,
}

impl Client {
    /// Asks, and gives the body of the answer.
    pub(super) fn call(&self, verb: &str, path: &str) -> Result<String, Failure> {
        let ask = Ask {
            address: self.settings.listen,
            option: "listen",
            certificate: self.settings.tls.certificate.as_deref(),
            verb,
            path,
            credentials: Some(&self.credentials),
        };
        let Answer { status, body } = ask.send()?;
        if matches!(status, 200..=299) {
            return Ok(body);
        }
        let error: Value = serde_json::from_str(&body).unwrap_or_default();
        let Some(told) = error["Message"].as_str() else {
            return Err(Failure::of(format!(
                "what answers at {} is not the API of a keynode: where that is, listen in {DEFAULT_FILE} or --listen tells",
                self.settings.listen
            )));
        };
        let told = told.to_owned();
        match status {
            400 => Err(Failure::Usage(told)),
            401 | 403 => Err(Failure::NotAllowed(told)),
            404 => Err(Failure::NotFound(told)),
            _ => Err(Failure::Failed(told)),
        }
    }

    /// The objects of a listing.
    pub(super) fn list(&self, path: &str, name: &str) -> Result<Vec<Value>, Failure> {
        let mut answer: Value = serde_json::from_str(&self.call("GET", path)?).map_err(Failure::of)?;
        match answer[name].take() {
            Value::Array(rows) => Ok(rows),
            _ => Err(Failure::of("what answers there is no keynode of this version")),
        }
    }

    /// One object.
    pub(super) fn get(&self, path: &str) -> Result<Value, Failure> {
        serde_json::from_str(&self.call("GET", path)?).map_err(Failure::of)
    }
}
