//! The hardware as keyring and API use it: the devices' thread in a node, values in a test.

use std::sync::Arc;

use crate::devices::fido2::Credential;
use crate::devices::token_carriers::token_trouble;
use crate::devices::{
    CarrierError, CarrierState, CarrierView, Counters, DeviceRules, DevicesHandle, Hardware,
};
use crate::licence::binding::{Carriers, SeenCarrier};
use crate::tokens::TokenState;

/// What is plugged in, and the ways to have it looked at.
pub trait Plugged: Send + Sync {
    /// What is plugged in.
    fn hardware(&self) -> Arc<Hardware>;

    /// Scans and has all carriers prove themselves; returns when that is published, after a second or so at most.
    fn rescan(&self);

    /// Follows new rules, and scans.
    fn set_rules(&self, rules: DeviceRules);

    /// Has security keys asked for these credentials and no others.
    fn set_credentials(&self, credentials: Vec<Credential>);

    /// Has the carrier of this stable name sign this challenge; or a security key, by the credential whose id in base64url
    /// stands for the name, as in bindings. The result is what [`verify`](crate::devices::attestation::verify) takes.
    /// Blocks for seconds at most.
    ///
    /// # Errors
    /// Why it did not.
    fn attest(&self, id: &str, challenge: &[u8; 32]) -> Result<Vec<u8>, CarrierError>;

    /// What was counted since the start.
    fn counters(&self) -> Counters;

    /// Ends it.
    fn stop(&self);
}

impl Plugged for DevicesHandle {
    fn hardware(&self) -> Arc<Hardware> {
        self.hardware()
    }

    fn rescan(&self) {
        self.rescan();
    }

    fn set_rules(&self, rules: DeviceRules) {
        self.set_rules(rules);
    }

    fn set_credentials(&self, credentials: Vec<Credential>) {
        self.set_credentials(credentials);
    }

    fn attest(&self, id: &str, challenge: &[u8; 32]) -> Result<Vec<u8>, CarrierError> {
        self.attest(id, challenge)
    }

    fn counters(&self) -> Counters {
        self.counters()
    }

    fn stop(&self) {
        self.stop();
    }
}

/// The carriers as licences see them.
pub fn carriers(hardware: &Hardware) -> Carriers {
    let mut errors: Vec<String> = hardware
        .inventory
        .errors
        .iter()
        .map(ToString::to_string)
        .collect();
    if hardware.usb_off {
        errors.push("USB devices are switched off in the settings (devices.enabled)".into());
    }
    let hidden = hardware.tokens.tokens.iter().filter_map(|token| {
        let known = (hardware.tokens.carriers.iter()).any(|carrier| carrier.token.name == token.name);
        let why = token_trouble(token).filter(|_| !known && token.state != TokenState::Absent)?;
        Some(format!("token {}: {why}", token.name))
    });
    let hidden: Vec<String> = hidden.collect();
    let all = |reasons: Vec<String>| (!reasons.is_empty()).then(|| reasons.join("; "));
    Carriers {
        seen: hardware.all_carriers().map(seen).collect(),
        blind: all(errors),
        hidden: all(hidden),
    }
}

/// A carrier as licences see it.
pub fn seen(carrier: CarrierView<'_>) -> SeenCarrier {
    let proof = match carrier.state {
        CarrierState::Proven => Ok(()),
        CarrierState::Pending => Err("it is still being asked to prove itself".into()),
        CarrierState::Failed(error) => Err(error.to_string()),
    };
    SeenCarrier {
        driver: carrier.driver.into(),
        serial: carrier.serial.map(str::to_owned),
        number: carrier.number,
        public_key: carrier.public_key.map(str::to_owned),
        proof,
    }
}
