//! A thousand events: the inventory ends true, and nothing grows.

use std::fs::read_dir;

use super::described::{Described, root_hub};
use super::preload::mocked_test;
use super::watching::{Watching, pull, until};

/// Ports that devices come to and go from.
const PORTS: usize = 4;

/// Open file handles and threads of this process.
fn handles_and_threads() -> (usize, usize) {
    let count = |directory| read_dir(directory).unwrap().count();
    (count("/proc/self/fd"), count("/proc/self/task"))
}

mocked_test!(fn a_thousand_plugs_and_pulls_end_in_the_truth_and_nothing_grows(bed) {
    bed.add(&root_hub());
    let watching = Watching::start();
    let before = handles_and_threads();
    let started = std::time::Instant::now();
    // A fixed sequence that looks random: each step plugs a port in or pulls it out.
    let mut plugged: [Option<Described>; PORTS] = Default::default();
    let mut random = 42_u32;
    for step in 0..1000_usize {
        random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let port = usize::try_from(random >> 16).unwrap() % PORTS;
        if let Some(device) = plugged[port].take() {
            pull(bed, &device);
        } else {
            let device = Described {
                ports: (port + 1).to_string(),
                // As the kernel: another address after each replug.
                address: u8::try_from(2 + step % 120).unwrap(),
                serial: Some(format!("S{step}")),
                hid: None,
                ..Described::default()
            };
            bed.add(&device.bare());
            plugged[port] = Some(device);
        }
        // umockdev cannot send to a full socket: it is not to get far ahead.
        let sent = u64::try_from(step).unwrap();
        if sent % 4 == 0 {
            until("events arrive", || watching.handle.counters().events >= sent);
        }
    }
    let truth: Vec<String> = plugged.iter().flatten().map(|device| format!("usb-1209-0001-{}", device.serial.as_deref().unwrap())).collect();
    until("the inventory is true", || watching.ids() == truth);
    let counters = watching.handle.counters();
    let most = u64::try_from(started.elapsed().as_millis()).unwrap() / 200 + 2;
    assert!(counters.scans <= most, "{} scans, at most {most}", counters.scans);
    until("all events are counted", || watching.handle.counters().events == 1000);
    for device in plugged.iter().flatten() {
        until("it proved itself", || watching.carrier(device.serial.as_deref().unwrap()).is_some_and(|carrier| carrier.public_key.is_some()));
    }
    until("handles and threads are as before", || {
        let now = handles_and_threads();
        now.0 <= before.0 && now.1 <= before.1
    });
});
