//! Whether a 1C configuration is registered with the service; what it said holds for an hour.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use crate::gateway::outcome::Trouble;
use crate::licence::Timestamp;

use super::Taxcom;

/// How long an answer holds, in milliseconds.
const HOLDS: i64 = 3_600_000;

/// The most configurations that are remembered.
const MOST: usize = 100;

/// What the service said, and when.
#[derive(Default)]
pub(super) struct Registered(Mutex<HashMap<String, (Timestamp, bool)>>);

impl Taxcom {
    /// `КонфигурацияЗарегистрированаВСервисе1СТакском`; without a name: the configuration of the settings.
    ///
    /// # Errors
    /// [`Trouble`] with the service.
    pub async fn is_registered(&self, configuration: Option<String>) -> Result<bool, Trouble> {
        let name = self.configuration(configuration);
        let now = self.shared.now();
        let known = || self.registered.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((told, registered)) = known().get(&name) {
            let age = now.millis() - told.millis();
            if (0..HOLDS).contains(&age) {
                return Ok(*registered);
            }
        }
        let asked = self.client.is_supported(&self.shared, &name).await;
        let registered = asked.map_err(|failure| failure.trouble)?;
        let mut known = known();
        if known.len() >= MOST {
            known.clear();
        }
        known.insert(name, (now, registered));
        Ok(registered)
    }
}
