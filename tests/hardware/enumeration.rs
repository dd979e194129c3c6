//! What is plugged in, as a scan tells it.

use keynode::devices::{Access, Catalogue, Device, Inventory, scan_once};

use super::described::{Described, root_hub};
use super::preload::mocked_test;

fn scan() -> Inventory {
    scan_once(&Catalogue::new(vec![]))
}

/// A device on this port of bus 1.
fn on(port: u8, serial: Option<&str>) -> Described {
    Described {
        ports: port.to_string(),
        address: port + 10,
        serial: serial.map(Into::into),
        hid: None,
        ..Described::default()
    }
}

fn at<'a>(inventory: &'a Inventory, port: &str) -> &'a Device {
    let found = inventory.devices.iter().find(|device| device.port == port);
    found.unwrap_or_else(|| panic!("nothing on {port}: {inventory:#?}"))
}

mocked_test!(fn everything_about_a_carrier_is_told_without_opening_it(bed) {
    bed.add(&root_hub());
    bed.add(&Described::default().text());
    let inventory = scan();
    assert_eq!((inventory.errors.len(), inventory.devices.len()), (0, 1), "{inventory:#?}");
    let device = at(&inventory, "1-1");
    assert_eq!((device.id.as_str(), device.weak), ("usb-1209-0001-LK-00000042", false));
    assert_eq!((device.vendor_id, device.product_id, device.release), (0x1209, 1, 0x0100));
    assert_eq!(device.manufacturer.as_deref(), Some("Example Vendor"));
    assert_eq!(device.product.as_deref(), Some("Licence Dongle"));
    assert_eq!((device.bus, device.address, device.speed.as_deref()), (1, 5, Some("12")));
    assert_eq!(device.drivers, ["usbhid"]);
    assert_eq!(device.syspath.to_str(), Some(Described::default().syspath().as_str()));
    assert_eq!(device.node.to_str(), Some("/dev/bus/usb/001/005"));
    assert_eq!(device.hid[0].path.to_str(), Some("/dev/hidraw0"));
    assert_eq!((device.hid[0].usage_page, device.hid[0].usage), (Some(0xff4b), Some(1)));
    assert_eq!(device.access, Access::Ok);
    assert!(device.family.as_ref().unwrap().driver.is_some());
});

mocked_test!(fn a_machine_without_usb_has_no_devices_and_no_errors(bed) {
    bed.add("P: /devices/virtual/mem/null\nE: SUBSYSTEM=mem\n\n");
    assert_eq!(scan(), Inventory::default());
});

mocked_test!(fn twins_and_devices_without_a_serial_number_are_named_by_their_port(bed) {
    bed.add(&root_hub());
    for device in [on(1, Some("TWIN")), on(2, Some("TWIN")), on(3, None), on(10, Some("ONE"))] {
        bed.add(&device.text());
    }
    let inventory = scan();
    let named: Vec<_> = inventory.devices.iter().map(|device| (device.id.as_str(), device.weak)).collect();
    assert_eq!(named, [
        ("usb-1209-0001-TWIN@1-1", true),
        ("usb-1209-0001-TWIN@1-2", true),
        ("usb-1209-0001@1-3", true),
        ("usb-1209-0001-ONE", false),
    ]);
});

mocked_test!(fn hostile_strings_are_harmless(bed) {
    bed.add(&root_hub());
    bed.add(&Described {
        manufacturer: Some("\x1b]0;owned\x07\u{202e}evil".into()),
        product: Some("P".repeat(4000)),
        serial: Some("../../etc/passwd \x1b[2J@1-2%".into()),
        hid: None,
        ..Described::default()
    }.text());
    let inventory = scan();
    let device = at(&inventory, "1-1");
    assert_eq!(device.manufacturer.as_deref(), Some("]0;ownedevil"));
    assert_eq!(device.product.as_ref().map(String::len), Some(126));
    assert_eq!(device.serial.as_deref(), Some("../../etc/passwd [2J@1-2%"));
    assert_eq!(device.id, "usb-1209-0001-..%2F..%2Fetc%2Fpasswd%20%5B2J%401-2%25");
});

mocked_test!(fn a_broken_device_is_a_row_with_its_reason_beside_the_good_ones(bed) {
    bed.add(&root_hub());
    let text = on(2, Some("BAD")).text();
    let (head, tail) = text.split_once("H: descriptors=").unwrap();
    let (_, tail) = tail.split_once('\n').unwrap();
    bed.add(&format!("{head}H: descriptors=1201\n{tail}"));
    bed.add(&on(1, Some("GOOD")).text());
    bed.add(&on(3, Some("NUMBERLESS")).text().replace("A: idVendor=1209", "A: idVendor=zzzz"));
    let inventory = scan();
    assert_eq!(inventory.devices.len(), 3, "{inventory:#?}");
    assert_eq!(at(&inventory, "1-1").access, Access::Ok);
    let reason = |port| at(&inventory, port).access.detail().unwrap_or_default().to_owned();
    assert_eq!((at(&inventory, "1-2").access.name(), at(&inventory, "1-3").access.name()), ("faulty", "faulty"));
    assert!(reason("1-2").contains("descriptors"), "{}", reason("1-2"));
    assert!(reason("1-3").contains("idVendor"), "{}", reason("1-3"));
    assert_eq!(at(&inventory, "1-3").vendor_id, 0x1209, "libusb knows it");
});

mocked_test!(fn what_the_administrator_or_another_program_holds_is_told(bed) {
    bed.add(&root_hub());
    let forbidden = on(1, Some("A")).text().replace("A: authorized=1", "A: authorized=0");
    bed.add(&forbidden);
    let hid = Described { ports: "2".into(), address: 12, ..Described::default() }.text();
    bed.add(&hid.replace("drivers/usbhid", "drivers/usbfs"));
    let storage = on(3, Some("C")).text().replace("A: bInterfaceNumber", "L: driver=../../../../../../bus/usb/drivers/usb-storage\nA: bInterfaceNumber");
    bed.add(&storage);
    let inventory = scan();
    let told = |port| at(&inventory, port).access.clone();
    assert!(matches!(told("1-1"), Access::Faulty { reason } if reason.contains("USBGuard")), "{:?}", told("1-1"));
    assert!(matches!(told("1-2"), Access::Busy { by } if by.contains("usbfs")), "{:?}", told("1-2"));
    assert!(matches!(told("1-3"), Access::Busy { by } if by.contains("usb-storage")), "{:?}", told("1-3"));
});

mocked_test!(fn the_administrators_switch_leaves_a_device_out(bed) {
    bed.add(&root_hub());
    bed.add(&on(1, Some("A")).text().replace("E: ID_BUS=usb", "E: ID_BUS=usb\nE: KEYNODE_IGNORE=1"));
    bed.add(&on(2, Some("B")).text().replace("E: ID_BUS=usb", "E: ID_BUS=usb\nE: KEYNODE_IGNORE=0"));
    let inventory = scan();
    assert_eq!(inventory.devices.len(), 1);
    assert_eq!(at(&inventory, "1-2").serial.as_deref(), Some("B"));
});

mocked_test!(fn no_permission_is_told_with_the_line_that_mends_it(bed) {
    use std::fs::{Permissions, set_permissions};
    use std::os::unix::fs::PermissionsExt;
    bed.add(&root_hub());
    let dongle = Described::default();
    bed.add(&dongle.text());
    bed.add(&Described { ports: "2".into(), address: 6, hid: Some((1, vec![])), vendor_id: 0xabcd, ..Described::default() }.text());
    bed.add(&Described { ports: "3".into(), address: 7, hid: Some((2, vec![])), serial: None, ..Described::default() }.text());
    let set = |path: &str, mode| set_permissions(bed.root().join(path), Permissions::from_mode(mode)).unwrap();
    set("", 0o755);
    for (node, mode) in [
        ("dev/bus/usb/001/005", 0o600), ("dev/hidraw0", 0o666), ("dev/bus/usb/001/006", 0o666), ("dev/hidraw1", 0o600),
        ("dev/bus/usb/001/007", 0o666), ("dev/hidraw2", 0o666),
    ] {
        set(node, mode);
    }
    let inventory = std::thread::scope(|scope| scope.spawn(|| {
        // Only this thread becomes nobody, where the test runs as root.
        let nobody = rustix::process::Uid::from_raw(65534);
        if rustix::process::geteuid().is_root() {
            rustix::thread::set_thread_res_uid(nobody, nobody, nobody).unwrap();
        } else {
            set("dev/bus/usb/001/005", 0o000);
            set("dev/hidraw1", 0o000);
        }
        scan()
    }).join().unwrap());
    let mend = |port| at(&inventory, port).access.detail().unwrap_or_default().to_owned();
    assert_eq!(at(&inventory, "1-1").access.name(), "no permission", "{inventory:#?}");
    let line = r#"SUBSYSTEM=="usb", ENV{DEVTYPE}=="usb_device", ATTR{idVendor}=="1209", ATTR{idProduct}=="0001", GROUP="keynode", MODE="0660""#;
    assert!(mend("1-1").contains(line) && mend("1-1").contains("70-keynode.rules"), "{}", mend("1-1"));
    assert_eq!(at(&inventory, "1-2").access.name(), "no permission", "the hidraw node alone");
    assert!(mend("1-2").contains(r#"SUBSYSTEM=="hidraw", KERNEL=="hidraw*", ATTRS{idVendor}=="abcd""#), "{}", mend("1-2"));
    assert_eq!(at(&inventory, "1-3").access, Access::Ok);
});
