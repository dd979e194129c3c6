//! Figures of the operators' services: how long their session keys last, and whether they are renewed.

use std::time::Duration;

use crate::gateway::SessionKeyFigures;

use super::super::Monitoring;
use super::text::Page;
use super::{MOST, seconds_left};

/// A gateway that does not answer within this time is passed over; /health says so.
const PATIENCE: Duration = Duration::from_secs(2);

/// The session keys; none where the gateway does not answer.
pub(super) async fn session_keys(monitoring: &Monitoring) -> Vec<SessionKeyFigures> {
    let keys = tokio::time::timeout(PATIENCE, monitoring.api.gateway.session_keys()).await;
    keys.ok().and_then(Result::ok).unwrap_or_default()
}

pub(super) fn tell(page: &mut Page, monitoring: &Monitoring, mut keys: Vec<SessionKeyFigures>) {
    let labelled = |key: &SessionKeyFigures| (key.token_type, key.itn.clone(), key.facility.clone());
    keys.sort_by_key(labelled);
    // Of several connections for one place the one that lasts longest counts.
    keys.dedup_by(|key, kept| {
        let same = labelled(key) == labelled(kept);
        if same {
            kept.valid_until = kept.valid_until.max(key.valid_until);
            kept.failures = kept.failures.max(key.failures);
        }
        same
    });
    keys.truncate(MOST);
    let now = monitoring.health.clock.now().wall;
    let mut family = page.gauge(
        "keynode_session_key_left_seconds",
        "Time until a session key of IS MP ends, below 0 after that.",
    );
    for key in &keys {
        if let Some(end) = key.valid_until {
            family.sample(&labels(key), seconds_left(end, now));
        }
    }
    let mut family = page.gauge(
        "keynode_session_key_failures",
        "Tries to renew a session key of IS MP that failed, since the last that did not.",
    );
    for key in &keys {
        family.sample(&labels(key), key.failures);
    }
}

fn labels(key: &SessionKeyFigures) -> [(&str, &str); 3] {
    [
        ("type", key.token_type),
        ("itn", &key.itn),
        ("facility", &key.facility),
    ]
}
