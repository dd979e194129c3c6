//! The hardware as keyring and API use it: the devices' thread in a node, values in a test.

use std::sync::Arc;

use crate::devices::fido2::Credential;
use crate::devices::{Carrier, CarrierState, Counters, DeviceRules, DevicesHandle, DriverKind, Hardware};
use crate::licence::binding::{Carriers, SeenCarrier};

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

    fn counters(&self) -> Counters {
        self.counters()
    }

    fn stop(&self) {
        self.stop();
    }
}

/// The carriers as licences see them.
pub fn carriers(hardware: &Hardware) -> Carriers {
    let seen = hardware.carriers.iter().map(|carrier| seen(carrier));
    let errors: Vec<String> = hardware
        .inventory
        .errors
        .iter()
        .map(ToString::to_string)
        .collect();
    Carriers {
        seen: seen.collect(),
        blind: (!errors.is_empty()).then(|| errors.join("; ")),
    }
}

/// What licences see where the settings switch devices off.
pub fn no_carriers() -> Carriers {
    Carriers {
        seen: Vec::new(),
        blind: Some("USB devices are switched off in the settings (devices.enabled)".into()),
    }
}

/// A carrier as licences see it.
pub fn seen(carrier: &Carrier) -> SeenCarrier {
    let proof = match &carrier.state {
        CarrierState::Proven => Ok(()),
        CarrierState::Pending => Err("it is still being asked to prove itself".into()),
        CarrierState::Failed(error) => Err(error.to_string()),
    };
    SeenCarrier {
        driver: carrier.driver.name().into(),
        serial: carrier.serial.clone(),
        number: carrier.number(),
        // What stands in a binding for `serial` is the serial number alone.
        public_key: carrier
            .public_key
            .clone()
            .filter(|_| carrier.driver != DriverKind::Serial),
        proof,
    }
}
