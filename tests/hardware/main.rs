//! The hardware as real libusb, libudev and hidapi see it, against devices described to umockdev. Each test runs in
//! a process of its own.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../common/mod.rs"]
#[allow(dead_code, unused_imports, reason = "the tests of the API use the rest of it")]
mod common;

mod attestation;
mod carrier_memory;
mod carrier_page;
mod carrier_proof;
mod catalogue;
mod described;
mod dongle;
mod dongle_usbip;
mod enumeration;
mod keys_command;
mod keys_node;
mod monitor;
mod preload;
mod proofs;
mod seats_hotplug;
mod security_key;
mod storm;
mod testbed;
mod watching;

use described::{Described, root_hub};
use preload::mocked_test;

mocked_test!(fn the_testbed_shows_a_device_to_libusb(bed) {
    use rusb::UsbContext;
    bed.add(&root_hub());
    bed.add(&Described::default().text());
    let context = rusb::Context::new().unwrap();
    let ids: Vec<_> = context.devices().unwrap().iter().map(|device| device.device_descriptor().unwrap().vendor_id()).collect();
    assert!(ids.contains(&0x1209), "{ids:x?}");
    let syspath = Described::default().syspath();
    assert_eq!(std::fs::read_to_string(format!("{syspath}/serial")).unwrap(), "LK-00000042\n");
});
