//! A node among simulated dongles.

use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use keynode::licence::Licence;
use keynode::licence::binding::{Binding, CarrierBinding};
use serde_json::Value;

use super::super::http::Client;
use super::super::node::Node;
use super::super::state::{State, Vendor, licence};
use super::Outcome;
use super::described::{Described, root_hub};
use super::dongle::{Plugged, dongle, plug, unplug};
use super::testbed::Testbed;

/// Longer than anything here may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// The machine, the node on it, and a client.
pub(crate) struct World {
    pub(crate) bed: Testbed,
    pub(crate) node: Node,
    client: Client,
    addresses: u8,
    _state: State,
    vendor: Vendor,
}

/// A dongle with a licence in it.
pub(crate) struct Key {
    pub(crate) described: Described,
    pub(crate) dongle: Plugged,
    pub(crate) number: u64,
    pub(crate) plugged: bool,
}

impl World {
    pub(crate) fn new() -> Outcome<Self> {
        let bed = Testbed::new();
        bed.add(&root_hub());
        let state = State::new()?;
        let vendor = state.vendor()?;
        let cores = format!("0-{}", std::thread::available_parallelism()?.get() - 1);
        let node = Node::start("serve", state.path(), &cores, &["--workers", "1"])?;
        Ok(Self {
            client: Client::connect(node.address)?,
            bed,
            node,
            addresses: 1,
            _state: state,
            vendor,
        })
    }

    /// A key that is not plugged in yet; the number names its port, its serial number and its licence.
    pub(crate) fn key(&self, number: u32) -> Outcome<Key> {
        let described = Described {
            ports: (number + 1).to_string(),
            serial: Some(format!("LK-{number:08}")),
            hid: Described::default().hid.map(|(_, report)| (number, report)),
            ..Described::default()
        };
        let dongle = dongle(&described);
        let key_no = 7_000_000 + u64::from(number);
        let carrier = CarrierBinding {
            driver: "hid".into(),
            serial: described.serial.clone().unwrap_or_default(),
            public_key: Some(URL_SAFE_NO_PAD.encode(dongle.dongle().public_key())),
        };
        let licence = Licence {
            binding: Binding::Carrier(carrier),
            ..licence(key_no, 5)?
        };
        dongle
            .dongle()
            .memory()
            .preload(self.vendor.issue(&licence)?.as_bytes());
        Ok(Key {
            described,
            dongle,
            number: key_no,
            plugged: false,
        })
    }

    /// Plugs a key in, at an address that was not used last.
    pub(crate) fn plug(&mut self, key: &mut Key) {
        self.addresses = if self.addresses == u8::MAX {
            2
        } else {
            self.addresses + 1
        };
        key.described.address = self.addresses;
        plug(&self.bed, &key.described, &key.dongle);
        key.plugged = true;
    }

    pub(crate) fn pull(&self, key: &mut Key) {
        unplug(&self.bed, &key.described, &key.dongle);
        key.plugged = false;
    }

    fn get(&mut self, path: &str) -> Outcome<Value> {
        Ok(serde_json::from_slice(self.client.get(path)?.body)?)
    }

    /// Whether a key is Workable, as the API says; false where it is not listed.
    pub(crate) fn is_workable(&mut self, key_no: u64) -> Outcome<bool> {
        let answer = self.get(&format!("/api/licences?KeyNo={key_no}"))?;
        Ok(answer["Licences"][0]["Workable"] == true)
    }

    /// Serial numbers of the devices, in order.
    pub(crate) fn serials(&mut self) -> Outcome<Vec<String>> {
        let answer = self.get("/api/devices")?;
        let devices = answer["Devices"].as_array().ok_or("no list of devices")?;
        let mut serials: Vec<String> = devices
            .iter()
            .filter_map(|device| Some(device["SerialNumber"].as_str()?.to_owned()))
            .collect();
        serials.sort();
        Ok(serials)
    }

    /// Waits until something holds; the time that took.
    pub(crate) fn until(
        &mut self,
        what: &str,
        mut holds: impl FnMut(&mut Self) -> Outcome<bool>,
    ) -> Outcome<Duration> {
        let began = Instant::now();
        while !holds(self)? {
            if began.elapsed() > PATIENCE {
                return Err(format!("in vain waited for: {what}").into());
            }
            // Each look costs the node a signature, which must not be what it is busy with.
            std::thread::sleep(Duration::from_millis(2));
        }
        Ok(began.elapsed())
    }

    /// Lets the node end what it is doing, and tells what it holds.
    pub(crate) fn at_rest(&mut self) -> Outcome<Holding> {
        let health: Value = serde_json::from_slice(Client::connect(self.node.admin)?.get("/health")?.body)?;
        self.client.post("/api/rescan")?;
        Ok(Holding {
            scans: health["usb"]["scans"].as_u64().ok_or("/health counts no scans")?,
            memory: self.node.memory()?,
            files: self.files()?,
        })
    }

    /// Files that the node has open; connections that were closed here count until it has noticed.
    fn files(&self) -> Outcome<usize> {
        let mut least = usize::MAX;
        for _ in 0..50 {
            least = least.min(self.node.files()?);
            std::thread::sleep(Duration::from_millis(10));
        }
        Ok(least)
    }
}

/// What a node has done and holds.
pub(crate) struct Holding {
    /// Scans since its start.
    pub(crate) scans: u64,
    /// Resident memory in bytes.
    pub(crate) memory: u64,
    /// Open files.
    pub(crate) files: usize,
}
