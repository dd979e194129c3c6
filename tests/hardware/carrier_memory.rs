//! The memory of a carrier: licences written, read back and erased, and never half of one.

use keynode::devices::{CarrierError, Device, DriverKind, Known, Proof, prove, provision};
use keynode::licence::MAX_FILE;

use super::carrier_proof::plugged;
use super::dongle::Fault;
use super::preload::mocked_test;

fn write(device: &Device, licence: &[u8]) -> Result<(), CarrierError> {
    provision(device, DriverKind::Hid, licence, &mut |_, _| ())
}

fn proof(device: &Device) -> Proof {
    prove(device, DriverKind::Hid, &mut Known::default()).unwrap()
}

fn read(device: &Device) -> Vec<u8> {
    proof(device).memory.unwrap().to_vec()
}

/// Bytes that differ from page to page.
fn licence(length: usize) -> Vec<u8> {
    (0..length).map(|at| (at % 251).to_le_bytes()[0]).collect()
}

mocked_test!(fn a_licence_is_written_read_and_erased(bed) {
    let (dongle, device) = plugged(bed);
    assert_eq!(read(&device), b"", "blank from the start");
    for (page, length) in [(48, 1), (48, 47), (48, 48), (48, 49), (48, 960), (8, 500), (56, 500)] {
        dongle.dongle().memory().page = page;
        write(&device, &licence(length)).unwrap();
        assert_eq!(read(&device), licence(length), "{length} bytes in pages of {page}");
    }
    write(&device, b"").unwrap();
    assert_eq!(read(&device), b"");
});

mocked_test!(fn the_largest_licence_fits(bed) {
    let (dongle, device) = plugged(bed);
    dongle.dongle().memory().capacity = 1 << 20;
    dongle.dongle().memory().page = 56;
    write(&device, &licence(MAX_FILE)).unwrap();
    assert_eq!(dongle.dongle().memory().licence(), licence(MAX_FILE));
});

mocked_test!(fn progress_runs_from_the_first_page_to_the_end(bed) {
    let (_dongle, device) = plugged(bed);
    let mut told = Vec::new();
    provision(&device, DriverKind::Hid, &licence(100), &mut |done, all| told.push((done, all))).unwrap();
    assert_eq!(told, [48, 96, 100, 148, 196, 200].map(|done| (done, 200)));
});

mocked_test!(fn an_interrupted_write_leaves_a_blank_memory(bed) {
    let (dongle, device) = plugged(bed);
    let (old, new) = (licence(60), licence(100));
    let (mut blank, mut transfer) = (0, 1);
    loop {
        dongle.dongle().memory().preload(&old);
        dongle.set_fault(Fault::Unplug(transfer));
        let outcome = write(&device, &new);
        dongle.power_cycle();
        dongle.set_fault(Fault::None);
        let left = read(&device);
        if outcome.is_ok() {
            assert_eq!(left, new);
            break;
        }
        assert_eq!(outcome, Err(CarrierError::Gone), "at transfer {transfer}");
        assert!([&[][..], &old, &new].contains(&left.as_slice()), "at transfer {transfer}: {left:?}");
        blank += usize::from(left.is_empty());
        transfer += 1;
    }
    assert_eq!(blank, 8, "from when the write has begun until it has ended");
});

mocked_test!(fn a_memory_is_read_again_when_it_has_changed(bed) {
    let (dongle, device) = plugged(bed);
    let mut known = Known::default();
    let mut memory = || prove(&device, DriverKind::Hid, &mut known).unwrap().memory.unwrap().to_vec();
    write(&device, b"first!").unwrap();
    assert_eq!(memory(), b"first!");
    write(&device, b"second").unwrap();
    assert_eq!(memory(), b"second", "of the same length, but of another generation");
    dongle.dongle().memory().preload(b"");
    assert_eq!(memory(), b"");
});

mocked_test!(fn a_memory_that_does_not_take_a_licence_says_why(bed) {
    let (dongle, device) = plugged(bed);
    let why = |licence: &[u8]| match write(&device, licence) {
        Err(CarrierError::Memory(why)) => why,
        other => panic!("{other:?}"),
    };
    dongle.dongle().memory().preload(b"old");
    dongle.dongle().memory().capacity = 50;
    assert_eq!(why(&licence(51)), "it has 50 bytes, the licence 51");
    dongle.dongle().memory().protected = true;
    assert_eq!(why(b"new"), "it is write-protected");
    assert_eq!(read(&device), b"old", "nothing has been touched");
    dongle.dongle().memory().protected = false;
    dongle.set_fault(Fault::Memory);
    assert_eq!(why(b"new"), "WriteBegin is refused: memory fault (5)");
    dongle.set_fault(Fault::Forgetful);
    assert!(why(b"new").contains("does not hold what was written"));
    dongle.set_fault(Fault::None);
    assert_eq!(read(&device), b"", "what did not hold was erased");
    dongle.dongle().memory().capacity = 0;
    assert_eq!(why(b"new"), "it has none");
    let proof = proof(&device);
    assert_eq!((proof.memory, proof.capacity), (None, 0));
    let serial = provision(&device, DriverKind::Serial, b"new", &mut |_, _| ()).unwrap_err();
    assert!(matches!(serial, CarrierError::Memory(_)));
});

mocked_test!(fn a_licence_beyond_all_bounds_is_not_read(bed) {
    let (dongle, device) = plugged(bed);
    dongle.dongle().memory().capacity = 1 << 20;
    dongle.dongle().memory().preload(&licence(MAX_FILE + 1));
    dongle.set_fault(Fault::None);
    let error = prove(&device, DriverKind::Hid, &mut Known::default()).unwrap_err();
    assert!(matches!(error, CarrierError::Protocol(_)), "{error}");
    assert_eq!(dongle.dongle().transfers(), 4);
});
