//! Every check of USB, failing and passing.

use std::collections::HashMap;

use super::*;
use crate::cli::doctor::line::State;
use crate::devices::{DriverKind, Family, HidNode, ScanError};

const OURS: u32 = 993;

fn device(id: &str, driver: Option<DriverKind>, access: Access) -> Arc<Device> {
    let family = Family {
        name: id.into(),
        vendor_id: 0x1209,
        product_id: Some(1),
        driver,
        stay_awake: false,
    };
    let hid = HidNode {
        path: "/dev/hidraw0".into(),
        interface: 0,
        usage_page: None,
        usage: None,
    };
    Arc::new(Device {
        id: id.into(),
        weak: false,
        vendor_id: 0x1209,
        product_id: 1,
        release: 0,
        class: 0,
        manufacturer: None,
        product: None,
        serial: None,
        port: "1-1".into(),
        bus: 1,
        address: 5,
        speed: None,
        drivers: vec![],
        syspath: PathBuf::new(),
        node: "/dev/bus/usb/001/005".into(),
        hid: vec![hid],
        family: Some(Arc::new(family)),
        access,
    })
}

fn inventory(devices: &[Arc<Device>]) -> Inventory {
    Inventory {
        devices: devices.to_vec(),
        errors: vec![],
    }
}

fn own(access: Access) -> Arc<Device> {
    device("own", Some(DriverKind::Hid), access)
}

fn states(lines: &[Line]) -> Vec<State> {
    lines.iter().map(|line| line.state).collect()
}

#[test]
fn could_not_look_is_a_failure_and_not_nothing() {
    let error = ScanError {
        place: "/sys".into(),
        reason: "gone".into(),
    };
    let blind = Inventory {
        errors: vec![error],
        ..Inventory::default()
    };
    let lines = devices(&blind);
    assert!(
        states(&lines) == [State::Failure] && lines[0].text.contains("/sys: gone"),
        "{lines:?}"
    );
    assert_eq!(states(&devices(&Inventory::default())), [State::Ok]);
}

#[test]
fn faulty_and_busy_keys_are_told_and_foreign_ones_may_be_busy() {
    let busy = || Access::Busy {
        by: "scdaemon (pid 4)".into(),
    };
    let faulty = Access::Faulty {
        reason: "no descriptors".into(),
    };
    let lines = devices(&inventory(&[
        own(busy()),
        device("other", None, busy()),
        own(faulty),
    ]));
    assert_eq!(states(&lines), [State::Ok, State::Warning, State::Failure]);
    assert!(
        lines[0].text.ends_with("keys of keynode: 2, of other makers: 1"),
        "{lines:?}"
    );
    assert!(lines[1].text.contains("scdaemon (pid 4)"), "{lines:?}");
}

#[test]
fn hot_plug_needs_libusb_and_udev() {
    assert_eq!(hot_plug(true, true).state, State::Ok);
    assert_eq!(hot_plug(true, false).state, State::Warning);
    assert_eq!(hot_plug(false, true).state, State::Failure);
}

#[test]
fn rules_are_there_current_or_stale() {
    let installed = |text: &str| {
        Some((
            PathBuf::from("/etc/udev/rules.d/70-keynode.rules"),
            text.to_owned(),
        ))
    };
    let (with_key, without) = (inventory(&[own(Access::Ok)]), Inventory::default());
    assert_eq!(rules(installed("now"), "now", &with_key).state, State::Ok);
    assert_eq!(rules(installed("before"), "now", &with_key).state, State::Warning);
    assert_eq!(rules(None, "now", &with_key).state, State::Failure);
    assert_eq!(rules(None, "now", &without).state, State::Warning);
}

#[test]
fn each_key_must_be_open_to_the_services_group() {
    let judge = |usb: (u32, u32), hidraw: (u32, u32), group| {
        let nodes = HashMap::from([("/dev/bus/usb/001/005", usb), ("/dev/hidraw0", hidraw)]);
        permissions(&inventory(&[own(Access::Ok)]), group, |node| {
            let (group, mode) = nodes[node.to_str().unwrap()];
            Ok(Owned { group, mode })
        })
    };
    let open = (OURS, 0o20660);
    assert_eq!(states(&judge(open, open, Some(OURS))), [State::Ok]);
    assert_eq!(states(&judge((0, 0o20666), open, Some(OURS))), [State::Ok]);
    for closed in [(0, 0o20660), (OURS, 0o20640), (0, 0o20664)] {
        let lines = judge(open, closed, Some(OURS));
        assert_eq!(states(&lines), [State::Failure], "{closed:?}");
        assert!(
            lines[0].text.contains("/dev/hidraw0") && !lines[0].text.contains("/dev/bus"),
            "{lines:?}"
        );
    }
    assert_eq!(states(&judge(open, open, None)), [State::Failure]);
}

#[test]
fn a_foreign_key_needs_no_permission_and_a_lost_node_is_told() {
    let foreign = inventory(&[
        device("other", None, Access::Ok),
        device("serial", Some(DriverKind::Serial), Access::Ok),
    ]);
    for group in [Some(OURS), None] {
        let lines = permissions(&foreign, group, |_| panic!("nobody asks for its nodes"));
        assert_eq!(states(&lines), [State::Ok]);
    }
    let lines = permissions(&inventory(&[own(Access::Ok)]), Some(OURS), |_| {
        Err(io::ErrorKind::NotFound.into())
    });
    assert_eq!(states(&lines), [State::Failure]);
}
