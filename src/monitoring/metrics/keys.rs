//! Figures of the keys: the verdict on each, how long each lasts, how many there are.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::keyring::{Key, KeyKind};

use super::super::Monitoring;
use super::text::Page;
use super::{MOST, seconds_left};

/// States that a key is counted in.
const STATES: [&str; 5] = ["enabled", "disabled", "unusable", "blank", "gone"];

fn state(key: &Key) -> &'static str {
    match (key.verdict.enabled, key.verdict.workable) {
        _ if key.blank => "blank",
        (true, _) => "enabled",
        (false, true) => "disabled",
        (false, false) => "unusable",
    }
}

pub(super) fn tell(page: &mut Page, monitoring: &Monitoring) {
    let keyring = monitoring.api.keys.keyring();
    let now = monitoring.health.clock.now().wall;
    let mut counts = BTreeMap::from(STATES.map(|state| (state, 0_usize)));
    for key in keyring.keys() {
        *counts.entry(state(key)).or_default() += 1;
    }
    counts.insert("gone", keyring.all_departed().count());
    let mut family = page.gauge("keynode_keys", "Keys, by what they are good for.");
    for state in STATES {
        family.sample(&[("state", state)], counts[state]);
    }

    // Blank carriers give no seats, and nobody misses them. Those that give seats come first, should there be too many.
    let here = keyring.by_number().filter(|key| !key.blank);
    let mut keys: Vec<&Arc<Key>> = here.chain(keyring.all_departed()).collect();
    keys.sort_by_key(|key| (!key.verdict.enabled, key.licence.is_none(), key.key_no));
    keys.truncate(MOST);
    keys.sort_by_key(|key| (key.key_id, key.key_no));
    let rows: Vec<Row> = keys.into_iter().map(Row::new).collect();

    let mut family = page.gauge(
        "keynode_key_enabled",
        "1: the key gives seats. 0: it does not, or is gone.",
    );
    for row in &rows {
        family.flag(&row.labels(), row.key.verdict.enabled);
    }
    let mut family = page.gauge(
        "keynode_key_workable",
        "1: the key can be read, is authentic and is where it belongs.",
    );
    for row in &rows {
        family.flag(&row.labels(), row.key.verdict.workable);
    }
    let mut family = page.gauge(
        "keynode_key_left_seconds",
        "Time until the period of the key's licence ends, below 0 after that; only of licences with an end.",
    );
    for row in &rows {
        let end = row.key.licence.as_ref().and_then(|licence| licence.expire_date());
        if let Some(end) = end {
            family.sample(&row.labels(), seconds_left(end, now));
        }
    }
}

struct Row<'k> {
    key: &'k Key,
    key_no: String,
    series: String,
}

impl<'k> Row<'k> {
    fn new(key: &'k Arc<Key>) -> Self {
        Self {
            key,
            key_no: key.key_no.to_string(),
            series: key.key_id.map(|id| id.to_string()).unwrap_or_default(),
        }
    }

    fn labels(&self) -> [(&str, &str); 3] {
        let kind = match self.key.kind {
            KeyKind::Virtual => "file",
            KeyKind::Usb => "usb",
        };
        [("series", &self.series), ("key_no", &self.key_no), ("kind", kind)]
    }
}
