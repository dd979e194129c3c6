//! What the node's servers serve, made of its parts.

use std::sync::Arc;

use arc_swap::ArcSwap;

use crate::activation::ActivationHandle;
use crate::api::{Api, Auth, Facts, Faults, Health, RequestCounts, Rescans};
use crate::clock::SharedClock;
use crate::console::Console;
use crate::events::Feed;
use crate::gateway::GatewayHandle;
use crate::keyring::KeeperHandle;
use crate::licence::Timestamp;
use crate::monitoring::Monitoring;
use crate::seats::DeskHandle;
use crate::settings::Settings;
use crate::signing::NodeSigner;
use crate::store::Database;
use crate::tokens::{CertificatesHandle, TokensHandle};

use super::{StartError, rules};

/// What the servers serve.
#[derive(Clone)]
pub(super) struct Sites {
    pub(super) api: Arc<Api>,
    pub(super) health: Arc<Health>,
    pub(super) monitoring: Arc<Monitoring>,
    /// None where the settings switch it off.
    pub(super) console: Option<Arc<Console>>,
}

/// The ways to the parts that requests ask.
pub(super) struct Parts {
    pub(super) signer: Arc<NodeSigner>,
    pub(super) keys: KeeperHandle,
    pub(super) tokens: TokensHandle,
    pub(super) certificates: CertificatesHandle,
    pub(super) activation: ActivationHandle,
    pub(super) gateway: GatewayHandle,
    pub(super) desk: DeskHandle,
    pub(super) feed: Feed,
}

impl Parts {
    /// Puts API, health, monitoring and console on them.
    pub(super) fn sites(
        self,
        settings: &Settings,
        database: &Database,
        clock: SharedClock,
        started: Timestamp,
    ) -> Result<Sites, StartError> {
        let rescans = Arc::new(Rescans::new(self.keys.clone(), self.certificates.clone()));
        let health = Arc::new(Health {
            desk: self.desk.clone(),
            keys: self.keys.clone(),
            rescans: rescans.clone(),
            signer: self.signer.clone(),
            activation: self.activation.clone(),
            gateway: self.gateway.clone(),
            webhooks: Faults::default(),
            clock,
            started,
            last: tokio::sync::Mutex::default(),
        });
        let api = Arc::new(Api {
            settings: ArcSwap::from_pointee(rules::api(settings)),
            signer: self.signer,
            keys: self.keys,
            tokens: self.tokens,
            certificates: self.certificates,
            rescans,
            activation: self.activation,
            gateway: self.gateway,
            auth: Auth::start(database, self.desk.clone(), rules::login(settings))?,
            desk: self.desk,
            database: database.clone(),
            facts: Facts::gather(started),
            requests: RequestCounts::default(),
        });
        let monitoring = Arc::new(Monitoring::new(api.clone(), health.clone(), self.feed.clone()));
        let console = settings.console.enabled.then(|| {
            let (api, health) = (api.clone(), health.clone());
            Arc::new(Console::new(api, health, self.feed, settings.clone()))
        });
        Ok(Sites {
            api,
            health,
            monitoring,
            console,
        })
    }
}
