//! A devices' thread over a testbed, with a prover that the test directs.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use keynode::devices::carrier::{CarrierError, Known, Proof};
use keynode::devices::{Carrier, Catalogue, Device, DeviceRules, DevicesHandle, DriverKind, Prover};

/// The families that every node knows; carriers are asked only when something happens.
pub(crate) fn rules() -> DeviceRules {
    DeviceRules {
        catalogue: Catalogue::new(vec![]),
        revalidate: Duration::ZERO,
    }
}

/// Waits until something holds; a test that waits for ten seconds has failed.
pub(crate) fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(10);
    while !holds() {
        assert!(Instant::now() < deadline, "never: {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// What a carrier is to answer: by its serial number, where the test says so; others prove themselves.
type Directed = Box<dyn FnMut(&Device) -> Result<Proof, CarrierError> + Send>;

/// The devices' thread, with the number of changes it announced.
pub(crate) struct Watching {
    pub(crate) handle: DevicesHandle,
    changes: Arc<AtomicU64>,
}

impl Watching {
    /// All carriers prove themselves.
    pub(crate) fn start() -> Self {
        Self::with(Box::new(|device| Ok(proof(device))))
    }

    /// Carriers answer as the test says.
    pub(crate) fn with(directed: Directed) -> Self {
        let directed = Mutex::new(directed);
        Self::proving(Arc::new(move |device: &Device, _: DriverKind, _: &mut Known| {
            (directed.lock().unwrap())(device)
        }))
    }

    /// Carriers answer as the test says, also several at a time.
    pub(crate) fn proving(prover: Prover) -> Self {
        let changes = Arc::new(AtomicU64::new(0));
        let counter = Arc::clone(&changes);
        let handle = DevicesHandle::start_with(rules(), prover, move || {
            counter.fetch_add(1, Ordering::SeqCst);
        });
        Self { handle, changes }
    }

    /// How often a change was announced.
    pub(crate) fn changes(&self) -> u64 {
        self.changes.load(Ordering::SeqCst)
    }

    /// Stable ids of what is plugged in.
    pub(crate) fn ids(&self) -> Vec<String> {
        let hardware = self.handle.hardware();
        hardware
            .inventory
            .devices
            .iter()
            .map(|device| device.id.clone())
            .collect()
    }

    /// The carrier of this serial number.
    pub(crate) fn carrier(&self, serial: &str) -> Option<Arc<Carrier>> {
        let hardware = self.handle.hardware();
        let its = |carrier: &&Arc<Carrier>| carrier.device.serial.as_deref() == Some(serial);
        hardware.carriers.iter().find(its).cloned()
    }
}

/// What a carrier with nothing in its memory proves.
pub(crate) fn proof(device: &Device) -> Proof {
    Proof {
        serial: device.serial.clone().unwrap_or_default(),
        public_key: Some("key".into()),
        memory: None,
        capacity: 0,
    }
}
