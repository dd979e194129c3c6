//! A whole node above real libusb, udev and hidapi: a dongle comes, fails, goes, and comes back elsewhere, and GET
//! /api/licences tells the truth.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use keynode::licence::Licence;
use keynode::licence::binding::{Binding, CarrierBinding};
use serde_json::{Value, json};

use super::common::TestNode;
use super::common::keys::{KEY_NO, licence, numbered, sealed};
use super::described::{Described, root_hub};
use super::dongle::{Fault, Plugged, dongle, plug, unplug};
use super::preload::mocked_test;
use super::watching::until;

/// A node that sees the described devices.
pub(crate) fn on_host() -> TestNode {
    TestNode::make(|_| (), true).unwrap()
}

/// A dongle on this port of bus 1, not plugged in yet.
pub(crate) fn on_port(port: u8, serial: &str) -> Described {
    Described {
        serial: Some(serial.into()),
        ports: port.to_string(),
        address: 4 + port,
        hid: Described::default()
            .hid
            .map(|(_, descriptor)| (port.into(), descriptor)),
        ..Described::default()
    }
}

/// The licence, bound to the dongle.
pub(crate) fn bound(dongle: &Plugged, serial: &str, licence: Licence) -> Licence {
    let public_key = URL_SAFE_NO_PAD.encode(dongle.dongle().public_key());
    let binding = CarrierBinding {
        driver: "hid".into(),
        serial: serial.into(),
        public_key: Some(public_key),
    };
    Licence {
        binding: Binding::Carrier(binding),
        ..licence
    }
}

/// A dongle with this licence in its memory.
pub(crate) fn loaded(described: &Described, licence: Licence) -> Plugged {
    let dongle = dongle(described);
    let licence = bound(&dongle, described.serial.as_deref().unwrap(), licence);
    dongle.dongle().memory().preload(sealed(&licence).as_bytes());
    dongle
}

/// Why the licence of this number is not Workable; `Null` where it is, none where it is not listed.
fn open_error(node: &TestNode, key_no: u64) -> Option<Value> {
    let answer = node.get(&format!("/api/licences/{key_no}"));
    (answer.status == 200).then(|| {
        let licence = answer.json();
        assert_eq!(licence["Workable"], licence["OpenError"].is_null(), "{licence}");
        licence["OpenError"].clone()
    })
}

pub(crate) fn until_sound(node: &TestNode, key_no: u64) {
    until("the key is Workable", || {
        open_error(node, key_no) == Some(Value::Null)
    });
}

pub(crate) fn until_broken(node: &TestNode, key_no: u64, why: &str) {
    until(why, || {
        let error = open_error(node, key_no).unwrap_or_default();
        error.as_str().is_some_and(|error| error.contains(why))
    });
}

mocked_test!(fn a_dongle_comes_goes_and_comes_back_on_another_port(bed) {
    bed.add(&root_hub());
    let (first, second) = (on_port(1, "LK-1"), on_port(3, "LK-1"));
    let dongle = loaded(&first, licence());
    let node = on_host();
    assert_eq!(node.get("/api/licences").rows().len(), 0);
    plug(bed, &first, &dongle);
    until_sound(&node, KEY_NO);
    let there = node.licence(KEY_NO);
    assert_eq!(
        (&there["Type"], &there["FileName"], &there["Enabled"]),
        (&json!("USB"), &json!("usb-1209-0001-LK-1"), &json!(true))
    );
    let device = node.get("/api/devices/usb-1209-0001-LK-1").expect(200).json();
    assert_eq!(
        (&device["Proof"], &device["KeyNo"], &device["Port"]),
        (&json!("proven"), &json!(KEY_NO), &json!("1-1"))
    );
    unplug(bed, &first, &dongle);
    until_broken(&node, KEY_NO, "unplugged; it was last at port 1-1");
    assert_eq!(node.get("/api/devices").rows().len(), 0);
    plug(bed, &second, &dongle);
    until_sound(&node, KEY_NO);
    assert_eq!(node.licence(KEY_NO), there, "the same key");
});

mocked_test!(fn a_dongle_that_is_there_before_the_node_is_known_from_its_first_answer(bed) {
    bed.add(&root_hub());
    let described = on_port(1, "LK-1");
    plug(bed, &described, &loaded(&described, licence()));
    let node = on_host();
    assert_eq!(node.licence(KEY_NO)["Workable"], true);
});

mocked_test!(fn faults_show_at_the_next_look_and_are_over_at_the_next(bed) {
    bed.add(&root_hub());
    let described = on_port(1, "LK-1");
    let dongle = loaded(&described, licence());
    plug(bed, &described, &dongle);
    let node = on_host();
    until_sound(&node, KEY_NO);
    for (fault, why) in [
        (Fault::Wrong, "its proof is wrong"),
        (Fault::Replay, "replayed an earlier proof"),
        (Fault::Short, "too short"),
        (Fault::Stall, "stalled the request"),
        (Fault::Key, "another public key than before"),
    ] {
        dongle.set_fault(fault);
        node.ask("POST", "/api/rescan").send().expect(200);
        until_broken(&node, KEY_NO, why);
        assert_eq!(node.licence(KEY_NO)["LicenceCount"], 5, "{fault:?}");
        dongle.set_fault(Fault::None);
        node.ask("POST", "/api/rescan").send().expect(200);
        until_sound(&node, KEY_NO);
    }
});

mocked_test!(fn a_blank_dongle_vouches_for_a_file(bed) {
    bed.add(&root_hub());
    let described = on_port(1, "4711");
    let dongle = dongle(&described);
    let node = on_host();
    node.put(&bound(&dongle, "4711", licence()));
    node.put(&Licence { blank_key_no: Some(4711), ..numbered(9) });
    until_broken(&node, KEY_NO, "its carrier hid 4711 is not connected");
    plug(bed, &described, &dongle);
    until_sound(&node, KEY_NO);
    until_sound(&node, 9);
    let blank = node.licence(4711);
    assert_eq!((&blank["IsBlank"], &blank["Workable"], &blank["Enabled"]), (&json!(true), &json!(true), &json!(false)));
    unplug(bed, &described, &dongle);
    until_broken(&node, 9, "its carrier BlankKeyNo 4711 is not connected");
    until_broken(&node, KEY_NO, "not connected");
});

mocked_test!(fn an_impostor_beside_the_genuine_dongle_changes_nothing(bed) {
    bed.add(&root_hub());
    let (first, second) = (on_port(1, "LK-1"), on_port(2, "LK-1"));
    let genuine = loaded(&first, licence());
    let impostor = dongle(&second);
    impostor.set_fault(Fault::Key);
    let memory = genuine.dongle().memory().licence().to_vec();
    impostor.dongle().memory().preload(&memory);
    let node = on_host();
    plug(bed, &first, &genuine);
    until_sound(&node, KEY_NO);
    node.seat("a");
    plug(bed, &second, &impostor);
    impostor.set_fault(Fault::Key);
    until("both are listed", || node.get("/api/licences").rows().len() == 2);
    node.ask("POST", "/api/rescan").send().expect(200);
    until("one of them is told as the other device", || {
        node.get("/api/licences?Workable=false").rows().iter().any(|row| {
            row["OpenError"].as_str().unwrap().contains("another device with the same serial number")
        })
    });
    until_sound(&node, KEY_NO);
    node.take("a").expect(200);
    unplug(bed, &first, &genuine);
    until_broken(&node, KEY_NO, "another device with the same serial number");
});
