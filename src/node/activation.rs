//! Activation within the node: what its thread needs of the other parts.

use std::sync::Arc;
use std::thread::JoinHandle;

use crate::activation::{ActivationHandle, ActivationRules, ActivatorParts, Host};
use crate::clock::SharedClock;
use crate::computer::Roots;
use crate::keyring::{KeeperHandle, Keyring};
use crate::licence::ActivationCode;
use crate::seats::DeskHandle;
use crate::settings::Settings;
use crate::store::Database;

use super::StartError;

/// The node as activation sees it.
struct NodeHost {
    keys: KeeperHandle,
    desk: DeskHandle,
}

impl Host for NodeHost {
    fn keyring(&self) -> Arc<Keyring> {
        self.keys.keyring()
    }

    fn attest(&self, carrier_id: &str, challenge: &[u8; 32]) -> Result<Vec<u8>, String> {
        let proof = self.keys.devices().attest(carrier_id, challenge);
        proof.map_err(|error| error.to_string())
    }

    fn look_again(&self) {
        self.keys.rescan_files();
    }

    fn note(&self, code: &ActivationCode, what: &str) {
        let now = self.desk.clock().now().wall;
        self.desk
            .note(super::entry(now, "activation", &format!("{code:?}"), what));
    }
}

/// Starts the thread.
pub(super) fn start(
    settings: &Settings,
    database: &Database,
    clock: SharedClock,
    roots: Roots,
    (keys, desk): (KeeperHandle, DeskHandle),
) -> Result<(ActivationHandle, JoinHandle<()>), StartError> {
    let parts = ActivatorParts {
        rules: ActivationRules::from(&settings.activation),
        state_dir: settings.state_dir.clone(),
        licence_dir: settings.licence_dir(),
        vendor_dir: settings.vendor_dir(),
        roots,
        database: database.clone(),
        clock,
        host: Arc::new(NodeHost { keys, desk }),
    };
    ActivationHandle::start(parts).map_err(StartError::Server)
}
