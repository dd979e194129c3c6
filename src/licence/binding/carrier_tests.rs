//! Tests of what carriers vouch for.

use super::*;

fn binding() -> CarrierBinding {
    CarrierBinding {
        driver: "hid".into(),
        serial: "A1".into(),
        public_key: Some("key of A1".into()),
    }
}

/// A proven carrier.
fn carrier(serial: &str, number: u64) -> SeenCarrier {
    SeenCarrier {
        driver: "hid".into(),
        serial: Some(serial.into()),
        number,
        public_key: Some(format!("key of {serial}")),
        proof: Ok(()),
    }
}

fn impostor() -> SeenCarrier {
    SeenCarrier {
        public_key: Some("another key".into()),
        ..carrier("A1", 1)
    }
}

fn silent() -> SeenCarrier {
    SeenCarrier {
        proof: Err("it does not answer".into()),
        public_key: None,
        ..carrier("A1", 1)
    }
}

fn miss(seen: &[SeenCarrier]) -> Option<CarrierMiss> {
    let carriers = Carriers {
        seen: seen.to_vec(),
        ..Carriers::default()
    };
    carriers.vouch(Some(&binding()), None).err()
}

#[test]
fn the_genuine_one_counts_whoever_is_beside_it() {
    assert_eq!(miss(&[carrier("A1", 1)]), None);
    assert_eq!(
        miss(&[impostor(), silent(), carrier("B2", 2), carrier("A1", 1)]),
        None
    );
    assert_eq!(miss(&[]), Some(CarrierMiss::Absent("hid A1".into())));
    assert_eq!(
        miss(&[carrier("B2", 2)]),
        Some(CarrierMiss::Absent("hid A1".into()))
    );
    let other_driver = SeenCarrier {
        driver: "serial".into(),
        ..carrier("A1", 1)
    };
    assert_eq!(miss(&[other_driver]), Some(CarrierMiss::Absent("hid A1".into())));
}

#[test]
fn of_several_failures_that_of_the_likelier_one_is_told() {
    let unproven = Some(CarrierMiss::Unproven {
        carrier: "hid A1".into(),
        why: "it does not answer".into(),
    });
    assert_eq!(miss(&[silent()]), unproven);
    assert_eq!(miss(&[impostor(), silent()]), unproven);
    assert_eq!(miss(&[silent(), impostor()]), unproven);
    assert_eq!(miss(&[impostor()]), Some(CarrierMiss::Other("hid A1".into())));
}

#[test]
fn a_blank_key_number_is_a_carrier_too() {
    let here = |seen: Vec<SeenCarrier>| Carriers {
        seen,
        ..Carriers::default()
    };
    let carriers = here(vec![carrier("A1", 1), carrier("B2", 2)]);
    assert_eq!(carriers.vouch(None, None), Ok(()));
    assert_eq!(carriers.vouch(None, Some(2)), Ok(()));
    assert_eq!(
        carriers.vouch(None, Some(3)),
        Err(CarrierMiss::Absent("BlankKeyNo 3".into()))
    );
    assert_eq!(carriers.vouch(Some(&binding()), Some(1)), Ok(()));
    assert_eq!(
        carriers.vouch(Some(&binding()), Some(2)),
        Err(CarrierMiss::Divided {
            carrier: "hid A1".into(),
            number: 2
        })
    );
    assert!(matches!(
        here(vec![silent()]).vouch(None, Some(1)),
        Err(CarrierMiss::Unproven { .. })
    ));
    assert_eq!(carrier("B2", 2).vouches(None, Some(2)), Ok(()));
    assert!(carrier("B2", 2).vouches(Some(&binding()), None).is_err());
}

#[test]
fn bindings_that_cannot_be_proven_and_eyes_that_do_not_see() {
    let carriers = Carriers {
        seen: vec![carrier("A1", 1)],
        blind: Some("/sys: no".into()),
        hidden: Some("token a: its PIN is locked".into()),
    };
    let with = |driver: &str, public_key: Option<&str>| CarrierBinding {
        driver: driver.into(),
        public_key: public_key.map(str::to_owned),
        ..binding()
    };
    let vouch = |binding: CarrierBinding| carriers.vouch(Some(&binding), None).unwrap_err();
    assert_eq!(vouch(with("later", None)), CarrierMiss::Driver("later A1".into()));
    assert_eq!(
        vouch(with("pkcs11", None)),
        CarrierMiss::Keyless("pkcs11 A1".into())
    );
    // What could not be looked for is told to those who miss that.
    let locked = CarrierMiss::Blind {
        carrier: "pkcs11 A1".into(),
        why: "token a: its PIN is locked".into(),
    };
    assert_eq!(vouch(with("pkcs11", Some("key"))), locked);
    assert_eq!(vouch(with("hid", None)), CarrierMiss::Keyless("hid A1".into()));
    let blind = CarrierMiss::Blind {
        carrier: "serial A1".into(),
        why: "/sys: no".into(),
    };
    assert_eq!(vouch(with("serial", None)), blind);
}

#[test]
fn a_device_that_does_not_tell_who_it_is_may_be_the_one() {
    let nameless = SeenCarrier {
        serial: None,
        ..silent()
    };
    let hidden = Some(CarrierMiss::Nameless {
        carrier: "hid A1".into(),
        why: "it does not answer".into(),
    });
    assert_eq!(miss(&[carrier("B2", 2), nameless.clone()]), hidden);
    assert_eq!(miss(&[nameless.clone(), carrier("A1", 1)]), None);
    assert_eq!(
        miss(&[nameless.clone(), impostor()]),
        Some(CarrierMiss::Other("hid A1".into()))
    );
    let of_another_kind = SeenCarrier {
        driver: "fido2".into(),
        ..nameless
    };
    assert_eq!(
        miss(&[of_another_kind]),
        Some(CarrierMiss::Absent("hid A1".into()))
    );
}
