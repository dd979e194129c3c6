//! What the parts of the node are told of the settings.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use crate::api::{ApiRules, LoginRules};
use crate::clock::Millis;
use crate::devices::{Catalogue, DeviceRules, DriverKind, Family};
use crate::seats::{LedgerRules, Rules};
use crate::settings::{self, FamilyDriver, FamilyEntry, Settings};
use crate::tokens::{CertificateRules, TokenRules};

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

/// What the tokens' threads follow; `credentials` is systemd's directory of them.
pub fn token_rules(
    tokens: &BTreeMap<String, settings::Token>,
    credentials: Option<&Path>,
) -> Vec<TokenRules> {
    let rules = tokens.iter().map(|(name, token)| {
        let credential = |name| Some(credentials?.join(name));
        TokenRules {
            name: name.clone(),
            module: token.module.clone(),
            label: token.label.clone(),
            serial: token.serial.clone(),
            pin: token
                .pin_file
                .clone()
                .or_else(|| credential(token.pin_credential.as_deref()?)),
            environment: token.environment.clone(),
            sessions: token.sessions,
            timeout: token.timeout,
            probe: token.probe,
        }
    });
    rules.collect()
}

/// What the certificates' thread follows; `credentials` is systemd's directory of them.
pub fn certificate_rules(
    certificates: &BTreeMap<String, settings::CertificateFile>,
    credentials: Option<&Path>,
) -> Vec<CertificateRules> {
    let rules = certificates.iter().map(|(name, entry)| CertificateRules {
        name: name.clone(),
        file: entry.file.clone(),
        key: entry.key.clone(),
        password: entry.password_file.clone().or_else(|| {
            let credential = entry.password_credential.as_deref()?;
            Some(credentials?.join(credential))
        }),
    });
    rules.collect()
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
