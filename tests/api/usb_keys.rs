//! USB keys and licence files on carriers: when they are Workable, and what their OpenError says when they are not
//! (section 8, rows 19 and 20).

use std::time::{Duration, Instant};

use crate::common::TestNode;
use crate::common::keys::{KEY_NO, VENDOR_PUBLIC, licence, numbered, vendor_kid};
use crate::common::plug::{binding, blank, failed, loaded, moved, public_key};
use keynode::devices::{Carrier, CarrierError, CarrierState, DriverKind, Hardware, Inventory, ScanError};
use keynode::licence::Licence;
use keynode::licence::binding::{Binding, CarrierBinding};
use serde_json::{Value, json};

/// A licence that belongs on the carrier of this serial number.
fn bound(serial: &str, licence: Licence) -> Licence {
    Licence {
        binding: binding(serial),
        ..licence
    }
}

#[track_caller]
fn assert_sound(licence: &Value) {
    assert_eq!(
        (&licence["Workable"], &licence["Enabled"], &licence["OpenError"]),
        (&json!(true), &json!(true), &Value::Null),
        "{licence}"
    );
}

/// The OpenError of a key that is not Workable.
#[track_caller]
fn error(licence: &Value) -> String {
    assert_eq!(
        (&licence["Workable"], &licence["Enabled"]),
        (&json!(false), &json!(false)),
        "{licence}"
    );
    licence["OpenError"].as_str().unwrap().to_owned()
}

#[test]
fn a_usb_key_comes_goes_and_comes_back_on_another_port() {
    let node = TestNode::start();
    let key = loaded("A1", &bound("A1", licence()));
    node.plug(vec![key.clone()]);
    let there = node.licence(KEY_NO);
    assert_sound(&there);
    assert_eq!(
        (
            &there["Type"],
            &there["FileName"],
            &there["IsBlank"],
            &there["LicenceCount"]
        ),
        (
            &json!("USB"),
            &json!("usb-1209-0001-A1"),
            &json!(false),
            &json!(5)
        )
    );
    node.plug(vec![]);
    let gone = node.licence(KEY_NO);
    assert_eq!(error(&gone), "unplugged; it was last at port 1-2");
    let mut same = there.clone();
    for field in ["Workable", "Enabled", "OpenError"] {
        same[field] = gone[field].clone();
    }
    assert_eq!(gone, same, "an administrator sees which licence is missing");
    assert_eq!(node.take("a").refused(403), "ELicenceNotWorkable");
    node.plug(vec![moved(key, "1-4.1")]);
    assert_eq!(node.licence(KEY_NO), there);
    assert_eq!(node.get("/api/licences").rows().len(), 1);
    node.plug(vec![]);
    assert!(error(&node.licence(KEY_NO)).contains("1-4.1"));
}

#[test]
fn a_usb_key_that_fails_says_how() {
    let node = TestNode::start();
    let key = loaded("A1", &bound("A1", licence()));
    node.plug(vec![key.clone()]);
    assert_sound(&node.licence(KEY_NO));
    for failure in [
        CarrierError::NoPermission("no permission to open /dev/hidraw0".into()),
        CarrierError::Busy("another program (process 7)".into()),
        CarrierError::Gone,
        CarrierError::Late(500),
        CarrierError::Short,
        CarrierError::Protocol("an unknown answer".into()),
        CarrierError::Wrong,
        CarrierError::Replayed,
        CarrierError::OtherKey,
        CarrierError::Memory("a page cannot be read".into()),
        CarrierError::NoSerial,
        CarrierError::Io("EPIPE".into()),
    ] {
        let told = format!("the device is connected but {failure}");
        node.plug(vec![failed(key.clone(), failure)]);
        assert_eq!(error(&node.licence(KEY_NO)), told);
    }
    let pending = Carrier {
        state: CarrierState::Pending,
        memory: None,
        ..key.clone()
    };
    node.plug(vec![pending]);
    let asked = node.licence(KEY_NO);
    assert!(error(&asked).contains("still being asked"));
    assert_eq!(asked["LicenceCount"], 5, "what it held is known");
    node.plug(vec![key]);
    assert_sound(&node.licence(KEY_NO));
}

#[test]
fn a_licence_that_is_damaged_or_not_trusted_is_told_of_by_the_carriers_number() {
    let node = TestNode::start();
    let with = |memory: &[u8]| Carrier {
        memory: Some(memory.into()),
        ..blank("77")
    };
    node.plug(vec![with(b"no licence")]);
    let damaged = node.licence(77);
    assert!(error(&damaged).contains("no licence"));
    assert_eq!(
        (&damaged["Type"], &damaged["IsBlank"], &damaged["KeyID"]),
        (&json!("USB"), &json!(false), &Value::Null)
    );
    // It is read anew when the trusted vendors change.
    let vendor = node.settings.vendor_dir().join(format!("{}.pem", vendor_kid()));
    std::fs::remove_file(&vendor).unwrap();
    node.plug(vec![loaded("77", &bound("77", licence()))]);
    assert!(error(&node.licence(77)).contains("unknown vendor"));
    std::fs::write(&vendor, VENDOR_PUBLIC).unwrap();
    node.follow();
    assert_sound(&node.licence(KEY_NO));
}

#[test]
fn a_copy_on_another_device_is_not_workable_and_spoils_nothing() {
    let node = TestNode::start();
    let genuine = bound("A1", licence());
    let copy = loaded("B2", &genuine);
    node.plug(vec![copy.clone()]);
    let told = error(&node.licence(KEY_NO));
    assert!(
        told.contains("another device, hid A1") && told.contains("copy"),
        "{told}"
    );
    node.plug(vec![copy.clone(), loaded("A1", &genuine)]);
    assert_sound(&node.licence(KEY_NO));
    assert_eq!(node.get("/api/licences?Workable=true").rows().len(), 1);
    assert_eq!(node.get("/api/licences").rows().len(), 2);
    // The same serial number does not help it: its key is another. The devices are then named by their ports, and
    // the number that BlankKeyNo names is still the same.
    let genuine = Licence {
        blank_key_no: Some(blank("A1").number()),
        ..genuine
    };
    let at = |port: &str, carrier: Carrier| {
        let mut device = (*moved(carrier.clone(), port).device).clone();
        device.id = format!("usb-1209-0001-A1@{port}");
        Carrier {
            device: device.into(),
            ..carrier
        }
    };
    let impostor = Carrier {
        public_key: Some(public_key("other")),
        ..loaded("A1", &genuine)
    };
    node.plug(vec![
        at("1-1", impostor.clone()),
        at("1-2", loaded("A1", &genuine)),
    ]);
    assert_sound(&node.licence(KEY_NO));
    let rows = node.get("/api/licences?Workable=false").rows();
    assert_eq!(rows.len(), 1);
    assert!(error(&rows[0]).contains("another device with the same serial number"));
    node.plug(vec![impostor]);
    assert!(error(&node.licence(KEY_NO)).contains("another device with the same serial number"));
    // A licence that is bound to nothing works on any carrier, but not on two at once.
    node.plug(vec![loaded("A1", &numbered(9)), loaded("B2", &numbered(9))]);
    assert!(error(&node.licence(9)).contains("usb-1209-0001-"));
    // Nor does such a copy spoil a file.
    let file = node.put(&numbered(9));
    node.plug(vec![loaded("A1", &numbered(9))]);
    assert_sound(&node.licence(9));
    let copy = &node.get("/api/licences?Type=USB").rows()[0];
    assert!(error(copy).contains(file.to_str().unwrap()));
    node.remove(&file);
    assert_sound(&node.licence(9));
    // Where it names its carrier by number, it works there alone.
    let named = Licence {
        blank_key_no: Some(42),
        ..numbered(10)
    };
    node.plug(vec![loaded("43", &named)]);
    assert!(error(&node.licence(10)).contains("BlankKeyNo 42"));
    node.plug(vec![loaded("42", &named), loaded("43", &named)]);
    assert_sound(&node.licence(10));
}

#[test]
fn a_file_bound_to_a_carrier_is_workable_while_that_proves_itself() {
    let node = TestNode::start();
    node.put(&bound("A1", licence()));
    let told = || error(&node.licence(KEY_NO));
    assert_eq!(told(), "its carrier hid A1 is not connected");
    node.plug(vec![blank("B2")]);
    assert_eq!(told(), "its carrier hid A1 is not connected");
    node.plug(vec![blank("B2"), blank("A1")]);
    assert_sound(&node.licence(KEY_NO));
    node.plug(vec![failed(blank("A1"), CarrierError::Replayed)]);
    assert_eq!(
        told(),
        format!("its carrier hid A1 is connected but {}", CarrierError::Replayed)
    );
    node.plug(vec![Carrier {
        state: CarrierState::Pending,
        ..blank("A1")
    }]);
    assert!(told().contains("still being asked"));
    node.plug(vec![Carrier {
        public_key: Some(public_key("other")),
        ..blank("A1")
    }]);
    assert!(told().contains("another device with the same serial number"));
    // Not to have looked is not to have found nothing.
    let error = ScanError {
        place: "/sys/bus/usb".into(),
        reason: "Input/output error".into(),
    };
    node.devices.set_hardware(Hardware {
        inventory: Inventory {
            devices: Vec::new(),
            errors: vec![error],
        }
        .into(),
        ..Hardware::default()
    });
    node.follow();
    assert!(told().contains("/sys/bus/usb: Input/output error"), "{}", told());
}

#[test]
fn other_drivers_and_bindings_that_prove_nothing() {
    let node = TestNode::start();
    let with = |driver: &str, serial: &str, public_key: Option<&str>| Licence {
        binding: Binding::Carrier(CarrierBinding {
            driver: driver.into(),
            serial: serial.into(),
            public_key: public_key.map(str::to_owned),
        }),
        ..licence()
    };
    node.put(&with("fido3", "A1", None));
    assert!(error(&node.licence(KEY_NO)).contains("fido3 A1 has a driver that this version"));
    node.put(&with("hid", "A1", None));
    node.plug(vec![blank("A1")]);
    assert!(error(&node.licence(KEY_NO)).contains("does not name the public key"));
    let clonable = Carrier {
        driver: DriverKind::Serial,
        serial: Some("1209:0001:A1".into()),
        public_key: None,
        memory: None,
        capacity: 0,
        ..blank("A1")
    };
    node.plug(vec![clonable]);
    node.put(&with("serial", "1209:0001:A1", None));
    assert_sound(&node.licence(KEY_NO));
    let listed = node.get("/api/licences?Type=USB").rows();
    assert_eq!((listed.len(), &listed[0]["IsBlank"]), (1, &json!(true)));
}

#[test]
fn a_file_on_a_carrier_by_number_is_workable_while_that_proves_itself() {
    let node = TestNode::start();
    node.put(&Licence {
        blank_key_no: Some(77),
        ..licence()
    });
    let told = || error(&node.licence(KEY_NO));
    assert_eq!(told(), "its carrier BlankKeyNo 77 is not connected");
    node.plug(vec![blank("77")]);
    assert_sound(&node.licence(KEY_NO));
    assert_eq!(node.licence(KEY_NO)["BlankKeyNo"], 77);
    node.plug(vec![failed(blank("77"), CarrierError::Late(500))]);
    assert!(told().starts_with("its carrier BlankKeyNo 77 is connected but it does not answer"));
    // Bound besides: both mean one device.
    node.put(&Licence {
        blank_key_no: Some(77),
        ..bound("78", licence())
    });
    node.plug(vec![blank("77"), blank("78")]);
    assert!(
        told().contains("not the one that BlankKeyNo 77 names"),
        "{}",
        told()
    );
    node.put(&Licence {
        blank_key_no: Some(78),
        ..bound("78", licence())
    });
    assert_sound(&node.licence(KEY_NO));
}

#[test]
fn row_20_blank_carriers() {
    use sha2::{Digest, Sha256};

    let node = TestNode::start();
    let numbered_key = blank("7131766");
    let named = blank("LK-1");
    let number = Sha256::digest("usb-1209-0001-LK-1")[..6]
        .iter()
        .fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
    node.plug(vec![numbered_key.clone(), named.clone()]);
    for (key_no, name) in [(7_131_766, "7131766"), (number, "LK-1")] {
        let carrier = node.licence(key_no);
        let shown = [
            "Type",
            "IsBlank",
            "LicenceCount",
            "KeyID",
            "Enabled",
            "Workable",
            "OpenError",
        ];
        assert_eq!(
            shown.map(|field| carrier[field].clone()),
            [
                json!("USB"),
                json!(true),
                json!(0),
                json!(null),
                json!(false),
                json!(true),
                json!(null)
            ]
        );
        assert_eq!(carrier["FileName"], format!("usb-1209-0001-{name}"));
    }
    assert_eq!(node.get("/api/licences?IsBlank=true").rows().len(), 2);
    // A licence of the same number is what the number finds.
    node.put(&licence());
    assert_eq!(node.licence(KEY_NO)["IsBlank"], false);
    assert_eq!(node.get("/api/licences").rows().len(), 3);
    // One that fails says so; one that was never read may hold something. A blank one that is pulled is no loss.
    let unread = Carrier {
        memory: None,
        ..failed(blank("3"), CarrierError::Late(500))
    };
    node.plug(vec![unread]);
    let carrier = node.licence(3);
    assert_eq!(carrier["IsBlank"], false);
    assert!(error(&carrier).contains("does not answer"));
    node.plug(vec![failed(named, CarrierError::Wrong)]);
    let carrier = node.licence(number);
    assert_eq!(carrier["IsBlank"], true);
    assert!(error(&carrier).contains("proof is wrong"));
    node.plug(vec![]);
    assert_eq!(node.get("/api/licences").rows().len(), 1);
}

#[test]
fn what_is_plugged_in_shows_without_being_asked_for() {
    let node = TestNode::start();
    let until = |what: &str, workable: &[Value]| {
        let asked = Instant::now();
        while node.get("/api/licences").column("Workable") != workable {
            assert!(asked.elapsed() < Duration::from_secs(20), "{what}");
            std::thread::yield_now();
        }
    };
    let key = loaded("A1", &bound("A1", licence()));
    node.devices.set(vec![key.clone()]);
    until("plugged in", &[json!(true)]);
    node.devices.set(vec![]);
    until("pulled", &[json!(false)]);
    node.devices.set(vec![key]);
    until("plugged in again", &[json!(true)]);
}

#[test]
fn switched_off_devices_are_told_from_absent_ones() {
    let node = TestNode::with(|settings| settings.devices.enabled = false);
    node.put(&bound("A1", licence()));
    node.plug(vec![blank("A1")]);
    let told = error(&node.licence(KEY_NO));
    assert!(
        told.contains("switched off in the settings (devices.enabled)"),
        "{told}"
    );
    assert_eq!(node.get("/api/devices").rows().len(), 0);
    node.ask("POST", "/api/rescan").send().expect(200);
}
