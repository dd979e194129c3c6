//! Dongles sign challenges of others, between their own proofs.

use keynode::devices::attestation::{attest_once, verify};
use keynode::devices::{CarrierError, CarrierState, DevicesHandle};
use keynode::licence::binding::CarrierBinding;

use super::carrier_proof::plugged;
use super::dongle::Fault;
use super::preload::mocked_test;
use super::watching::{rules, until};

const ID: &str = "usb-1209-0001-LK-00000042";
const CHALLENGE: [u8; 32] = [7; 32];

fn state(devices: &DevicesHandle) -> CarrierState {
    devices.hardware().carriers[0].state.clone()
}

fn binding(devices: &DevicesHandle) -> CarrierBinding {
    let hardware = devices.hardware();
    let carrier = hardware.carriers[0].view();
    CarrierBinding {
        driver: carrier.driver.into(),
        serial: carrier.serial.unwrap().into(),
        public_key: carrier.public_key.map(Into::into),
    }
}

mocked_test!(fn a_dongle_signs_what_anybody_can_verify(bed) {
    let (_dongle, _) = plugged(bed);
    let devices = DevicesHandle::start(rules(), || ());
    until("it is proven", || state(&devices) == CarrierState::Proven);
    let counted = devices.counters();
    let proof = devices.attest(ID, &CHALLENGE).unwrap();
    let binding = binding(&devices);
    assert!(verify(&binding, &CHALLENGE, &proof));
    assert_eq!(attest_once(&devices.hardware(), ID, &CHALLENGE).unwrap(), proof, "Ed25519 signs one way");
    assert_eq!(devices.counters(), counted, "it is no proof of the node's");
    assert_eq!(devices.attest("usb-1209-0001-OTHER", &CHALLENGE), Err(CarrierError::Absent));

    let mut other = CHALLENGE;
    other[31] ^= 1;
    assert!(!verify(&binding, &other, &proof));
    let serial = CarrierBinding { serial: "LK-00000043".into(), ..binding.clone() };
    assert!(!verify(&serial, &CHALLENGE, &proof));
    for place in 0..proof.len() {
        let mut changed = proof.clone();
        changed[place] ^= 1;
        assert!(!verify(&binding, &CHALLENGE, &changed), "byte {place}");
        assert!(!verify(&binding, &CHALLENGE, &proof[..place]));
    }
});

mocked_test!(fn signatures_and_proofs_take_turns(bed) {
    let (_dongle, _) = plugged(bed);
    let devices = DevicesHandle::start(rules(), || ());
    until("it is proven", || state(&devices) == CarrierState::Proven);
    let binding = binding(&devices);
    std::thread::scope(|scope| {
        let rescans = scope.spawn(|| (0..20).for_each(|_| devices.rescan()));
        for number in 0..40u8 {
            let proof = devices.attest(ID, &[number; 32]).unwrap();
            assert!(verify(&binding, &[number; 32], &proof));
        }
        rescans.join().unwrap();
    });
    let counters = devices.counters();
    assert_eq!((counters.failed_proofs, state(&devices)), (0, CarrierState::Proven));
});

mocked_test!(fn a_dongle_that_fails_to_sign_says_why(bed) {
    let (dongle, _) = plugged(bed);
    let devices = DevicesHandle::start(rules(), || ());
    until("it is proven", || state(&devices) == CarrierState::Proven);
    dongle.set_fault(Fault::Wrong);
    assert_eq!(devices.attest(ID, &CHALLENGE), Err(CarrierError::Wrong));
    assert_eq!(state(&devices), CarrierState::Proven, "its own proof will find out");
    dongle.set_fault(Fault::Key);
    assert_eq!(devices.attest(ID, &CHALLENGE), Err(CarrierError::OtherKey));
    dongle.set_fault(Fault::Silent);
    assert_eq!(devices.attest(ID, &CHALLENGE), Err(CarrierError::Late(1000)));
    dongle.set_fault(Fault::None);
    until("it has recovered", || devices.attest(ID, &CHALLENGE).is_ok());
    until("it is proven", || state(&devices) == CarrierState::Proven);
    let stopped = devices.clone();
    stopped.stop();
    assert_eq!(devices.attest(ID, &CHALLENGE), Err(CarrierError::Gone));
});
