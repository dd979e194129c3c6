//! What the parts of the node are told of the settings.

use std::time::Duration;

use crate::api::{ApiRules, LoginRules};
use crate::clock::Millis;
use crate::devices::{Catalogue, DeviceRules, DriverKind, Family};
use crate::seats::{LedgerRules, Rules};
use crate::settings::{self, FamilyDriver, FamilyEntry, Settings};

fn millis(duration: Duration) -> Millis {
    Millis::try_from(duration.as_millis()).unwrap_or(Millis::MAX)
}

pub(super) fn seats(settings: &Settings) -> Rules {
    let ledger = LedgerRules {
        life: millis(settings.sessions.life),
        grace: millis(settings.sessions.grace),
    };
    Rules {
        ledger,
        connection_life: millis(settings.connections.life),
    }
}

pub(super) fn api(settings: &Settings) -> ApiRules {
    let api = &settings.api;
    ApiRules {
        enabled: api.enabled,
        allowed_hosts: api.allowed_hosts.clone(),
        body_timeout: api.body_timeout,
    }
}

pub(super) fn login(settings: &Settings) -> LoginRules {
    let login = &settings.login;
    LoginRules {
        free_attempts: login.free_attempts,
        refuse_after: login.refuse_after,
        refuse_for: millis(login.refuse_for),
    }
}

/// What the devices' thread follows: also for commands that look at devices themselves.
pub fn device_rules(devices: &settings::Devices) -> DeviceRules {
    DeviceRules {
        catalogue: Catalogue::new(devices.families.iter().map(family).collect()),
        revalidate: devices.revalidate,
    }
}

fn family(entry: &FamilyEntry) -> Family {
    Family {
        name: entry.name.clone(),
        vendor_id: entry.vendor_id,
        product_id: entry.product_id,
        driver: entry.driver.map(|driver| match driver {
            FamilyDriver::Serial => DriverKind::Serial,
            FamilyDriver::Hid => DriverKind::Hid,
        }),
        stay_awake: entry.awake,
    }
}
