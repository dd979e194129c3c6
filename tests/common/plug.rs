//! Hardware that a test plugs in: values where a node has its devices' thread.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};

use keynode::devices::fido2::Credential;
use keynode::devices::{
    Access, Carrier, CarrierError, CarrierState, Counters, Device, DeviceRules, DriverKind, Family, Hardware,
    Inventory,
};
use keynode::keyring::Plugged;
use keynode::licence::Licence;
use keynode::licence::binding::{Binding, CarrierBinding};
use keynode::node::OnPlug;

use super::keys;

/// What is plugged into a test's node.
#[derive(Default)]
pub(crate) struct TestDevices {
    hardware: Mutex<Arc<Hardware>>,
    /// What takes effect only at the next scan, as if its event had been lost.
    unnoticed: Mutex<Option<Arc<Hardware>>>,
    on_plug: Mutex<Option<OnPlug>>,
    rules: Mutex<Option<DeviceRules>>,
    /// What security keys would be asked for.
    credentials: Mutex<Vec<Credential>>,
    scans: AtomicU64,
    /// The next scan lasts until the other end is dropped.
    held: Mutex<Option<Receiver<()>>>,
}

impl TestDevices {
    /// What `Node::start_with` takes; a node that starts again plugs in again.
    pub(crate) fn plug(self: &Arc<Self>, rules: DeviceRules, on_plug: OnPlug) -> Arc<dyn Plugged> {
        *self.on_plug.lock().unwrap() = Some(on_plug);
        *self.rules.lock().unwrap() = Some(rules);
        self.clone()
    }

    /// These carriers are plugged in now, and no others; the node is told.
    pub(crate) fn set(&self, carriers: Vec<Carrier>) {
        *self.hardware.lock().unwrap() = Arc::new(hardware(carriers));
        self.tell();
    }

    /// As [`TestDevices::set`], but nobody is told before the next scan.
    pub(crate) fn set_unnoticed(&self, carriers: Vec<Carrier>) {
        *self.unnoticed.lock().unwrap() = Some(Arc::new(hardware(carriers)));
    }

    /// All that is plugged in, with devices that are no carriers and places that could not be looked at.
    pub(crate) fn set_hardware(&self, hardware: Hardware) {
        *self.hardware.lock().unwrap() = Arc::new(hardware);
        self.tell();
    }

    /// The next scan lasts until the result is dropped.
    pub(crate) fn hold_scan(&self) -> Sender<()> {
        let (result, held) = channel();
        *self.held.lock().unwrap() = Some(held);
        result
    }

    pub(crate) fn scans(&self) -> u64 {
        self.scans.load(Ordering::SeqCst)
    }

    pub(crate) fn rules(&self) -> DeviceRules {
        self.rules.lock().unwrap().clone().unwrap()
    }

    pub(crate) fn credentials(&self) -> Vec<Credential> {
        self.credentials.lock().unwrap().clone()
    }

    fn tell(&self) {
        if let Some(on_plug) = self.on_plug.lock().unwrap().as_mut() {
            on_plug();
        }
    }
}

impl Plugged for TestDevices {
    fn hardware(&self) -> Arc<Hardware> {
        self.hardware.lock().unwrap().clone()
    }

    fn rescan(&self) {
        self.scans.fetch_add(1, Ordering::SeqCst);
        let held = self.held.lock().unwrap().take();
        if let Some(held) = held {
            let _ = held.recv();
        }
        if let Some(hardware) = self.unnoticed.lock().unwrap().take() {
            *self.hardware.lock().unwrap() = hardware;
        }
    }

    fn set_rules(&self, rules: DeviceRules) {
        *self.rules.lock().unwrap() = Some(rules);
    }

    fn set_credentials(&self, credentials: Vec<Credential>) {
        *self.credentials.lock().unwrap() = credentials;
    }

    fn attest(&self, id: &str, challenge: &[u8; 32]) -> Result<Vec<u8>, CarrierError> {
        let hardware = self.hardware();
        let known = hardware.all_carriers().any(|carrier| carrier.id == id);
        known.then(|| challenge.to_vec()).ok_or(CarrierError::Absent)
    }

    fn counters(&self) -> Counters {
        Counters {
            scans: self.scans(),
            overflows: 2,
            reconnects: 1,
            ..Counters::default()
        }
    }

    fn stop(&self) {}
}

fn hardware(carriers: Vec<Carrier>) -> Hardware {
    let carriers: Vec<_> = carriers.into_iter().map(Arc::new).collect();
    let devices = carriers.iter().map(|carrier| carrier.device.clone()).collect();
    Hardware {
        inventory: Arc::new(Inventory {
            devices,
            errors: Vec::new(),
        }),
        carriers,
        ..Hardware::default()
    }
}

/// A device of the open carrier's family.
pub(crate) fn device(serial: &str) -> Device {
    Device {
        id: format!("usb-1209-0001-{serial}"),
        weak: false,
        vendor_id: 0x1209,
        product_id: 1,
        release: 0x100,
        class: 0,
        manufacturer: Some("Example Vendor".into()),
        product: Some("Licence Dongle".into()),
        serial: Some(serial.into()),
        port: "1-2".into(),
        bus: 1,
        address: 5,
        speed: Some("12".into()),
        drivers: vec!["usbhid".into()],
        syspath: PathBuf::from("/sys/devices/usb1/1-2"),
        node: PathBuf::from("/dev/bus/usb/001/005"),
        hid: Vec::new(),
        family: Some(Arc::new(Family {
            name: "Test dongle".into(),
            vendor_id: 0x1209,
            product_id: Some(1),
            driver: Some(DriverKind::Hid),
            stay_awake: false,
        })),
        access: Access::Ok,
    }
}

/// The public key that [`blank`] gives to a device of this serial number.
pub(crate) fn public_key(serial: &str) -> String {
    format!("{serial:A<43}")
}

/// A carrier of the driver `hid` that has proved itself and holds nothing.
pub(crate) fn blank(serial: &str) -> Carrier {
    Carrier {
        device: Arc::new(device(serial)),
        driver: DriverKind::Hid,
        serial: Some(serial.into()),
        public_key: Some(public_key(serial)),
        state: CarrierState::Proven,
        memory: Some(Arc::from([])),
        capacity: 4096,
    }
}

/// The same carrier with a licence in its memory.
pub(crate) fn loaded(serial: &str, licence: &Licence) -> Carrier {
    Carrier {
        memory: Some(keys::sealed(licence).into_bytes().into()),
        ..blank(serial)
    }
}

/// The same carrier after a proof that failed.
pub(crate) fn failed(carrier: Carrier, error: CarrierError) -> Carrier {
    Carrier {
        state: CarrierState::Failed(error),
        ..carrier
    }
}

/// The same carrier on another port.
pub(crate) fn moved(carrier: Carrier, port: &str) -> Carrier {
    let device = Device {
        port: port.into(),
        address: carrier.device.address + 1,
        ..(*carrier.device).clone()
    };
    Carrier {
        device: Arc::new(device),
        ..carrier
    }
}

/// A binding to the carrier of this serial number.
pub(crate) fn binding(serial: &str) -> Binding {
    Binding::Carrier(CarrierBinding {
        driver: "hid".into(),
        serial: serial.into(),
        public_key: Some(public_key(serial)),
    })
}
