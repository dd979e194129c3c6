//! The gateway within the node: what it needs of the other parts.

use std::sync::Arc;
use std::thread::JoinHandle;

use crate::clock::SharedClock;
use crate::gateway::{GatewayHandle, GatewayHost, GatewayParts, GatewayRules};
use crate::seats::DeskHandle;
use crate::settings::Settings;
use crate::store::Database;
use crate::tokens::{CertificatesHandle, TokensHandle};

use super::StartError;

/// The node as the gateway sees it.
struct NodeHost(DeskHandle);

impl GatewayHost for NodeHost {
    fn note(&self, event: &str, object: &str, detail: &str) {
        let now = self.0.clock().now().wall;
        self.0.note(super::entry(now, event, object, detail));
    }
}

/// Starts the thread.
pub(super) fn start(
    settings: &Settings,
    database: &Database,
    clock: SharedClock,
    keys: (TokensHandle, CertificatesHandle),
    desk: DeskHandle,
) -> Result<(GatewayHandle, JoinHandle<()>), StartError> {
    let parts = GatewayParts {
        rules: GatewayRules::from(settings),
        state_dir: settings.state_dir.clone(),
        database: database.clone(),
        clock,
        tokens: keys.0,
        certificates: keys.1,
        host: Arc::new(NodeHost(desk)),
    };
    GatewayHandle::start(parts).map_err(StartError::Gateway)
}
