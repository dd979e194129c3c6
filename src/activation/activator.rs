//! Activates codes, renews and returns licences: the node's side of the exchange with a centre.

use std::path::PathBuf;
use std::sync::Arc;

use crate::clock::SharedClock;
use crate::computer::Roots;
use crate::keyring::Keyring;
use crate::licence::KeyNo;
use crate::store::{ActivationRow, Database};

use super::order::{Activated, ActivationError, Order};
use super::rules::ActivationRules;

/// What the activator needs of the node around it.
pub trait Host: Send + Sync {
    /// The keys as they are.
    fn keyring(&self) -> Arc<Keyring>;

    /// Has a carrier prove that it takes part in a request; blocks for seconds at most.
    ///
    /// # Errors
    /// Why it did not, in words.
    fn attest(&self, carrier_id: &str, challenge: &[u8; 32]) -> Result<Vec<u8>, String>;

    /// Looks at the licence files anew; blocks until [`Host::keyring`] shows what is there.
    fn look_again(&self);
}

/// What an activator is made of.
pub struct ActivatorParts {
    /// Where the centre is, and how it is asked.
    pub rules: ActivationRules,
    /// Where the node's key for activation is.
    pub state_dir: PathBuf,
    /// Where licences go.
    pub licence_dir: PathBuf,
    /// Keys of the vendors whose answers are accepted.
    pub vendor_dir: PathBuf,
    /// Where the computer is looked at.
    pub roots: Roots,
    /// Where requests are kept.
    pub database: Database,
    /// Tells the time.
    pub clock: SharedClock,
    /// The node around it.
    pub host: Arc<dyn Host>,
}

/// Activates codes. All its methods may be called from several tasks at once; those that are `async` want a tokio
/// runtime with time and network.
pub struct Activator {
    parts: ActivatorParts,
}

impl Activator {
    /// An activator. Nothing is read or asked before it is used.
    pub fn new(parts: ActivatorParts) -> Self {
        Self { parts }
    }

    /// Gets the licence for a code: the one that is here already, or one from the centre.
    ///
    /// # Errors
    /// [`ActivationError`]; nothing was written then but the request that was not answered.
    pub async fn activate(&self, order: &Order) -> Result<Activated, ActivationError> {
        let _ = (order, &self.parts);
        Err(ActivationError::NoCentre)
    }

    /// Tells the centre that the licence is in use here, and gets it renewed where that is due; the result is the new
    /// licence, if there is one.
    ///
    /// # Errors
    /// [`ActivationError`].
    pub async fn renew(&self, key_no: KeyNo) -> Result<Option<Activated>, ActivationError> {
        let _ = key_no;
        Err(ActivationError::NoCentre)
    }

    /// Gives a licence back to the centre; its file is removed once the centre has confirmed that.
    ///
    /// # Errors
    /// [`ActivationError`]. The licence is still here then; where it is not known whether the centre has the request,
    /// a running node repeats it until it was answered.
    pub async fn give_back(&self, key_no: KeyNo) -> Result<(), ActivationError> {
        let _ = key_no;
        Err(ActivationError::NoCentre)
    }

    /// Makes a request that goes to the centre by other ways than the network: one line of JSON. The same order gives
    /// the same request until it was answered.
    ///
    /// # Errors
    /// [`ActivationError`].
    pub fn prepare(&self, order: &Order) -> Result<String, ActivationError> {
        let _ = order;
        Err(ActivationError::NoCentre)
    }

    /// Takes what a centre answered to a request of [`Activator::prepare`]: a licence file, or the JSON that has it.
    /// None where it answers no request of this node.
    ///
    /// # Errors
    /// [`ActivationError`].
    pub fn accept(&self, answer: &[u8]) -> Result<Option<Activated>, ActivationError> {
        let _ = answer;
        Err(ActivationError::NoCentre)
    }

    /// All activations of this node, by code.
    ///
    /// # Errors
    /// [`ActivationError`] where they cannot be read.
    pub fn list(&self) -> Result<Vec<ActivationRow>, ActivationError> {
        Ok(Vec::new())
    }
}
