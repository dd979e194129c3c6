//! The keys of a state directory, judged here and now, without asking a node.

use std::collections::HashSet;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use serde_json::{Value, json};

use crate::clock::SystemClock;
use crate::computer::{Roots, inspect};
use crate::devices::Hardware;
use crate::keyring::{
    Key, KeyProvider, Keyring, LicenceFiles, Revoked, Situation, UsbKeys, assemble, read_vendor_keys,
};
use crate::licence::{MAX_FILE, OpenFailure, Timestamp};
use crate::node::{self, StateDir};
use crate::settings::{KeyArgs, Settings};
use crate::store::{Author, Database, load_highest_time, load_switched_off};

use super::failure::Failure;
use super::table::Cell;

/// Settings, keys and the time they were judged at.
pub(super) struct Offline {
    pub(super) settings: Settings,
    pub(super) keyring: Keyring,
    pub(super) now: Timestamp,
}

impl Offline {
    pub(super) fn look(place: &KeyArgs) -> Result<Self, Failure> {
        let settings = Settings::load(&place.0)?.settings;
        let hardware = node::look(&settings);
        Self::judge(settings, &hardware)
    }

    /// The same for who lists them. Where there is neither a state directory nor a key, the place is misspelt rather than
    /// empty: before its first start a node may have licences, and a computer keys.
    pub(super) fn look_for_keys(place: &KeyArgs) -> Result<Self, Failure> {
        let offline = Self::look(place)?;
        let state = &offline.settings.state_dir;
        if offline.keyring.keys().is_empty() && !state.is_dir() {
            return Err(Failure::no_state(state));
        }
        Ok(offline)
    }

    /// The keys on this hardware and in files.
    pub(super) fn judge(settings: Settings, hardware: &Hardware) -> Result<Self, Failure> {
        let now = SystemClock::shared().now().wall;
        let (mut switched_off, mut highest) = (HashSet::new(), None);
        let state = &settings.state_dir;
        if StateDir::is_kept_in(state)? {
            let connection = StateDir::shared_database(state)?.connect()?;
            switched_off = load_switched_off(&connection).map_err(Failure::of)?;
            highest = load_highest_time(&connection).map_err(Failure::of)?;
        }
        let vendors = read_vendor_keys(&settings.vendor_dir());
        let mut found = LicenceFiles::new(&settings.licence_dir())
            .scan(&vendors)
            .map_err(Failure::of)?;
        let computer = inspect(&Roots::host()).fingerprint;
        let highest = highest.unwrap_or(now).max(now);
        let (keys, carriers) = UsbKeys::default().look(hardware, &vendors, now);
        found.extend(keys);
        let mut revoked = Revoked::new(&settings.revocation_dir());
        revoked.read(&vendors);
        let situation = Situation {
            now,
            highest,
            computer: &computer,
            carriers: &carriers,
            revoked: &revoked,
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
    if !StateDir::is_kept_in(state_dir)? {
        return Err(Failure::no_state(state_dir));
    }
    Ok(StateDir::shared_database(state_dir)?)
}

/// What stands in a licence file; not more than any licence has, whatever the file is.
pub(super) fn read_licence(path: &Path) -> Result<Vec<u8>, Failure> {
    let read = File::open(path).map_err(|error| error.to_string());
    let read = read.and_then(read_bounded);
    read.map_err(|why| Failure::of(format!("{}: {why}", path.display())))
}

/// The same, of what can be read.
pub(super) fn read_bounded(from: impl Read) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    from.take(MAX_FILE as u64 + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| error.to_string())?;
    if bytes.len() > MAX_FILE {
        return Err(OpenFailure::TooLarge.to_string());
    }
    Ok(bytes)
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

/// A row of a table with the head [`HEAD`].
pub(super) fn to_row(key: &Key, now: Timestamp) -> Vec<Cell> {
    let licence = key.licence.as_deref();
    let maybe = |text: Option<String>| Cell::new(&text.unwrap_or_default());
    let state = match &key.verdict.cause {
        Some(cause) => Cell::new(cause).judged(false),
        None => Cell::new("enabled").judged(true),
    };
    vec![
        maybe(key.key_id.map(|series| series.to_string())),
        Cell::new(&key.key_no.to_string()),
        maybe(licence.map(|licence| format!("{:?}", licence.key_type).to_lowercase())),
        maybe(licence.map(|licence| licence.licence_count.to_string())),
        maybe(
            licence
                .and_then(|licence| licence.days_left(now))
                .map(|days| days.to_string()),
        ),
        state,
    ]
}

/// Head of the table that [`to_row`] fills.
pub(super) const HEAD: [&str; 6] = ["KEYID", "KEYNO", "TYPE", "SEATS", "DAYS", "STATE"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_that_cannot_be_looked_at_is_not_called_absent() {
        let dir = tempfile::tempdir().unwrap();
        let told = |path: &Path| existing_database(path).err().unwrap();
        assert!(matches!(told(dir.path()), Failure::NotFound(_)));
        let file = dir.path().join("file");
        std::fs::write(&file, "").unwrap();
        assert!(matches!(told(&file), Failure::Failed(why) if why.contains("Not a directory")));
    }
}
