//! What the gateway follows of the settings.

use crate::outbound::Way;
use crate::settings::{Crpt, Gateway, Ismp, Settings, Taxcom, Tickets};

/// What the gateway follows of the settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GatewayRules {
    /// How the services are reached.
    pub way: Way,
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

impl GatewayRules {
    /// Whether any service is on.
    pub fn any_is_on(&self) -> bool {
        self.tickets.enabled || self.ismp.enabled || self.crpt.enabled || self.taxcom.enabled
    }
}

impl From<&Settings> for GatewayRules {
    fn from(settings: &Settings) -> Self {
        let common = settings.gateway.clone();
        Self {
            way: Way {
                section: "gateway",
                ca: common.ca.clone(),
                proxy: common.proxy.as_deref().into(),
                timeout: common.timeout,
                timeout_is_fixed: false,
            },
            common,
            tickets: settings.tickets.clone(),
            ismp: settings.ismp.clone(),
            crpt: settings.crpt.clone(),
            taxcom: settings.taxcom.clone(),
        }
    }
}
