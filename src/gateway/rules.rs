//! What the gateway follows of the settings.

use std::path::PathBuf;
use std::time::Duration;

use crate::settings::{Crpt, Gateway, Ismp, Settings, Taxcom, Tickets};

/// How the services are reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProxyRule {
    /// As the environment says.
    Environment,
    /// Directly.
    Direct,
    /// Through this proxy.
    Address(String),
}

/// What the gateway follows of the settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GatewayRules {
    /// Certificates that vouch for the services beside the system's.
    pub ca: Option<PathBuf>,
    /// The way.
    pub proxy: ProxyRule,
    /// For a whole exchange.
    pub timeout: Duration,
    /// What all have in common.
    pub common: Gateway,
    /// Tickets.
    pub tickets: Tickets,
    /// IS MP.
    pub ismp: Ismp,
    /// CRPT.
    pub crpt: Crpt,
    /// 1C-Taxcom.
    pub taxcom: Taxcom,
}

impl From<&Settings> for GatewayRules {
    fn from(settings: &Settings) -> Self {
        let common = settings.gateway.clone();
        Self {
            ca: common.ca.clone(),
            proxy: match common.proxy.as_deref() {
                None => ProxyRule::Environment,
                Some("none") => ProxyRule::Direct,
                Some(address) => ProxyRule::Address(address.into()),
            },
            timeout: common.timeout,
            common,
            tickets: settings.tickets.clone(),
            ismp: settings.ismp.clone(),
            crpt: settings.crpt.clone(),
            taxcom: settings.taxcom.clone(),
        }
    }
}
