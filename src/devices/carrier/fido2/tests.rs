//! Tests of the driver against keys that are made up: what the firmware of real ones does not do.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair};
use ciborium::Value;
use proptest::prelude::*;
use sha2::{Digest, Sha256};

use super::cbor::{Map, encode, map, named};
use super::cose::CoseKey;
use super::frame::{Assembly, BROADCAST, CANCEL, CBOR, ERROR, INIT, KEEP_ALIVE, Message, split};
use super::*;

const CHANNEL: u32 = 7;

/// A key that gives out a channel and then answers as a function says: packets, ready to be read.
struct Scripted<F> {
    answer: F,
    from_host: [Assembly; 2],
    to_host: VecDeque<Report>,
}

impl<F: FnMut(&Message) -> Vec<Report>> Scripted<F> {
    fn new(answer: F) -> Self {
        Self {
            answer,
            from_host: [Assembly::new(BROADCAST), Assembly::new(CHANNEL)],
            to_host: VecDeque::new(),
        }
    }
}

impl<F: FnMut(&Message) -> Vec<Report>> Transport for Scripted<F> {
    fn send(&mut self, report: &Report) -> Result<(), CarrierError> {
        for assembly in &mut self.from_host {
            match assembly.take(report)? {
                Some(message) if message.command == INIT => self.to_host.extend(opened(&message.data, 4)),
                Some(message) => self.to_host.extend((self.answer)(&message)),
                None => {}
            }
        }
        Ok(())
    }

    fn receive(&mut self, _until: Instant) -> Result<Option<Report>, CarrierError> {
        Ok(self.to_host.pop_front())
    }
}

/// The answers to INIT: another program's, then ours.
fn opened(nonce: &[u8], capabilities: u8) -> Vec<Report> {
    let answer = |nonce: &[u8]| [nonce, &[0, 0, 0, 7, 2, 1, 0, 0, capabilities]].concat();
    let others = split(BROADCAST, INIT, &answer(&[0; 8])).unwrap();
    [others, split(BROADCAST, INIT, &answer(nonce)).unwrap()].concat()
}

fn said(command: u8, data: &[u8]) -> Vec<Report> {
    split(CHANNEL, command, data).unwrap()
}

fn answer(status: u8, map: Value) -> Vec<Report> {
    said(CBOR, &[&[status], &encode(map)[..]].concat())
}

fn credential(pair: &EcdsaKeyPair, id: u8) -> Credential {
    let (x, y) = pair.public_key().as_ref()[1..].split_at(32);
    let key = CoseKey::Es256 {
        x: x.try_into().unwrap(),
        y: y.try_into().unwrap(),
    };
    Credential::new(vec![id; 40], key).unwrap()
}

fn pair() -> EcdsaKeyPair {
    EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).unwrap()
}

/// The assertion that a key with this pair gives.
fn assertion(pair: &EcdsaKeyPair, relying_party: &str, request: &Map) -> Value {
    let mut data = Sha256::digest(relying_party).to_vec();
    data.extend([0, 0, 0, 0, 9]);
    let signed = [&data[..], request.bytes(2).unwrap()].concat();
    let signature = pair.sign(&SystemRandom::new(), &signed).unwrap();
    map([
        (2, Value::Bytes(data)),
        (3, Value::Bytes(signature.as_ref().to_vec())),
    ])
}

/// Asks a key that answers a getInfo with nothing and assertions as a function says.
fn asked(
    credentials: &[Credential],
    mut assert: impl FnMut(&Map) -> Vec<Report>,
) -> Result<Vec<Identity>, CarrierError> {
    let key = Scripted::new(|message| match (message.command, message.data.split_first()) {
        (CBOR, Some((4, _))) => answer(0, map([])),
        (CBOR, Some((2, request))) => assert(&Map::read(request).unwrap()),
        _ => vec![],
    });
    prove_over(key, credentials, &Progress::default())
}

#[test]
fn a_key_proves_what_it_has_and_is_silent_about_the_rest() {
    let (ours, other) = (pair(), pair());
    let credentials = [credential(&ours, 1), credential(&other, 2)];
    let wanted = |request: &Map| {
        let list = request.get(3).unwrap().as_array().unwrap();
        assert_eq!(list.len(), 1, "a key that names no limit gets one at a time");
        assert_eq!(request.get(5), Some(&named([("up", false.into())])));
        list[0].as_map().unwrap()[0].1.as_bytes().unwrap()[0]
    };
    let proven = asked(&credentials, |request| match wanted(request) {
        1 => answer(0, assertion(&ours, "keynode", request)),
        _ => said(CBOR, &[0x2e]),
    });
    assert_eq!(proven.unwrap(), [credentials[0].identity(true)]);
}

#[test]
fn a_signature_by_another_key_for_another_party_or_of_before_is_wrong() {
    let (ours, other) = (pair(), pair());
    let credentials = [credential(&ours, 1)];
    let verdict =
        |identities: Result<Vec<Identity>, CarrierError>| identities.unwrap().pop().unwrap().verdict;
    let by_other = asked(&credentials, |request| {
        answer(0, assertion(&other, "keynode", request))
    });
    assert_eq!(verdict(by_other), Err(CarrierError::Wrong));
    let for_other = asked(&credentials, |request| {
        answer(0, assertion(&ours, "example.com", request))
    });
    assert_eq!(verdict(for_other), Err(CarrierError::Wrong));
    let mut recorded = None;
    let mut replay = |request: &Map| {
        recorded
            .get_or_insert_with(|| answer(0, assertion(&ours, "keynode", request)))
            .clone()
    };
    assert_eq!(verdict(asked(&credentials, &mut replay)), Ok(()));
    assert_eq!(
        verdict(asked(&credentials, &mut replay)),
        Err(CarrierError::Wrong)
    );
}

#[test]
fn keys_that_refuse_or_want_a_touch_are_told_apart_and_left_alone() {
    let credentials = [credential(&pair(), 1)];
    let refused = |status: u8| asked(&credentials, |_| said(CBOR, &[status])).unwrap_err();
    assert!(matches!(refused(0x2c), CarrierError::NotSilent(why) if why.contains("touches")));
    assert!(matches!(refused(0x36), CarrierError::NotSilent(why) if why.contains("PIN")));
    assert!(matches!(refused(0x7f), CarrierError::Protocol(_)));
    let mut cancelled = false;
    let waiting = Scripted::new(|message| match message.command {
        CANCEL => {
            cancelled = true;
            vec![]
        }
        _ => said(KEEP_ALIVE, &[2]),
    });
    let waits = prove_over(waiting, &credentials, &Progress::default()).unwrap_err();
    assert!(matches!(waits, CarrierError::NotSilent(_)), "{waits}");
    assert!(cancelled);
}

#[test]
fn a_key_that_works_on_it_is_waited_for_and_a_silent_one_is_late() {
    let ours = pair();
    let credentials = [credential(&ours, 1)];
    let progress = Progress::default();
    let slow = Scripted::new(|message| {
        let (command, request) = message.data.split_first().unwrap();
        let mut packets = said(KEEP_ALIVE, &[1]).repeat(20);
        packets.extend(match command {
            4 => answer(0, map([])),
            _ => answer(0, assertion(&ours, "keynode", &Map::read(request).unwrap())),
        });
        packets
    });
    assert_eq!(prove_over(slow, &credentials, &progress).unwrap().len(), 1);
    assert!(progress.count() >= 40);
    let silent = Scripted::new(|_| vec![]);
    let late = prove_over(silent, &credentials, &progress).unwrap_err();
    assert!(matches!(late, CarrierError::Late(_)), "{late}");
}

/// A key that speaks CTAP 1 only.
struct Old(VecDeque<Report>);

impl Transport for Old {
    fn send(&mut self, report: &Report) -> Result<(), CarrierError> {
        self.0.extend(opened(&report[7..15], 0));
        Ok(())
    }

    fn receive(&mut self, _until: Instant) -> Result<Option<Report>, CarrierError> {
        Ok(self.0.pop_front())
    }
}

#[test]
fn a_key_of_another_program_is_busy_and_one_without_fido2_says_so() {
    let busy = Scripted::new(|_| said(ERROR, &[6]));
    assert!(matches!(
        prove_over(busy, &[], &Progress::default()),
        Err(CarrierError::Busy(_))
    ));
    let lost = Scripted::new(|_| said(ERROR, &[0x0b]));
    assert!(matches!(
        prove_over(lost, &[], &Progress::default()),
        Err(CarrierError::Protocol(_))
    ));
    let old = prove_over(Old(VecDeque::new()), &[], &Progress::default()).unwrap_err();
    assert!(matches!(old, CarrierError::NotSilent(why) if why.contains("U2F")));
}

#[test]
fn older_keys_that_call_a_foreign_id_invalid_are_asked_one_by_one() {
    let ours = pair();
    let credentials = [credential(&pair(), 1), credential(&ours, 2)];
    let key = Scripted::new(|message| {
        let (command, request) = message.data.split_first().unwrap();
        if *command == 4 {
            return answer(0, map([(7, 8.into())]));
        }
        let request = Map::read(request).unwrap();
        let list = request.get(3).unwrap().as_array().unwrap();
        let first = list[0].as_map().unwrap()[0].1.as_bytes().unwrap();
        match (list.len(), first[0]) {
            (1, 2) => answer(0, assertion(&ours, "keynode", &request)),
            _ => said(CBOR, &[0x22]),
        }
    });
    let proven = prove_over(key, &credentials, &Progress::default()).unwrap();
    assert_eq!(proven, [credentials[1].identity(true)]);
}

/// A key that sends the same packets over and over, whatever it is asked.
struct Hostile {
    packets: Vec<Report>,
    sent: usize,
    nonce: Vec<u8>,
}

impl Transport for Hostile {
    fn send(&mut self, report: &Report) -> Result<(), CarrierError> {
        if report[4] == INIT | 0x80 {
            self.nonce = report[7..15].to_vec();
        }
        Ok(())
    }

    fn receive(&mut self, _until: Instant) -> Result<Option<Report>, CarrierError> {
        if !self.nonce.is_empty() {
            let answer = opened(&std::mem::take(&mut self.nonce), 4);
            return Ok(answer.last().copied());
        }
        self.sent += 1;
        // It falls silent at last, or the test would wait for its time to run out.
        let packet = self.packets.get(self.sent % self.packets.len().max(1));
        Ok(packet.copied().filter(|_| self.sent < 1000))
    }
}

fn packet() -> impl Strategy<Value = Report> {
    let command = prop_oneof![
        Just(CBOR | 0x80),
        Just(KEEP_ALIVE | 0x80),
        Just(ERROR | 0x80),
        0..=255u8
    ];
    let length = prop_oneof![Just([0, 1]), Just([0, 57]), Just([0, 100]), any::<[u8; 2]>()];
    let bytes = prop_oneof![
        proptest::collection::vec(any::<u8>(), 57),
        // Often one that begins as a map does.
        proptest::collection::vec(0xa0..0xbfu8, 57).prop_map(|mut bytes| {
            bytes[0] = 0;
            bytes
        }),
    ];
    (command, length, bytes).prop_map(|(command, length, bytes)| {
        let mut report = [0; REPORT];
        report[..4].copy_from_slice(&CHANNEL.to_be_bytes());
        report[4] = command;
        report[5..7].copy_from_slice(&length);
        report[7..].copy_from_slice(&bytes);
        report
    })
}

proptest! {
    #[test]
    fn whatever_a_key_sends_the_conversation_ends_without_a_proof(packets in proptest::collection::vec(packet(), 0..6)) {
        let credentials = [credential(&pair(), 1)];
        let begun = Instant::now();
        let hostile = Hostile { packets: packets.clone(), sent: 0, nonce: vec![] };
        let proven = prove_over(hostile, &credentials, &Progress::default());
        prop_assert!(proven.is_err() || proven.is_ok_and(|all| all.iter().all(|one| one.verdict.is_err())));
        let made = make_over(|| Ok(Hostile { packets: packets.clone(), sent: 0, nonce: vec![] }), false, &mut |_| ());
        prop_assert!(made.is_err());
        prop_assert!(begun.elapsed() < Duration::from_mins(1));
    }

    #[test]
    fn answers_of_any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = Map::read(&bytes);
        let _ = CoseKey::read(&bytes);
        let _ = Credential::parse(&String::from_utf8_lossy(&bytes), &String::from_utf8_lossy(&bytes));
    }
}
