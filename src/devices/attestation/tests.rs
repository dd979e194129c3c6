//! What is malformed or proves nothing is false, whatever it is.

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use proptest::prelude::*;

use super::*;

fn binding(driver: &str, serial: &str, public_key: Option<&str>) -> CarrierBinding {
    CarrierBinding {
        driver: driver.into(),
        serial: serial.into(),
        public_key: public_key.map(Into::into),
    }
}

#[test]
fn presence_alone_has_an_empty_proof() {
    let serial = binding("serial", "1209:0001:LK", None);
    assert!(verify(&serial, &[7; 32], &[]));
    assert!(!verify(&serial, &[7; 32], &[0]));
    assert!(!verify(
        &binding("serial", "1209:0001:LK", Some("AA")),
        &[7; 32],
        &[]
    ));
    assert!(!verify(&binding("serial", "", None), &[7; 32], &[]));
    for driver in ["hid", "pkcs11", "fido2", "next", ""] {
        assert!(!verify(&binding(driver, "LK", None), &[7; 32], &[]), "{driver}");
        assert!(
            !verify(&binding(driver, "LK", Some("")), &[7; 32], &[]),
            "{driver}"
        );
    }
}

#[test]
fn a_key_under_which_anybody_can_sign_is_refused() {
    // The neutral point, with the signature that is right under it for every text.
    let mut point = [0; 32];
    point[0] = 1;
    let mut signature = [0; 64];
    signature[0] = 1;
    let hid = binding("hid", "LK", Some(&URL_SAFE_NO_PAD.encode(point)));
    assert!(!verify(&hid, &[7; 32], &signature));
    let pair = Ed25519KeyPair::from_seed_unchecked(&[1; 32]).unwrap();
    let mut info = pair.public_key().as_der().unwrap().as_ref().to_vec();
    let at = info.len() - 32;
    info[at..].copy_from_slice(&point);
    let pkcs11 = binding("pkcs11", "LK", Some(&URL_SAFE_NO_PAD.encode(info)));
    let proof = [&[1, 5][..], &signature].concat();
    assert!(!verify(&pkcs11, &[7; 32], &proof));
}

fn anything() -> impl Strategy<Value = String> {
    prop_oneof![
        ".{0,40}",
        proptest::collection::vec(any::<u8>(), 0..100).prop_map(|bytes| URL_SAFE_NO_PAD.encode(bytes)),
        Just(URL_SAFE_NO_PAD.encode([9; 32])),
    ]
}

proptest! {
    #[test]
    fn noise_is_false(
        driver in prop_oneof![Just("hid"), Just("pkcs11"), Just("fido2"), Just("x")],
        serial in anything(),
        key in anything(),
        proof in proptest::collection::vec(any::<u8>(), 0..200),
    ) {
        prop_assert!(!verify(&binding(driver, &serial, Some(&key)), &[7; 32], &proof));
    }
}
