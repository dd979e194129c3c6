//! The activator of a command: it works on the state directory of a node that may be running, and on this computer's
//! own keys and carriers.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::runtime::{Builder, Runtime};

use crate::activation::{ActivationRules, Activator, ActivatorParts, Host, Place};
use crate::clock::SystemClock;
use crate::computer::Roots;
use crate::devices::Hardware;
use crate::keyring::{Keyring, read_vendor_keys};
use crate::node::{self, StateDir};
use crate::settings::Settings;

use super::super::carrier_request::CarrierRequest;
use super::super::devices::Seen;
use super::super::failure::Failure;
use super::super::offline::Offline;
use super::wish::Target;

/// An activator, and what it finds here.
pub(in crate::cli) struct Here {
    pub(in crate::cli) activator: Activator,
    settings: Settings,
    looks: Arc<Looks>,
    /// One for all that the activator does: its connections belong to it.
    runtime: Runtime,
}

impl Here {
    /// Opens the state directory; one that is not there is made.
    pub(in crate::cli) fn open(settings: Settings) -> Result<Self, Failure> {
        let looks = Arc::new(Looks {
            settings: settings.clone(),
            hardware: Mutex::new(None),
            keyring: Mutex::new(None),
        });
        let activator = Activator::new(ActivatorParts {
            rules: ActivationRules::from(&settings.activation),
            state_dir: settings.state_dir.clone(),
            licence_dir: settings.licence_dir(),
            vendor_dir: settings.vendor_dir(),
            roots: Roots::host(),
            database: StateDir::shared_database(&settings.state_dir)?,
            clock: SystemClock::shared(),
            host: looks.clone(),
        });
        Ok(Self {
            activator,
            settings,
            looks,
            runtime: Builder::new_current_thread().enable_all().build()?,
        })
    }

    /// The place of a licence as it is wanted.
    pub(super) fn place(&self, target: &Target) -> Result<Place, Failure> {
        if let Some(file) = &target.carrier_request {
            let (binding, number) = CarrierRequest::read(file)?.binding();
            // Security keys are asked for a credential, and which of them has it shows then.
            let id = binding.serial.clone();
            return Ok(Place::Carrier { id, binding, number });
        }
        let Some(name) = &target.carrier else {
            return Ok(Place::Computer);
        };
        let vendors = read_vendor_keys(&self.settings.vendor_dir());
        let seen = Seen::new(self.looks.hardware(), &vendors);
        let (carrier, binding, number) = seen.bindable(name)?;
        Ok(Place::Carrier {
            id: carrier.id.to_owned(),
            binding,
            number,
        })
    }

    /// The keys as they are now.
    pub(in crate::cli) fn keyring(&self) -> Arc<Keyring> {
        // Security keys are asked only for what licences are bound to.
        self.looks.forget_hardware();
        self.looks.look_again();
        self.looks.keyring()
    }

    /// Waits for what an activator does.
    pub(super) fn wait<T>(&self, work: impl Future<Output = T>) -> T {
        self.runtime.block_on(work)
    }
}

/// This computer's keys and carriers, looked at where somebody asks.
struct Looks {
    settings: Settings,
    hardware: Mutex<Option<Arc<Hardware>>>,
    keyring: Mutex<Option<Arc<Keyring>>>,
}

impl Looks {
    fn hardware(&self) -> Arc<Hardware> {
        let look = || Arc::new(node::look(&self.settings));
        lock(&self.hardware).get_or_insert_with(look).clone()
    }

    fn forget_hardware(&self) {
        *lock(&self.hardware) = None;
    }

    /// The keys; none where they cannot be looked at, which whoever writes beside them is told then.
    fn look(&self) -> Arc<Keyring> {
        let keyring = Offline::judge(self.settings.clone(), &self.hardware()).map(|offline| offline.keyring);
        Arc::new(keyring.unwrap_or_default())
    }
}

impl Host for Looks {
    fn keyring(&self) -> Arc<Keyring> {
        lock(&self.keyring).get_or_insert_with(|| self.look()).clone()
    }

    fn attest(&self, carrier_id: &str, challenge: &[u8; 32]) -> Result<Vec<u8>, String> {
        let attested = node::attest(&self.settings, &self.hardware(), carrier_id, challenge);
        attested.map_err(|error| error.to_string())
    }

    fn look_again(&self) {
        let seen = self.look();
        *lock(&self.keyring) = Some(seen);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
