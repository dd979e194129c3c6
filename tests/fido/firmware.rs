//! Credentials made and proven: the driver and the firmware understand each other.

use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use keynode::devices::attestation::verify;
use keynode::devices::fido2::{Credential, Report, Step, Transport, attest_over, make_over, prove_over};
use keynode::devices::{CarrierError, carrier};
use keynode::licence::binding::CarrierBinding;

use super::authenticator::Authenticator;

/// A key in a port; clones are the same one.
#[derive(Clone)]
struct Key {
    authenticator: Authenticator,
    reports: Arc<Mutex<Receiver<Report>>>,
}

impl Key {
    fn new() -> Self {
        let (sender, reports) = channel();
        Self {
            authenticator: Authenticator::new(move |report| {
                // An error: the test is over.
                let _ = sender.send(report);
            }),
            reports: Arc::new(Mutex::new(reports)),
        }
    }

    fn make(&self, resident: bool) -> Result<(Credential, Vec<Step>), CarrierError> {
        let mut steps = Vec::new();
        let made = make_over(|| Ok(self.clone()), resident, &mut |step| steps.push(step));
        made.map(|credential| (credential, steps))
    }

    /// The serial numbers of those credentials that it proves to have.
    fn proves(&self, credentials: &[Credential]) -> Vec<String> {
        let progress = carrier::Progress::default();
        let identities = prove_over(self.clone(), credentials, &progress).unwrap();
        let mut serials: Vec<String> = identities
            .into_iter()
            .map(|identity| {
                assert_eq!(identity.verdict, Ok(()));
                identity.serial
            })
            .collect();
        serials.sort();
        serials
    }
}

impl Transport for Key {
    fn send(&mut self, report: &Report) -> Result<(), CarrierError> {
        self.authenticator.send(*report);
        Ok(())
    }

    fn receive(&mut self, until: Instant) -> Result<Option<Report>, CarrierError> {
        let left = until.saturating_duration_since(Instant::now());
        Ok(self.reports.lock().unwrap().recv_timeout(left).ok())
    }
}

#[test]
fn a_credential_is_made_with_a_touch_and_proven_without() {
    let (key, other) = (Key::new(), Key::new());
    let (credential, steps) = key.make(false).unwrap();
    assert_eq!(steps.last(), Some(&Step::Test));
    key.authenticator.set_touched(false);
    let read_back = Credential::parse(&credential.serial(), &credential.public_key());
    assert_eq!(read_back.as_ref(), Some(&credential));
    assert_eq!(
        key.proves(std::slice::from_ref(&credential)),
        [credential.serial()]
    );
    assert!(
        other.proves(&[credential]).is_empty(),
        "another key of the same make"
    );
}

#[test]
fn of_many_credentials_a_key_proves_its_own() {
    let (key, other) = (Key::new(), Key::new());
    let made = |key: &Key, count: u32| -> Vec<Credential> {
        (0..count)
            .map(|number| key.make(number % 2 == 1).unwrap().0)
            .collect()
    };
    let (ours, others) = (made(&key, 4), made(&other, 12));
    let all: Vec<Credential> = others.iter().chain(&ours).cloned().collect();
    let mut expected: Vec<String> = ours.iter().map(Credential::serial).collect();
    expected.sort();
    assert_eq!(key.proves(&all), expected);
}

#[test]
fn another_public_key_for_the_same_credential_is_not_proven() {
    let key = Key::new();
    let ((first, _), (second, _)) = (key.make(false).unwrap(), key.make(false).unwrap());
    let forged = Credential::parse(&first.serial(), &second.public_key()).unwrap();
    let progress = carrier::Progress::default();
    let identities = prove_over(key.clone(), &[first, forged], &progress).unwrap();
    let verdicts: Vec<_> = identities.into_iter().map(|identity| identity.verdict).collect();
    assert_eq!(verdicts, [Ok(()), Err(CarrierError::Wrong)]);
}

#[test]
fn without_a_touch_no_credential_is_made_and_the_key_works_on() {
    let key = Key::new();
    let (credential, _) = key.make(false).unwrap();
    key.authenticator.set_touched(false);
    let mut steps = Vec::new();
    let refused = make_over(|| Ok(key.clone()), false, &mut |step| steps.push(step)).unwrap_err();
    assert!(refused.to_string().contains("nobody touched it"), "{refused}");
    assert_eq!(steps, [Step::Touch], "its owner was asked once");
    assert_eq!(
        key.proves(std::slice::from_ref(&credential)),
        [credential.serial()]
    );
}

#[test]
fn a_challenge_of_somebody_else_is_signed_for_him_alone() {
    let (key, other) = (Key::new(), Key::new());
    let (credential, _) = key.make(false).unwrap();
    let (second, _) = key.make(true).unwrap();
    key.authenticator.set_touched(false);
    let binding = |credential: &Credential| CarrierBinding {
        driver: "fido2".into(),
        serial: credential.serial(),
        public_key: Some(credential.public_key()),
    };
    let attest = |key: &Key, credential: &Credential, challenge: &[u8; 32]| {
        let id = URL_SAFE_NO_PAD.decode(credential.serial()).unwrap();
        attest_over(key.clone(), &id, challenge, &carrier::Progress::default())
    };
    for made in [&credential, &second] {
        let proof = attest(&key, made, &[7; 32]).unwrap();
        assert!(verify(&binding(made), &[7; 32], &proof));
        assert!(!verify(&binding(made), &[8; 32], &proof));
        let another = CarrierBinding {
            serial: "A".repeat(made.serial().len()),
            ..binding(made)
        };
        assert!(
            !verify(&another, &[7; 32], &proof),
            "the key is right, its name is not"
        );
        for place in 0..proof.len() {
            let mut changed = proof.clone();
            changed[place] ^= 1;
            assert!(!verify(&binding(made), &[7; 32], &changed), "byte {place}");
            assert!(!verify(&binding(made), &[7; 32], &proof[..place]));
        }
    }
    let of_another = attest(&key, &second, &[7; 32]).unwrap();
    assert!(!verify(&binding(&credential), &[7; 32], &of_another));
    assert_eq!(attest(&other, &credential, &[7; 32]), Err(CarrierError::Absent));
}
