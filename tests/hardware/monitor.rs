//! Devices that come and go while the node watches.

use keynode::devices::CarrierState;

use super::described::{Described, root_hub};
use super::preload::mocked_test;
use super::watching::{Watching, until};

mocked_test!(fn a_carrier_that_is_plugged_in_and_pulled_is_one_change_each(bed) {
    bed.add(&root_hub());
    let watching = Watching::start();
    assert_eq!(watching.ids(), [""; 0]);
    let before = watching.changes();
    let dongle = Described::default();
    bed.add(&dongle.text());
    until("it is seen", || !watching.ids().is_empty());
    assert_eq!(watching.ids(), ["usb-1209-0001-LK-00000042"]);
    assert_eq!(watching.carrier("LK-00000042").unwrap().state, CarrierState::Proven);
    assert_eq!(watching.changes() - before, 1, "with its proof at once");
    bed.uevent(&dongle.syspath(), "remove");
    bed.remove(&dongle.syspath());
    until("it is gone", || watching.ids().is_empty());
    assert_eq!(watching.changes() - before, 2);
    assert!(watching.handle.counters().events > 0);
    watching.handle.stop();
});
