//! Carriers prove themselves over feature reports, and every way to fail has its own reason.

use keynode::devices::{Access, CarrierError, Device, DriverKind, HidNode, Known, Proof, prove};

use super::described::{Described, root_hub};
use super::dongle::{Fault, Plugged, dongle, plug};
use super::preload::mocked_test;
use super::testbed::Testbed;

/// The device as the scan would find it.
pub(crate) fn found(described: &Described) -> Device {
    Device {
        id: "usb-1209-0001-LK-00000042".into(),
        weak: false,
        vendor_id: described.vendor_id,
        product_id: described.product_id,
        release: 0x0100,
        class: 0,
        manufacturer: described.manufacturer.clone(),
        product: described.product.clone(),
        serial: described.serial.clone(),
        port: format!("1-{}", described.ports),
        bus: 1,
        address: described.address,
        speed: Some("12".into()),
        drivers: vec!["usbhid".into()],
        syspath: described.syspath().into(),
        node: described.node().into(),
        hid: vec![HidNode {
            path: described.hidraw().into(),
            interface: 0,
            usage_page: Some(0xff4b),
            usage: Some(1),
        }],
        family: None,
        access: Access::Ok,
    }
}

/// A dongle that is plugged in, and the device it is found as.
pub(crate) fn plugged(bed: &Testbed) -> (Plugged, Device) {
    let described = Described::default();
    let dongle = dongle(&described);
    bed.add(&root_hub());
    plug(bed, &described, &dongle);
    (dongle, found(&described))
}

fn prove_anew(device: &Device) -> Result<Proof, CarrierError> {
    prove(device, DriverKind::Hid, &mut Known::default())
}

mocked_test!(fn a_dongle_proves_itself_in_few_transfers(bed) {
    let (dongle, device) = plugged(bed);
    dongle.dongle().memory().preload(&[b'x'; 100]);
    let mut known = Known::default();
    let proof = prove(&device, DriverKind::Hid, &mut known).unwrap();
    assert_eq!(proof.serial, "LK-00000042");
    assert_eq!(proof.capacity, 16 * 1024);
    assert_eq!(proof.memory.as_deref(), Some([b'x'; 100].as_slice()));
    dongle.set_fault(Fault::None);
    assert_eq!(prove(&device, DriverKind::Hid, &mut known).unwrap(), proof);
    assert_eq!(dongle.dongle().transfers(), 8, "the memory did not change, so it is not read");
});
