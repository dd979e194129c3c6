//! Carrier keys on tokens of `SoftHSM2` sign challenges of others.

use std::collections::BTreeMap;

use keynode::devices::attestation::verify;
use keynode::devices::{CarrierError, Hardware, TokenCarrier};
use keynode::licence::binding::CarrierBinding;
use keynode::node::{look_at_tokens, token_rules};
use keynode::tokens::{TokensHandle, Workers};

use crate::common::TestNode;
use crate::softhsm::SoftHsm;

const CHALLENGE: [u8; 32] = [7; 32];

fn binding(carrier: &TokenCarrier) -> CarrierBinding {
    let carrier = carrier.view();
    CarrierBinding {
        driver: carrier.driver.into(),
        serial: carrier.serial.unwrap().into(),
        public_key: carrier.public_key.map(Into::into),
    }
}

fn hsm() -> SoftHsm {
    let hsm = SoftHsm::new(&["one"]);
    for (id, kind) in [(1, "EC:edwards25519"), (2, "EC:prime256v1"), (3, "rsa:2048")] {
        hsm.make_key("one", kind, id, "keynode-carrier");
    }
    hsm
}

#[test]
fn keys_of_each_kind_sign_what_anybody_can_verify() {
    let hsm = hsm();
    let node = TestNode::with(|settings| {
        settings.devices.enabled = false;
        settings.tokens.insert("one".into(), hsm.settings("one"));
    });
    let devices = node.plugged();
    devices.rescan();
    let hardware = devices.hardware();
    let carriers = &hardware.tokens.carriers;
    assert_eq!(carriers.len(), 3);
    let bindings: Vec<_> = carriers.iter().map(|carrier| binding(carrier)).collect();
    for (number, carrier) in carriers.iter().enumerate() {
        let proof = devices.attest(&carrier.id, &CHALLENGE).unwrap();
        for (other, binding) in bindings.iter().enumerate() {
            assert_eq!(
                verify(binding, &CHALLENGE, &proof),
                number == other,
                "{}",
                carrier.id
            );
        }
        let mut elsewhere = bindings[number].clone();
        elsewhere.serial.push('0');
        assert!(!verify(&elsewhere, &CHALLENGE, &proof));
        assert!(!verify(&bindings[number], &[8; 32], &proof));
        for place in 0..proof.len() {
            let mut changed = proof.clone();
            changed[place] ^= 1;
            assert!(!verify(&bindings[number], &CHALLENGE, &changed), "byte {place}");
            assert!(!verify(&bindings[number], &CHALLENGE, &proof[..place]));
        }
    }
    assert_eq!(
        devices.attest("pkcs11-0-01", &CHALLENGE),
        Err(CarrierError::Absent)
    );
}

#[test]
fn a_command_has_a_key_sign_that_it_has_seen_once() {
    let hsm = hsm();
    let mut settings = keynode::settings::Settings::default();
    settings.devices.enabled = false;
    settings.tokens = BTreeMap::from([("one".to_owned(), hsm.settings("one"))]);
    let workers = || Workers {
        program: env!("CARGO_BIN_EXE_keynode").into(),
        state_dir: None,
    };
    let tokens = TokensHandle::start(token_rules(&settings.tokens, None), workers());
    let hardware = Hardware {
        tokens: look_at_tokens(&tokens),
        ..Hardware::default()
    };
    let carrier = &hardware.tokens.carriers[0];
    let proof = keynode::devices::token_carriers::attest(&tokens, carrier, &CHALLENGE).unwrap();
    tokens.stop();
    assert!(verify(&binding(carrier), &CHALLENGE, &proof));
    let after = keynode::devices::token_carriers::attest(&tokens, carrier, &CHALLENGE);
    assert!(matches!(after, Err(CarrierError::Token(_))), "{after:?}");
}
