//! What the webhooks follow of the settings: where to, about what, signed with which secret.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Duration;

use zeroize::Zeroizing;

use crate::outbound::Way;
use crate::settings::Settings;
use crate::tokens::private_file;

use super::alert::Kind;

/// For a whole exchange.
const TIMEOUT: Duration = Duration::from_secs(10);

/// The longest secret, in bytes.
const LONGEST_SECRET: u64 = 4096;

/// All webhooks, and the way to them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebhookRules {
    pub(super) hooks: Vec<Hook>,
    pub(super) way: Way,
}

/// A webhook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Hook {
    pub(super) name: String,
    /// It may be secret itself.
    pub(super) url: String,
    secret: Option<PathBuf>,
    events: Option<Vec<Kind>>,
}

impl WebhookRules {
    /// Those of the settings; `credentials` is systemd's directory of them.
    pub fn new(settings: &Settings, credentials: Option<&Path>) -> Self {
        let hooks = settings.webhooks.iter().map(|(name, hook)| {
            let credential = || Some(credentials?.join(hook.secret_credential.as_deref()?));
            let events = hook.events.as_deref().map(|events| {
                let named = events.split([',', ' ']).filter_map(Kind::named);
                named.collect::<Vec<_>>()
            });
            Hook {
                name: name.clone(),
                url: hook.url.clone(),
                secret: match (&hook.secret_file, &hook.secret_credential) {
                    (Some(file), _) => Some(file.clone()),
                    // A credential that systemd does not give is missed where it is read.
                    (None, Some(name)) => credential().or_else(|| Some(name.into())),
                    (None, None) => None,
                },
                events: events.filter(|events| !events.is_empty()),
            }
        });
        Self {
            hooks: hooks.collect(),
            way: Way {
                section: "gateway",
                ca: settings.gateway.ca.clone(),
                proxy: settings.gateway.proxy.as_deref().into(),
                timeout: TIMEOUT,
                timeout_is_fixed: true,
            },
        }
    }
}

impl WebhookRules {
    /// Whether the secret of this webhook can be used, if it has one.
    ///
    /// # Errors
    /// Why not, without the secret.
    pub fn check_secret(&self, name: &str) -> Result<(), String> {
        let mut hooks = self.hooks.iter();
        let hook = hooks.find(|hook| hook.name == name);
        hook.map_or(Ok(()), |hook| hook.secret().map(drop))
    }
}

impl Hook {
    /// Whether it is told of this.
    pub(super) fn wants(&self, kind: Kind) -> bool {
        self.events.as_ref().is_none_or(|events| events.contains(&kind))
    }

    /// What messages are signed with; read anew each time, so that it can be changed at any time.
    pub(super) fn secret(&self) -> Result<Option<Zeroizing<Vec<u8>>>, String> {
        let Some(path) = &self.secret else {
            return Ok(None);
        };
        let told = |error: std::io::Error| format!("its secret {}: {error}", path.display());
        let (file, metadata) = private_file::open(path).map_err(told)?;
        if private_file::is_exposed(path, &metadata) {
            return Err(format!(
                "its secret {} can be read by others: chmod 600 is needed",
                path.display()
            ));
        }
        let mut secret = Zeroizing::new(Vec::new());
        file.take(LONGEST_SECRET).read_to_end(&mut secret).map_err(told)?;
        let bare = secret.trim_ascii_end().len();
        secret.truncate(bare);
        if secret.is_empty() {
            return Err(format!("its secret {} is empty", path.display()));
        }
        Ok(Some(secret))
    }
}
