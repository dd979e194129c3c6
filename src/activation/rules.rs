//! What the node's side follows.

use std::path::PathBuf;
use std::time::Duration;

use crate::outbound::{ProxyRule, Way};
use crate::settings;

/// Where and how often the centre is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActivationRules {
    /// Base address of the centre, without a slash at its end; none: nothing is asked online.
    pub centre: Option<String>,
    /// PEM file with certificates that vouch for the centre beside those of the system.
    pub ca: Option<PathBuf>,
    /// Which way requests go.
    pub proxy: ProxyRule,
    /// For a whole exchange.
    pub timeout: Duration,
    /// Between two signs of life; 0: none are given.
    pub check: Duration,
    /// Licences are renewed so many days before their end; 0: never.
    pub renew_days: u32,
    /// Whether a licence whose computer changed is activated again.
    pub reactivate: bool,
}

impl ActivationRules {
    /// The way to the centre.
    pub(super) fn way(&self) -> Way {
        Way {
            section: "activation",
            ca: self.ca.clone(),
            proxy: self.proxy.clone(),
            timeout: self.timeout,
            timeout_is_fixed: false,
        }
    }
}

impl From<&settings::Activation> for ActivationRules {
    fn from(settings: &settings::Activation) -> Self {
        let centre = settings.centre.as_deref();
        Self {
            centre: centre.map(|address| address.trim_end_matches('/').to_owned()),
            ca: settings.ca.clone(),
            proxy: settings.proxy.as_deref().into(),
            timeout: settings.timeout,
            check: settings.check,
            renew_days: settings.renew_days,
            reactivate: settings.reactivate,
        }
    }
}
