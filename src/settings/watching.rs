//! `[console]` and `[webhooks.NAME]`: for the people who look after the node.

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::duration;

/// `[console]`: the web page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Console {
    /// When false, there is no page.
    pub enabled: bool,
    /// Whether the page is on `listen` too, beside the API.
    pub on_listen: bool,
    /// A login that is not used for so long is over.
    #[serde(with = "duration")]
    pub idle: Duration,
}

impl Default for Console {
    fn default() -> Self {
        Self {
            enabled: true,
            on_listen: false,
            idle: Duration::from_hours(8),
        }
    }
}

/// What webhooks can tell.
pub const WEBHOOK_EVENTS: [&str; 5] = [
    "key-lost",
    "key-back",
    "no-free-seat",
    "days-left",
    "gateway-failure",
];

/// `[webhooks.NAME]`: an address that is told of trouble.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Webhook {
    /// Where to POST.
    pub url: String,
    /// File with the secret that messages are signed with, mode 0600.
    #[serde(default)]
    pub secret_file: Option<PathBuf>,
    /// systemd credential with the secret, instead of the file.
    #[serde(default)]
    pub secret_credential: Option<String>,
    /// What to tell, separated by commas or spaces; none: everything.
    #[serde(default)]
    pub events: Option<String>,
}
