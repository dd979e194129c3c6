//! Carriers that prove themselves, or do not, while others come and go.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use keynode::devices::{CarrierError, CarrierState, Catalogue, DeviceRules, Family, look};

use super::described::{Described, root_hub};
use super::preload::mocked_test;
use super::watching::{Watching, proof, pull, rules, until};

fn dongle(serial: &str, port: u8) -> Described {
    Described {
        ports: port.to_string(),
        address: port + 10,
        serial: Some(serial.into()),
        hid: None,
        ..Described::default()
    }
}

/// A device that hangs until it is let go.
#[derive(Default)]
struct Hang(Mutex<bool>, Condvar);

impl Hang {
    fn hang(&self) {
        let held = self.0.lock().unwrap();
        drop(self.1.wait_while(held, |gone| !*gone).unwrap());
    }

    fn let_go(&self) {
        *self.0.lock().unwrap() = true;
        self.1.notify_all();
    }
}

mocked_test!(fn one_that_hangs_is_late_and_delays_nobody(bed) {
    bed.add(&root_hub());
    let hang = Arc::new(Hang::default());
    let asked = Arc::new(AtomicU64::new(0));
    let (hanging, counter) = (Arc::clone(&hang), Arc::clone(&asked));
    let watching = Watching::with(move |device| {
        if device.serial.as_deref() == Some("HANGS") {
            counter.fetch_add(1, Ordering::SeqCst);
            hanging.hang();
        }
        Ok(proof(device))
    });
    bed.add(&dongle("HANGS", 1).text());
    bed.add(&dongle("GOOD", 2).text());
    until("the good one is proven", || watching.state("GOOD") == Some(CarrierState::Proven));
    assert!(watching.state("HANGS").is_some_and(|state| state != CarrierState::Proven));
    until("the other is late", || watching.state("HANGS") == Some(CarrierState::Failed(CarrierError::Late(1000))));

    bed.add(&dongle("NEXT", 3).text());
    until("another is proven meanwhile", || watching.state("NEXT") == Some(CarrierState::Proven));
    assert_eq!(asked.load(Ordering::SeqCst), 1, "one request at a time");
    hang.let_go();
    until("it is asked again, and proven", || watching.state("HANGS") == Some(CarrierState::Proven));
    assert!(asked.load(Ordering::SeqCst) >= 2, "its late answer was thrown away");
});

mocked_test!(fn a_hanging_device_can_be_pulled_and_the_thread_ends_without_it(bed) {
    bed.add(&root_hub());
    let hang = Arc::new(Hang::default());
    let hanging = Arc::clone(&hang);
    let watching = Watching::with(move |device| {
        hanging.hang();
        Ok(proof(device))
    });
    let device = dongle("HANGS", 1);
    bed.add(&device.text());
    until("it is there", || watching.state("HANGS").is_some());
    pull(bed, &device);
    until("it is gone", || watching.ids().is_empty());
    bed.add(&device.text());
    until("it is back", || watching.state("HANGS").is_some());
    let started = Instant::now();
    watching.handle.stop();
    assert!(started.elapsed() < Duration::from_secs(5), "a hang is not waited for");
    hang.let_go();
});

mocked_test!(fn a_key_on_another_port_is_the_same_key(bed) {
    bed.add(&root_hub());
    let watching = Watching::start();
    let here = dongle("LK", 1);
    bed.add(&here.text());
    until("it is proven", || watching.state("LK") == Some(CarrierState::Proven));
    let before = watching.carrier("LK").unwrap();
    pull(bed, &here);
    bed.add(&dongle("LK", 4).text());
    until("it is seen there", || watching.carrier("LK").is_some_and(|carrier| carrier.device.port == "1-4"));
    let after = watching.carrier("LK").unwrap();
    assert_eq!((&after.device.id, after.number()), (&before.device.id, before.number()));
    assert_eq!(after.state, CarrierState::Proven);
});

mocked_test!(fn every_change_on_the_bus_has_the_others_prove_themselves_anew(bed) {
    bed.add(&root_hub());
    bed.add(&dongle("A", 1).text());
    let good = Arc::new(AtomicU64::new(1));
    let is_good = Arc::clone(&good);
    let watching = Watching::with(move |device| match is_good.load(Ordering::SeqCst) {
        0 => Err(CarrierError::Wrong),
        _ => Ok(proof(device)),
    });
    until("it is proven", || watching.state("A") == Some(CarrierState::Proven));
    good.store(0, Ordering::SeqCst);
    bed.add(&Described { vendor_id: 0xabcd, ..dongle("MOUSE", 2) }.text());
    until("it fails", || watching.state("A") == Some(CarrierState::Failed(CarrierError::Wrong)));
    assert_eq!(watching.carrier("A").unwrap().public_key.as_deref(), Some("key"), "what it told is kept");
    good.store(1, Ordering::SeqCst);
    let started = Instant::now();
    watching.handle.rescan();
    let in_time = started.elapsed() < Duration::from_secs(1);
    assert!(!in_time || watching.state("A") == Some(CarrierState::Proven), "rescan returns after the proofs");
});

mocked_test!(fn carriers_prove_themselves_anew_from_time_to_time(bed) {
    bed.add(&root_hub());
    bed.add(&dongle("A", 1).text());
    let often = DeviceRules { revalidate: Duration::from_millis(20), ..rules() };
    let watching = Watching::following(often, |device| Ok(proof(device)));
    let scans = watching.handle.counters().scans;
    let proofs = watching.handle.counters().proofs;
    until("it was asked again and again", || watching.handle.counters().proofs >= proofs + 5);
    assert_eq!(watching.handle.counters().scans, scans, "without a scan");
});

mocked_test!(fn many_who_ask_for_a_scan_share_it(bed) {
    bed.add(&root_hub());
    bed.add(&dongle("A", 1).text());
    let watching = Watching::start();
    let before = watching.handle.counters().scans;
    let started = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..20 {
            scope.spawn(|| watching.handle.rescan());
        }
    });
    // One for those who came before it began, one for those after; more only where the threads start slowly.
    let scans = watching.handle.counters().scans - before;
    let most = 2 + u64::try_from(started.elapsed().as_millis()).unwrap() / 200;
    assert!((1..=most).contains(&scans), "{scans}");
});

mocked_test!(fn new_rules_are_followed(bed) {
    bed.add(&root_hub());
    bed.add(&Described { vendor_id: 0xabcd, ..dongle("A", 1) }.text());
    let watching = Watching::start();
    assert_eq!(watching.state("A"), None, "no carrier yet");
    let own = Family {
        name: "ours".into(),
        vendor_id: 0xabcd,
        product_id: None,
        driver: Some(keynode::devices::DriverKind::Hid),
        stay_awake: false,
    };
    watching.handle.set_rules(DeviceRules { catalogue: Catalogue::new(vec![own]), ..rules() });
    until("it is a carrier", || watching.state("A") == Some(CarrierState::Proven));
});

mocked_test!(fn a_look_proves_once_and_leaves_nothing_behind(bed) {
    bed.add(&root_hub());
    bed.add(&Described::default().text());
    bed.add(&dongle("B", 2).text());
    let threads = || std::fs::read_dir("/proc/self/task").unwrap().count();
    let before = threads();
    let hardware = look(&rules(), vec![]);
    assert_eq!((hardware.inventory.devices.len(), hardware.carriers.len()), (2, 2));
    let unproven = |carrier: &std::sync::Arc<keynode::devices::Carrier>| matches!(carrier.state, CarrierState::Failed(_));
    assert!(hardware.carriers.iter().all(unproven), "nothing answers on these nodes: {hardware:#?}");
    until("its threads have ended", || threads() <= before);
});
