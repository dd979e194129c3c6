//! Devices that come and go while the node watches.

use keynode::devices::CarrierState;

use super::described::{Described, root_hub};
use super::preload::mocked_test;
use super::watching::{Watching, pull, until, vanish};

mocked_test!(fn a_carrier_that_is_plugged_in_and_pulled_is_one_change_each(bed) {
    bed.add(&root_hub());
    let watching = Watching::start();
    assert_eq!(watching.ids(), [""; 0]);
    // A snapshot is there a moment before it is announced; a scan that was asked for comes after both.
    let changes = || {
        watching.handle.rescan();
        watching.changes()
    };
    let before = changes();
    let dongle = Described { hid: None, ..Described::default() };
    bed.add(&dongle.text());
    until("it is seen", || !watching.ids().is_empty());
    assert_eq!(watching.ids(), ["usb-1209-0001-LK-00000042"]);
    until("it is proven", || watching.state("LK-00000042") == Some(CarrierState::Proven));
    let plugged = changes() - before;
    assert!((1..=2).contains(&plugged), "one, or two where the proof took long: {plugged}");
    pull(bed, &dongle);
    until("it is gone", || watching.ids().is_empty());
    assert_eq!(changes() - before, plugged + 1);
    assert!(watching.handle.counters().events > 0);
    watching.handle.stop();
});

mocked_test!(fn where_udev_does_not_run_a_pull_without_an_event_is_seen(bed) {
    // A machine with udev is believed to send events; there the slow timer would see it, after a minute.
    if std::path::Path::new("/run/udev/control").exists() {
        return;
    }
    bed.add(&root_hub());
    let dongle = Described { hid: None, ..Described::default() };
    bed.add(&dongle.text());
    let watching = Watching::start();
    assert_eq!(watching.ids().len(), 1);
    vanish(bed, &dongle);
    until("it is gone", || watching.ids().is_empty());
});
