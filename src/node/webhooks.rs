//! Webhooks within the node: what they need of the other parts.

use std::path::Path;
use std::thread::JoinHandle;

use crate::api::{Api, Health};
use crate::events::Feed;
use crate::monitoring::webhooks::{WebhookError, WebhookParts, WebhookRules, WebhooksHandle};
use crate::settings::Settings;
use crate::store::Database;

/// Starts the thread; `credentials` is systemd's directory of them.
pub(super) fn start(
    settings: &Settings,
    database: &Database,
    (api, health): (&Api, &Health),
    feed: Feed,
    credentials: Option<&Path>,
) -> Result<(WebhooksHandle, JoinHandle<()>), WebhookError> {
    let parts = WebhookParts {
        database: database.clone(),
        clock: health.clock.clone(),
        feed,
        keys: api.keys.clone(),
        desk: api.desk.clone(),
        faults: health.webhooks.clone(),
        node: api.facts.computer_name().to_owned(),
    };
    WebhooksHandle::start(parts, WebhookRules::new(settings, credentials))
}
