//! The keys of a state directory, judged here and now, without asking a node.

use std::collections::HashSet;
use std::path::Path;

use serde_json::{Value, json};

use crate::clock::SystemClock;
use crate::computer::{Roots, inspect};
use crate::devices;
use crate::keyring::{
    Key, KeyProvider, Keyring, LicenceFiles, Situation, UsbKeys, assemble, no_carriers, read_vendor_keys,
};
use crate::licence::Timestamp;
use crate::node::{StateDir, device_rules};
use crate::settings::{KeyArgs, Settings};
use crate::store::{Author, Database, FILE_NAME, load_highest_time, load_switched_off};

use super::failure::Failure;

/// Settings, keys and the time they were judged at.
pub(super) struct Offline {
    pub(super) settings: Settings,
    pub(super) keyring: Keyring,
    pub(super) now: Timestamp,
}

impl Offline {
    pub(super) fn look(place: &KeyArgs) -> Result<Self, Failure> {
        let settings = Settings::load(&place.0)?.settings;
        let now = SystemClock::shared().now().wall;
        let (mut switched_off, mut highest) = (HashSet::new(), None);
        if settings.state_dir.join(FILE_NAME).exists() {
            let connection = StateDir::shared_database(&settings.state_dir)?.connect()?;
            switched_off = load_switched_off(&connection).map_err(Failure::of)?;
            highest = load_highest_time(&connection).map_err(Failure::of)?;
        }
        let vendors = read_vendor_keys(&settings.vendor_dir());
        let mut found = LicenceFiles::new(&settings.licence_dir())
            .scan(&vendors)
            .map_err(Failure::of)?;
        let computer = inspect(&Roots::host()).fingerprint;
        let highest = highest.unwrap_or(now).max(now);
        let mut carriers = no_carriers();
        if settings.devices.enabled {
            let hardware = devices::look(&device_rules(&settings.devices));
            let (usb, seen) = UsbKeys::default().look(&hardware, &vendors, now);
            found.extend(usb);
            carriers = seen;
        }
        let situation = Situation {
            now,
            highest,
            computer: &computer,
            carriers: &carriers,
            switched_off: &switched_off,
        };
        let keyring = assemble(&found, &situation, &Keyring::default());
        Ok(Self {
            settings,
            keyring,
            now,
        })
    }
}

/// The state file of a node that was started before.
pub(super) fn existing_database(state_dir: &Path) -> Result<Database, Failure> {
    if !state_dir.join(FILE_NAME).exists() {
        return Err(Failure::NotFound(format!(
            "{}: no node has kept its state here; --state-dir names another place",
            state_dir.display()
        )));
    }
    Ok(StateDir::shared_database(state_dir)?)
}

/// Whoever runs this command, for the audit log.
pub(super) fn author() -> Author {
    let name = format!("uid {} (command line)", rustix::process::getuid().as_raw());
    Author {
        time: SystemClock::shared().now().wall,
        name,
    }
}

/// A key as JSON, named as in the API.
pub(super) fn to_json(key: &Key, now: Timestamp) -> Value {
    let licence = key.licence.as_deref();
    json!({
        "Type": key.kind.name(),
        "FileName": key.file_name,
        "IsBlank": key.blank,
        "KeyID": key.key_id,
        "KeyNo": key.key_no,
        "Enabled": key.verdict.enabled,
        "Workable": key.verdict.workable,
        "Cause": key.verdict.cause,
        "DaysLeft": licence.and_then(|licence| licence.days_left(now)),
        "Licence": licence,
    })
}

/// One line for a table: series, number, type, seats, days left, state.
pub(super) fn to_row(key: &Key, now: Timestamp) -> String {
    let licence = key.licence.as_deref();
    let or_dash = |text: Option<String>| text.unwrap_or_else(|| "-".into());
    format!(
        "{:<6} {:<16} {:<14} {:>6} {:>6}  {}",
        or_dash(key.key_id.map(|series| series.to_string())),
        key.key_no,
        or_dash(licence.map(|licence| format!("{:?}", licence.key_type).to_lowercase())),
        or_dash(licence.map(|licence| licence.licence_count.to_string())),
        or_dash(
            licence
                .and_then(|licence| licence.days_left(now))
                .map(|days| days.to_string())
        ),
        key.verdict.cause.as_deref().unwrap_or("enabled"),
    )
}

/// Head of the table that [`to_row`] fills.
pub(super) const HEAD: &str = "KEYID  KEYNO            TYPE            SEATS   DAYS  STATE";
