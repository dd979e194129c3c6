//! /api/devices, POST /api/rescan, and what the second listener says of devices: extensions of the manual.

use std::sync::Arc;

use crate::common::TestNode;
use crate::common::http::{Answer, Wire};
use crate::common::keys::{KEY_NO, licence};
use crate::common::plug::{binding, blank, device, failed, loaded};
use keynode::devices::{Access, CarrierError, Device, Family, Hardware, Inventory, ScanError};
use keynode::licence::Licence;
use serde_json::{Value, json};

#[test]
fn devices_are_listed_whatever_they_are() {
    let node = TestNode::start();
    assert_eq!(
        node.get("/api/devices").expect(200).json(),
        json!({"Devices": []})
    );
    let key = loaded(
        "A1",
        &Licence {
            binding: binding("A1"),
            ..licence()
        },
    );
    let late = failed(blank("42"), CarrierError::Late(500));
    let foreign = Device {
        id: "usb-0a89-0008@1-3".into(),
        weak: true,
        vendor_id: 0x0a89,
        product_id: 8,
        serial: None,
        family: Some(Arc::new(Family {
            name: "Guardant".into(),
            vendor_id: 0x0a89,
            product_id: None,
            driver: None,
            stay_awake: false,
        })),
        access: Access::NoPermission {
            mend: "a udev rule".into(),
        },
        ..device("x")
    };
    let carriers = vec![Arc::new(key), Arc::new(late)];
    let mut devices: Vec<_> = carriers.iter().map(|carrier| carrier.device.clone()).collect();
    devices.push(Arc::new(foreign));
    let inventory = Arc::new(Inventory {
        devices,
        errors: Vec::new(),
    });
    node.devices.set_hardware(Hardware {
        inventory,
        carriers,
        ..Hardware::default()
    });
    node.follow();
    assert_eq!(
        node.get("/api/devices/usb-1209-0001-A1").expect(200).text(),
        concat!(
            r#"{"ID":"usb-1209-0001-A1","Type":"USB","Family":"Test dongle","Driver":"hid","VendorID":"1209","#,
            r#""ProductID":"0001","Manufacturer":"Example Vendor","Product":"Licence Dongle","SerialNumber":"A1","#,
            r#""Port":"1-2","Bus":1,"Address":5,"Speed":"12","Class":0,"KernelDrivers":"usbhid","Access":"ok","#,
            r#""AccessDetail":null,"WeakID":false,"CarrierNo":"#,
        )
        .to_owned()
            + &blank("A1").number().to_string()
            + r#","Proof":"proven","KeyNo":7131766,"Token":null,"Label":null,"Module":null,"Slot":null,"PinState":null,"USBDevice":null}"#
    );
    let rows = node.get("/api/devices").expect(200).rows();
    assert_eq!(rows.len(), 3);
    assert_eq!(
        (&rows[1]["Proof"], &rows[1]["KeyNo"], &rows[1]["CarrierNo"]),
        (
            &json!("it does not answer within 500 ms"),
            &Value::Null,
            &json!(42)
        )
    );
    let shown = [
        "Driver",
        "SerialNumber",
        "WeakID",
        "Access",
        "AccessDetail",
        "Proof",
        "CarrierNo",
    ];
    assert_eq!(
        shown.map(|field| rows[2][field].clone()),
        [
            json!(null),
            json!(null),
            json!(true),
            json!("no permission"),
            json!("a udev rule"),
            json!(null),
            json!(null)
        ]
    );
    assert_eq!(node.get("/api/devices?VendorID=0a89&_fields=ID").rows().len(), 1);
    assert_eq!(
        node.get("/api/devices?Proof=proven").column("KeyNo"),
        [json!(KEY_NO)]
    );
    assert_eq!(
        node.get("/api/devices?Colour=red").refused(400),
        "EHTTPBadRequest"
    );
    assert_eq!(node.get("/api/devices/usb-1").refused(404), "EDeviceNotFound");
    // A foreign dongle is a device and no key.
    assert_eq!(node.get("/api/licences").rows().len(), 2);
}

/// Asks the second listener; its answers are not signed.
pub(crate) fn admin(node: &TestNode, head: &str) -> Answer {
    let mut wire = Wire::connect(node.admin_address());
    wire.send(format!("{head}\r\nContent-Length: 0\r\n\r\n"));
    wire.answer(false).unwrap()
}

#[test]
fn a_rescan_finds_what_no_event_told_of() {
    let node = TestNode::start();
    let key = |serial: &str| {
        loaded(
            serial,
            &Licence {
                binding: binding(serial),
                ..licence()
            },
        )
    };
    node.devices.set_unnoticed(vec![key("A1")]);
    assert_eq!(node.get("/api/licences").rows().len(), 0);
    let answer = node.ask("POST", "/api/rescan").send().expect(200).json();
    assert_eq!(answer, json!({"Devices": 1, "Licences": 1, "Scans": 1}));
    assert_eq!(node.licence(KEY_NO)["Workable"], true);
    let refused = node.get("/api/rescan");
    assert_eq!(refused.refused(501), "EHTTPNotImplemented");
    assert_eq!(refused.header("Allow"), Some("POST"));
    // The same without a login, for what runs unattended.
    node.devices.set_unnoticed(vec![]);
    let answer = admin(&node, "POST /rescan HTTP/1.1\r\nHost: localhost").expect(200);
    assert_eq!(answer.json(), json!({"Devices": 0, "Licences": 1, "Scans": 2}));
    assert_eq!(node.licence(KEY_NO)["Workable"], false);
    // But not for web pages.
    for head in [
        "POST /rescan HTTP/1.1\r\nHost: localhost\r\nOrigin: http://evil.example",
        "POST /rescan HTTP/1.1\r\nHost: localhost\r\nOrigin: null",
        "POST /rescan HTTP/1.1\r\nHost: evil.example",
    ] {
        admin(&node, head).expect(403);
    }
    let refused = admin(&node, "GET /rescan HTTP/1.1\r\nHost: localhost").expect(405);
    assert_eq!(refused.header("Allow"), Some("POST"));
    let answer = node.ask("POST", "/api/rescan").send().expect(200).json();
    assert_eq!(answer["Scans"], 3, "what was refused scanned nothing");
}

#[test]
fn a_rescan_that_takes_long_holds_nobody_up() {
    let node = TestNode::start();
    let hold = node.devices.hold_scan();
    std::thread::scope(|scope| {
        let long = scope.spawn(|| node.ask("POST", "/api/rescan").send().expect(200).json());
        while node.devices.scans() == 0 {
            std::thread::yield_now();
        }
        // The node has one worker, and whoever asks and hangs up begins no second scan beside the first.
        for _ in 0..3 {
            let mut wire = Wire::connect(node.address());
            wire.send(node.ask("POST", "/api/rescan").bytes());
            drop(wire);
            node.get("/api/licences").expect(200);
        }
        assert_eq!(node.devices.scans(), 1);
        drop(hold);
        assert_eq!(long.join().unwrap()["Devices"], 0);
    });
}

#[test]
fn many_who_ask_at_once_share_a_rescan() {
    let node = TestNode::start();
    std::thread::scope(|scope| {
        for _ in 0..16 {
            scope.spawn(|| node.ask("POST", "/api/rescan").send().expect(200));
        }
    });
    let scans = node.ask("POST", "/api/rescan").send().json()["Scans"]
        .as_u64()
        .unwrap();
    assert!((2..=17).contains(&scans), "{scans}");
}

#[test]
fn health_tells_of_devices() {
    let node = TestNode::start();
    let denied = Device {
        access: Access::NoPermission {
            mend: "a udev rule".into(),
        },
        ..device("B2")
    };
    let key = Arc::new(blank("A1"));
    let plug = |errors: Vec<ScanError>| {
        node.devices.set_hardware(Hardware {
            inventory: Arc::new(Inventory {
                devices: vec![key.device.clone(), Arc::new(denied.clone())],
                errors,
            }),
            carriers: vec![key.clone()],
            ..Hardware::default()
        });
        // A report is given out for a second.
        node.advance(1_000);
        admin(&node, "GET /health HTTP/1.1\r\nHost: localhost")
    };
    let report = plug(vec![]).expect(200).json();
    assert_eq!(report["devices"], "ok");
    let usb = &report["usb"];
    let counts = [
        "devices",
        "inaccessible",
        "carriers",
        "proven",
        "overflows",
        "reconnects",
    ];
    assert_eq!(counts.map(|name| usb[name].as_u64().unwrap()), [2, 1, 1, 1, 2, 1]);
    let error = ScanError {
        place: "udev".into(),
        reason: "it is gone".into(),
    };
    let report = plug(vec![error]).expect(503).json();
    assert_eq!(report["devices"], "udev: it is gone");
    let off = TestNode::with(|settings| settings.devices.enabled = false);
    let report = admin(&off, "GET /health HTTP/1.1\r\nHost: localhost")
        .expect(200)
        .json();
    assert_eq!(report["devices"], "off");
}

#[test]
fn a_reload_brings_new_rules() {
    let mut node = TestNode::start();
    let families = node.devices.rules().catalogue.families().len();
    node.devices.set_unnoticed(vec![blank("42")]);
    node.reload(|settings| {
        settings.devices.revalidate = std::time::Duration::from_secs(30);
        settings
            .devices
            .families
            .push(keynode::settings::FamilyEntry::parse("4b4e:* hid awake Ours").unwrap());
    });
    let rules = node.devices.rules();
    assert_eq!(rules.revalidate, std::time::Duration::from_secs(30));
    assert_eq!(rules.catalogue.families().len(), families + 1);
    let family = rules.catalogue.find(0x4b4e, 7).unwrap();
    assert!(family.stay_awake && family.name == "Ours");
    assert_eq!(node.licence(42)["IsBlank"], true, "it also looks anew");
}
