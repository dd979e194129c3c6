//! Security keys: files are bound to them, and the node asks them for nothing else.

use keynode::devices::{Carrier, CarrierError, CarrierState, DriverKind};
use keynode::licence::Licence;
use keynode::licence::binding::{Binding, CarrierBinding};
use serde_json::json;

use crate::common::TestNode;
use crate::common::keys::{KEY_NO, licence, numbered};
use crate::common::plug::{binding, blank};

/// A COSE key of ES256.
const COSE_KEY: &str =
    "pQECAyYgASFYIAEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBIlggAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI";

/// A security key, asked for a credential.
fn security_key(state: CarrierState) -> Carrier {
    let proven = state == CarrierState::Proven;
    Carrier {
        driver: DriverKind::Fido2,
        serial: proven.then(|| "AQID".into()),
        public_key: proven.then(|| COSE_KEY.into()),
        state,
        memory: None,
        capacity: 0,
        ..blank("S")
    }
}

#[test]
fn security_keys_are_asked_for_what_licence_files_are_bound_to_and_are_no_keys_themselves() {
    let node = TestNode::start();
    let dongle = binding("LK-1");
    node.put(&Licence {
        binding: dongle,
        ..numbered(9)
    });
    assert_eq!(
        node.devices.credentials(),
        [],
        "no licence asks for a security key"
    );
    let binding = CarrierBinding {
        driver: "fido2".into(),
        serial: "AQID".into(),
        public_key: Some(COSE_KEY.into()),
    };
    let binding = Binding::Carrier(binding);
    let file = node.put(&Licence { binding, ..licence() });
    let asked = node.devices.credentials();
    assert_eq!((asked.len(), asked[0].serial()), (1, "AQID".to_owned()));
    assert_eq!(
        node.licence(KEY_NO)["OpenError"],
        "its carrier fido2 AQID is not connected"
    );

    node.plug(vec![security_key(CarrierState::Proven)]);
    assert_eq!(node.licence(KEY_NO)["Workable"], true);
    assert_eq!(node.get("/api/licences").rows().len(), 2, "two files");
    let device = &node.get("/api/devices").rows()[0];
    assert_eq!(
        (&device["Driver"], &device["Proof"]),
        (&json!("fido2"), &json!("proven"))
    );

    let touched = CarrierError::NotSilent("it answers only when somebody touches it".into());
    node.plug(vec![security_key(CarrierState::Failed(touched))]);
    assert_eq!(
        node.licence(KEY_NO)["OpenError"],
        "its carrier fido2 AQID was not found; a device that may be it is connected, but it answers only when somebody \
         touches it"
    );
    node.remove(&file);
    assert_eq!(node.devices.credentials(), []);
}
