//! Activates codes, renews and returns licences: the node's side of the exchange with a centre.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arc_swap::ArcSwap;

use crate::clock::SharedClock;
use crate::computer::{self, Roots};
use crate::keyring::{KeyKind, Keyring};
use crate::licence::binding::Fingerprint;
use crate::licence::{ActivationCode, KeyNo, Licence, Timestamp};
use crate::store::{ActivationRow, Activations, Database};

use super::client::Client;
use super::exchange::Done;
use super::flights::Flights;
use super::identity::NodeIdentity;
use super::order::{Activated, ActivationError, Order};
use super::request::Action;
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

    /// Notes for the audit log what this node did with a licence by itself.
    fn note(&self, _code: &ActivationCode, _what: &str) {}
}

/// What an activator is made of.
pub struct ActivatorParts {
    /// Where the centre is, and how it is asked.
    pub rules: ActivationRules,
    /// Where the node's key for activation is, and the revocation lists.
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
    pub(super) parts: ActivatorParts,
    pub(super) flights: Flights,
    rules: ArcSwap<ActivationRules>,
    client: Mutex<Option<Client>>,
    identity: Mutex<Option<Arc<NodeIdentity>>>,
    activations: Mutex<Option<Activations>>,
}

impl Activator {
    /// An activator. Nothing is read or asked before it is used.
    pub fn new(parts: ActivatorParts) -> Self {
        Self {
            rules: ArcSwap::from_pointee(parts.rules.clone()),
            parts,
            flights: Flights::default(),
            client: Mutex::default(),
            identity: Mutex::default(),
            activations: Mutex::default(),
        }
    }

    /// Tells the centre that the licence is in use here, and gets it renewed where that is due; the result is the new
    /// licence, if there is one.
    ///
    /// # Errors
    /// [`ActivationError`].
    pub async fn renew(&self, key_no: KeyNo) -> Result<Option<Activated>, ActivationError> {
        let code = self.code_of(key_no)?;
        let _turn = self.flights.turn(&code).await;
        let client = self.client()?;
        let row = self.adopted(key_no, &code)?;
        let fresh = row.pending.is_none();
        if fresh {
            self.ask(&row, Action::Renew)?;
        }
        match self.pursue(&client, &code, fresh).await? {
            Done::Licence(activated) => Ok(Some(activated)),
            Done::Nothing => Ok(None),
            Done::Returned => Err(ActivationError::Unknown(format!(
                "the licence {key_no} was being returned, and that is done now"
            ))),
        }
    }

    /// Gives a licence back to the centre; its file is removed once the centre has confirmed that.
    ///
    /// # Errors
    /// [`ActivationError`]. The licence is still here then; where it is not known whether the centre has the request,
    /// a running node repeats it until it was answered.
    pub async fn give_back(&self, key_no: KeyNo) -> Result<(), ActivationError> {
        let code = self.code_of(key_no)?;
        let _turn = self.flights.turn(&code).await;
        let client = self.client()?;
        let mut row = self.adopted(key_no, &code)?;
        let asked = row.pending.as_ref().map(|pending| pending.action.clone());
        if asked.is_some_and(|action| action != Action::Return.name()) {
            // A request whose answer was lost goes first: the centre knows by its nonce that this is the same node.
            match self.pursue(&client, &code, false).await {
                Ok(_) | Err(ActivationError::Refused(_)) => {}
                Err(error) => return Err(error),
            }
            row = self.adopted(key_no, &code)?;
        }
        let fresh = row.pending.is_none();
        if fresh {
            self.ask(&row, Action::Return)?;
        }
        self.pursue(&client, &code, fresh).await.map(|_| ())
    }

    /// Makes a request that goes to the centre by other ways than the network: one line of JSON. The same order gives
    /// the same request until it was answered.
    ///
    /// # Errors
    /// [`ActivationError`].
    pub fn prepare(&self, order: &Order) -> Result<String, ActivationError> {
        let _turn = self.flights.turn_now(&order.code).ok_or_else(busy)?;
        let row = self.find(&order.code)?;
        self.keep_offline(order, row.as_ref())?;
        let row = self.find(&order.code)?;
        let pending = row.and_then(|row| row.pending).ok_or_else(busy)?;
        Ok(pending.text)
    }

    /// Forgets an activation: nothing is asked about it any more, and the centre is told nothing.
    ///
    /// # Errors
    /// [`ActivationError`], such as where its licence is in use here.
    pub fn forget(&self, code: &ActivationCode) -> Result<(), ActivationError> {
        let _turn = self.flights.turn_now(code).ok_or_else(busy)?;
        if let Some((licence, _)) = self.workable(code) {
            let key_no = licence.key_no;
            return Err(ActivationError::Here(format!(
                "the licence {key_no} works here: keynode activation return {key_no} gives it back, keynode licence \
                 remove {key_no} removes it"
            )));
        }
        self.store(|activations| activations.change(code, |_| None))
    }

    /// All activations of this node, by code.
    ///
    /// # Errors
    /// [`ActivationError`] where they cannot be read.
    pub fn list(&self) -> Result<Vec<ActivationRow>, ActivationError> {
        self.store(|activations| activations.all())
    }

    /// Follows other rules from now on.
    pub fn set_rules(&self, rules: ActivationRules) {
        self.rules.store(Arc::new(rules));
        *self.client.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// The rules it follows.
    pub fn rules(&self) -> Arc<ActivationRules> {
        self.rules.load_full()
    }

    /// The Workable licence of this code, and its file.
    pub(super) fn workable(&self, code: &ActivationCode) -> Option<(Arc<Licence>, PathBuf)> {
        let keyring = self.parts.host.keyring();
        keyring.keys().iter().find_map(|key| {
            let licence = key.licence.as_ref().filter(|_| key.verdict.workable)?;
            let fits = licence.activation_code.as_ref() == Some(code) && key.kind == KeyKind::Virtual;
            fits.then(|| (licence.clone(), PathBuf::from(&key.file_name)))
        })
    }

    /// The code of a licence: as it was activated, or as its file says.
    fn code_of(&self, key_no: KeyNo) -> Result<ActivationCode, ActivationError> {
        if let Some(row) = self.list()?.into_iter().find(|row| row.key_no == Some(key_no)) {
            return Ok(row.code);
        }
        let licence = self
            .licence(key_no)
            .and_then(|licence| licence.activation_code.clone());
        licence.ok_or_else(|| unknown(key_no))
    }

    /// The record of a licence; a licence that was activated without one, such as before a loss of the state, gets one.
    fn adopted(&self, key_no: KeyNo, code: &ActivationCode) -> Result<ActivationRow, ActivationError> {
        if let Some(row) = self.find(code)?.filter(|row| row.key_no == Some(key_no)) {
            return Ok(row);
        }
        let licence = self.licence(key_no).ok_or_else(|| unknown(key_no))?;
        super::requests::row_of(&licence).ok_or_else(|| unknown(key_no))
    }

    /// The authentic licence of this number that lies in a file.
    pub(super) fn licence(&self, key_no: KeyNo) -> Option<Arc<Licence>> {
        let keyring = self.parts.host.keyring();
        let mut files = keyring.keys().iter().filter(|key| key.kind == KeyKind::Virtual);
        files.find_map(|key| key.licence.clone().filter(|licence| licence.key_no == key_no))
    }

    pub(super) fn find(&self, code: &ActivationCode) -> Result<Option<ActivationRow>, ActivationError> {
        self.store(|activations| activations.find(code))
    }

    pub(super) fn now(&self) -> Timestamp {
        self.parts.clock.now().wall
    }

    pub(super) fn fingerprint(&self) -> Fingerprint {
        computer::inspect(&self.parts.roots).fingerprint
    }

    /// The way to the centre.
    pub(super) fn client(&self) -> Result<Client, ActivationError> {
        let rules = self.rules();
        let centre = rules.centre.as_deref().ok_or(ActivationError::NoCentre)?;
        let mut client = lock(&self.client);
        if let Some(client) = &*client {
            return Ok(client.clone());
        }
        let made = Client::new(centre, &rules).map_err(|why| ActivationError::Unreachable {
            centre: centre.into(),
            why,
        })?;
        Ok(client.insert(made).clone())
    }

    pub(super) fn identity(&self) -> Result<Arc<NodeIdentity>, ActivationError> {
        let mut identity = lock(&self.identity);
        if let Some(identity) = &*identity {
            return Ok(identity.clone());
        }
        let opened = NodeIdentity::open(&self.parts.state_dir);
        let opened = opened.map_err(|error| ActivationError::NotSaved(error.to_string()))?;
        Ok(identity.insert(Arc::new(opened)).clone())
    }

    pub(super) fn store<T>(
        &self,
        work: impl FnOnce(&mut Activations) -> Result<T, crate::store::StoreError>,
    ) -> Result<T, ActivationError> {
        let failed = |error: crate::store::StoreError| ActivationError::NotSaved(error.to_string());
        let mut activations = lock(&self.activations);
        let activations = match &mut *activations {
            Some(open) => open,
            closed => closed.insert(Activations::open(&self.parts.database).map_err(failed)?),
        };
        work(activations).map_err(failed)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(super) fn busy() -> ActivationError {
    ActivationError::Here("another request about this code is under way".into())
}

fn unknown(key_no: KeyNo) -> ActivationError {
    ActivationError::Unknown(format!(
        "this node has no licence {key_no} that was activated with a code"
    ))
}
