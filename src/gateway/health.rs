//! How the services are, in a line for whoever looks after the node.

use std::sync::Arc;

use super::gateway::Gateway;
use super::outcome::Detail;
use super::rules::GatewayRules;

/// The most characters of that line.
const LONGEST: usize = 500;

impl Gateway {
    /// Which services are on, and how they are set.
    pub fn rules(&self) -> Arc<GatewayRules> {
        self.shared.rules()
    }

    /// `ok`, `off` (no service is on), or what is wrong. Asks nobody, and tells no secrets.
    pub(super) fn health(&self) -> String {
        let shared = &self.shared;
        if !shared.rules().any_is_on() {
            return "off".into();
        }
        let mut wrong = Vec::new();
        wrong.extend(shared.upstream.trouble());
        wrong.extend(shared.state.closed());
        match self.ismp.failing() {
            Ok(failing) => {
                if let Some((place, trouble)) = failing.first() {
                    let word = trouble.detail.map_or(trouble.code.word(), Detail::word);
                    let (number, kind) = (failing.len(), place.kind.word());
                    wrong.push(format!(
                        "{number} session key(s) of IS MP are not renewed, first {kind} of {}: {word}, {}",
                        place.itn, trouble.info
                    ));
                }
            }
            Err(trouble) => wrong.push(trouble.info),
        }
        if wrong.is_empty() {
            return "ok".into();
        }
        wrong.join("; ").chars().take(LONGEST).collect()
    }
}
