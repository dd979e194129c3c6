//! A security key with real firmware behind its hidraw node: provisioned, bound, pulled, back. Files are bound to it;
//! it is no key of its own.

use std::io::{Read, Write};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use keynode::devices::attestation::verify;
use keynode::devices::fido2::{Credential, make};
use keynode::devices::{CarrierError, Catalogue, scan_once};
use keynode::licence::Licence;
use keynode::licence::binding::{Binding, CarrierBinding};
use serde_json::{Value, json};

use super::common::TestNode;
use super::common::keys::{KEY_NO, licence, numbered};
use super::described::{Described, report_descriptor, root_hub};
use super::keys_node::{on_host, until_broken, until_sound};
use super::preload::mocked_test;
use super::testbed::Testbed;
use super::watching::{pull, until};

#[path = "../dongle/authenticator.rs"]
mod authenticator;
use authenticator::Authenticator;

const ENOTTY: i32 = 25;
/// A node that nobody has open gives errors.
const BETWEEN_OPENINGS: Duration = Duration::from_millis(1);

/// A security key, in a port or not.
struct SecurityKey {
    firmware: Authenticator,
    /// The node that its reports go to.
    node: Arc<Mutex<Option<std::fs::File>>>,
}

impl SecurityKey {
    fn new() -> Self {
        let node = Arc::new(Mutex::new(None::<std::fs::File>));
        let told = Arc::clone(&node);
        let firmware = Authenticator::new(move |report| {
            if let Some(node) = &mut *told.lock().unwrap() {
                // An error: it was pulled.
                let _ = node.write_all(&report);
            }
        });
        Self { firmware, node }
    }

    fn plug(&self, bed: &Testbed, described: &Described) {
        show(bed, described);
        let node = bed.other_end(&described.hidraw());
        *self.node.lock().unwrap() = Some(node.try_clone().unwrap());
        let firmware = self.firmware.clone();
        let mut host = node;
        thread::spawn(move || {
            loop {
                // The report number first, which is none.
                let mut report = [0; 65];
                match host.read_exact(&mut report) {
                    Ok(()) => firmware.send(report[1..].try_into().unwrap()),
                    Err(_) => thread::sleep(BETWEEN_OPENINGS),
                }
            }
        });
    }
}

/// Without a serial number, as most of them.
fn on_port(port: u8) -> Described {
    Described {
        vendor_id: 0x20a0,
        product_id: 0x42b2,
        serial: None,
        ports: port.to_string(),
        address: 4 + port,
        hid: Some((port.into(), report_descriptor(0xf1d0, 1))),
        ..Described::default()
    }
}

/// Adds it with a node that has another end, instead of one that is a file.
fn show(bed: &Testbed, described: &Described) {
    let (_, descriptor) = described.hid.clone().unwrap();
    // Whoever opens the node asks for the report descriptor, to see whether it is one.
    let answer = move |request: u32, bytes: &mut [u8]| match request.to_le_bytes() {
        [1, b'H', ..] => {
            bytes.copy_from_slice(&u32::try_from(descriptor.len()).unwrap().to_ne_bytes());
            Ok(0)
        }
        _ => Err(ENOTTY),
    };
    bed.attach(&described.hidraw(), Box::new(answer));
    let node = described.hidraw().replace("/dev/", "N: ");
    let text = described.text();
    bed.add(&text.replace(&format!("{node}=00\n"), &format!("{node}\n")));
}

fn bound(credential: &Credential, licence: Licence) -> Licence {
    let binding = CarrierBinding {
        driver: "fido2".into(),
        serial: credential.serial(),
        public_key: Some(credential.public_key()),
    };
    Licence {
        binding: Binding::Carrier(binding),
        ..licence
    }
}

fn provision(resident: bool) -> Credential {
    let inventory = scan_once(&Catalogue::new(vec![]));
    let key = inventory.devices.iter().find(|device| device.vendor_id == 0x20a0);
    make(key.unwrap(), resident, &mut |_| ()).unwrap()
}

fn device(node: &TestNode) -> Value {
    let rows = node.get("/api/devices").rows();
    rows.into_iter().find(|row| row["VendorID"] == "20a0").unwrap()
}

mocked_test!(fn a_licence_file_works_while_its_security_key_is_there(bed) {
    bed.add(&root_hub());
    let (first, second) = (on_port(1), on_port(2));
    let key = SecurityKey::new();
    key.plug(bed, &first);
    let (credential, another) = (provision(false), provision(true));
    key.firmware.set_touched(false);

    let node = on_host();
    let unasked = device(&node);
    assert_eq!((&unasked["Driver"], &unasked["Family"]), (&Value::Null, &json!("Nitrokey 3")));
    node.put(&bound(&credential, licence()));
    until_sound(&node, KEY_NO);
    node.put(&bound(&another, numbered(9)));
    until_sound(&node, 9);
    assert_eq!(node.get("/api/licences").rows().len(), 2, "the key itself is none");
    let asked = device(&node);
    assert_eq!((&asked["Driver"], &asked["Proof"]), (&json!("fido2"), &json!("proven")));

    pull(bed, &first);
    until_broken(&node, KEY_NO, "is not connected");
    until_broken(&node, 9, &format!("its carrier fido2 {} is not connected", another.serial()));
    key.plug(bed, &second);
    until_sound(&node, KEY_NO);
    until_sound(&node, 9);
});

mocked_test!(fn a_key_that_no_licence_asks_for_signs_by_a_credential(bed) {
    bed.add(&root_hub());
    let key = SecurityKey::new();
    key.plug(bed, &on_port(1));
    let (credential, another) = (provision(false), provision(false));
    key.firmware.set_touched(false);
    let binding = |credential: &Credential| match bound(credential, licence()).binding {
        Binding::Carrier(binding) => binding,
        other => panic!("{other:?}"),
    };
    let node = on_host();
    let devices = node.plugged();
    until("it is there", || !devices.hardware().inventory.devices.is_empty());
    let proof = devices.attest(&credential.serial(), &[7; 32]).unwrap();
    assert!(verify(&binding(&credential), &[7; 32], &proof));
    assert!(!verify(&binding(&another), &[7; 32], &proof));
    assert!(devices.hardware().carriers.is_empty(), "it is no carrier");
    let unknown = "A".repeat(credential.serial().len());
    assert_eq!(devices.attest(&unknown, &[7; 32]), Err(CarrierError::Absent));

    // By the key's own name where a licence tells which credential is meant.
    let id = device(&node)["ID"].as_str().unwrap().to_owned();
    assert!(matches!(devices.attest(&id, &[7; 32]), Err(CarrierError::Unfit(_))));
    node.put(&bound(&credential, licence()));
    until_sound(&node, KEY_NO);
    let proof = devices.attest(&id, &[8; 32]).unwrap();
    assert!(verify(&binding(&credential), &[8; 32], &proof));
    node.put(&bound(&another, numbered(9)));
    until_sound(&node, 9);
    assert!(matches!(devices.attest(&id, &[8; 32]), Err(CarrierError::Unfit(why)) if why.contains("2 credentials")));
    let proof = devices.attest(&another.serial(), &[9; 32]).unwrap();
    assert!(verify(&binding(&another), &[9; 32], &proof));
});

mocked_test!(fn a_key_that_is_there_before_the_node_is_known_from_its_first_answer(bed) {
    bed.add(&root_hub());
    let key = SecurityKey::new();
    key.plug(bed, &on_port(1));
    let credential = provision(false);
    let mut node = on_host();
    node.put(&bound(&credential, licence()));
    until_sound(&node, KEY_NO);
    node.restart(0);
    assert_eq!(node.licence(KEY_NO)["Workable"], true);
});

mocked_test!(fn another_key_is_not_the_one_and_a_silent_one_may_be_it(bed) {
    bed.add(&root_hub());
    let (key, other) = (SecurityKey::new(), SecurityKey::new());
    key.plug(bed, &on_port(1));
    let credential = provision(false);
    pull(bed, &on_port(1));
    let node = on_host();
    node.put(&bound(&credential, licence()));
    other.plug(bed, &on_port(2));
    until("the other key was asked", || {
        node.get("/api/devices").rows().iter().any(|row| row["VendorID"] == "20a0" && row["Proof"].is_null())
    });
    until_broken(&node, KEY_NO, "is not connected");
    // Nobody is behind the node of this one.
    show(bed, &on_port(3));
    until_broken(&node, KEY_NO, "a device that may be it is connected, but it does not answer within");
});
