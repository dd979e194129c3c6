//! What a session with the service knows.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::gateway::outcome::Trouble;

use super::soap::Parameter;
use super::trouble::nonsense;

/// The most values of a session, and the most bytes of one.
pub(super) const MOST_VALUES: usize = 500;
pub(super) const LONGEST_VALUE: usize = 256 * 1024;

/// What a session knows: told by the service, and prepared for it. Secret as a whole.
#[derive(Clone, Default, Serialize, Deserialize)]
pub(super) struct Session {
    pub(super) values: BTreeMap<String, String>,
    pub(super) process: Option<String>,
    /// So many markers have been decrypted.
    #[serde(default)]
    pub(super) opened: u32,
}

impl Session {
    /// A value.
    pub(super) fn value(&self, name: &str) -> &str {
        self.values.get(name).map_or("", String::as_str)
    }

    /// All values.
    pub(super) fn values(&self) -> &BTreeMap<String, String> {
        &self.values
    }

    /// The business process.
    pub(super) fn process(&self) -> Option<&str> {
        self.process.as_deref()
    }

    /// Whether the service has begun it.
    pub(super) fn is_open(&self) -> bool {
        !self.value("session_id").is_empty()
    }

    /// A request of these parameters within the session.
    pub(super) fn request(&self, mut parameters: Vec<Parameter>) -> Vec<Parameter> {
        if self.is_open() && !parameters.iter().any(|own| own.name == "session_id") {
            parameters.push(Parameter::new("session_id", self.value("session_id")));
        }
        parameters
    }

    /// Takes a value over.
    pub(super) fn put(&mut self, name: &str, value: &str) -> Result<(), Trouble> {
        let known = self.values.contains_key(name);
        if value.len() > LONGEST_VALUE || name.len() > 256 || (!known && self.values.len() >= MOST_VALUES) {
            return Err(nonsense("it told more values than a session has room for"));
        }
        self.values.insert(name.into(), value.into());
        Ok(())
    }
}
