//! How long the session keys of the operators last, for whoever watches the node. Asks nobody, and tells no secrets.

use crate::licence::Timestamp;

use super::gateway::Gateway;
use super::handle::GatewayHandle;
use super::ismp::SessionKey;
use super::outcome::Trouble;

/// How it stands with a session key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionKeyFigures {
    /// Its type, in the literal word.
    pub token_type: &'static str,
    /// Of which organisation.
    pub itn: String,
    /// The place of production that it is for; empty: none.
    pub facility: String,
    /// Until when it can be used; none: none was had yet.
    pub valid_until: Option<Timestamp>,
    /// Tries to renew it that failed since.
    pub failures: u32,
}

impl Gateway {
    fn session_keys(&self) -> Result<Vec<SessionKeyFigures>, Trouble> {
        if !self.shared.rules().ismp.enabled {
            return Ok(Vec::new());
        }
        let kept = self.shared.state.all::<SessionKey>()?.into_iter();
        let keys = kept.map(|(_, kept)| SessionKeyFigures {
            token_type: kept.token_type.word(),
            itn: kept.itn,
            facility: kept.production_facility,
            valid_until: kept.valid_until,
            failures: kept.failures,
        });
        Ok(keys.collect())
    }
}

impl GatewayHandle {
    /// All session keys that are kept.
    ///
    /// # Errors
    /// [`Trouble`]: they cannot be read.
    pub async fn session_keys(&self) -> Result<Vec<SessionKeyFigures>, Trouble> {
        self.have(|gateway| async move { gateway.session_keys() }).await
    }
}
