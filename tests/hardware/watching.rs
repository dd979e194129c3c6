//! A devices' thread over a testbed, with a prover that the test directs.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::described::Described;
use super::testbed::Testbed;
use keynode::devices::carrier::{CarrierError, Proof};
use keynode::devices::{Carrier, CarrierState, Catalogue, Device, DeviceRules, DevicesHandle, Prover};

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

/// Pulls a device without a hidraw node out.
pub(crate) fn pull(bed: &Testbed, device: &Described) {
    bed.uevent(&device.syspath(), "remove");
    vanish(bed, device);
}

/// Removes a device without a hidraw node, without an event. umockdev's own removal leaves links that keep the device
/// from coming back.
pub(crate) fn vanish(bed: &Testbed, device: &Described) {
    let inside = |path: &str| bed.root().join(path.trim_start_matches('/'));
    let name = format!("1-{}", device.ports);
    for link in [
        format!("/sys/bus/usb/devices/{name}"),
        format!("/sys/bus/usb/devices/{name}:1.0"),
        format!("/sys/dev/char/189:{}", device.address - 1),
        device.node(),
        device.node().replace('/', "_").replace("_dev_", "/dev/.node/"),
    ] {
        // A device alone has no interface.
        let _ = std::fs::remove_file(inside(&link));
    }
    std::fs::remove_dir_all(inside(&device.syspath())).unwrap();
}

/// The devices' thread, with the number of changes it announced.
pub(crate) struct Watching {
    pub(crate) handle: DevicesHandle,
    changes: Arc<AtomicU64>,
}

impl Watching {
    /// All carriers prove themselves.
    pub(crate) fn start() -> Self {
        Self::with(|device| Ok(proof(device)))
    }

    /// Carriers answer as the test says.
    pub(crate) fn with(
        answer: impl Fn(&Device) -> Result<Proof, CarrierError> + Send + Sync + 'static,
    ) -> Self {
        Self::following(rules(), answer)
    }

    /// The same, by other rules.
    pub(crate) fn following(
        rules: DeviceRules,
        answer: impl Fn(&Device) -> Result<Proof, CarrierError> + Send + Sync + 'static,
    ) -> Self {
        let changes = Arc::new(AtomicU64::new(0));
        let counter = Arc::clone(&changes);
        let prover: Prover = Arc::new(move |device, _, _| answer(device));
        let handle = DevicesHandle::start_with(rules, prover, move || {
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

    /// What the carrier of this serial number proved.
    pub(crate) fn state(&self, serial: &str) -> Option<CarrierState> {
        self.carrier(serial).map(|carrier| carrier.state.clone())
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
    Proof::of(device.serial.clone().unwrap_or_default(), Some("key".into()))
}
