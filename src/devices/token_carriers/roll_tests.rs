//! Tests of who is asked when, and of what becomes of carriers whose tokens change.

use std::sync::Arc;
use std::time::{Duration, Instant};

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};

use super::carrier::{TokenCarrier, licence_label};
use super::roll::{Answer, Ask, LANES, Roll};
use crate::devices::carrier::{CarrierError, CarrierState};
use crate::tokens::{DataObject, KeyKind, PinWanted, Token, TokenKey, TokenState};

fn key(id: u8) -> TokenKey {
    let pair = Ed25519KeyPair::from_seed_unchecked(&[id; 32]).unwrap();
    TokenKey {
        id: vec![id],
        label: "keynode-carrier".into(),
        kind: KeyKind::Ed25519,
        public_key: Some(pair.public_key().as_der().unwrap().as_ref().to_vec()),
        extractable: false,
        signs: true,
        decrypts: false,
    }
}

fn token(name: &str, serial: &str, keys: Vec<TokenKey>) -> Token {
    Token {
        name: name.into(),
        module: "/usr/lib/module.so".into(),
        state: TokenState::Usable,
        label: name.into(),
        serial: serial.into(),
        manufacturer: String::new(),
        model: String::new(),
        slot: Some(1),
        free_memory: None,
        keys,
        certificates: vec![],
        data: vec![],
    }
}

fn see(roll: &mut Roll, tokens: &[Token]) {
    roll.seen(Arc::new(tokens.iter().cloned().map(Arc::new).collect()), false);
}

fn answer(roll: &mut Roll, ask: Ask, result: Result<(), CarrierError>, now: Instant) {
    let (ticket, earlier) = (ask.ticket, ask.earlier);
    roll.answered(
        Answer {
            ticket,
            earlier,
            result,
        },
        now,
    );
}

/// Has everybody who is asked answer rightly; tells how many did.
fn prove_all(roll: &mut Roll, now: Instant) -> usize {
    let mut proofs = 0;
    loop {
        let asks = roll.asks();
        if asks.is_empty() {
            return proofs;
        }
        proofs += asks.len();
        for ask in asks {
            answer(roll, ask, Ok(()), now);
        }
    }
}

fn states(roll: &Roll) -> Vec<CarrierState> {
    let carriers = roll.hardware().carriers;
    carriers.iter().map(|carrier| carrier.state.clone()).collect()
}

fn only(roll: &Roll) -> Arc<TokenCarrier> {
    let [carrier] = &roll.hardware().carriers[..] else {
        panic!("{:?}", roll.hardware());
    };
    Arc::clone(carrier)
}

#[test]
fn each_token_is_asked_in_its_own_lanes_until_all_are_proven() {
    let (mut roll, now) = (Roll::default(), Instant::now());
    let keys = || (1..=10).map(key).collect();
    see(&mut roll, &[token("a", "A", keys()), token("b", "B", keys())]);
    let asks = roll.asks();
    let of = |name: &str| asks.iter().filter(|ask| ask.token.name == name).count();
    assert_eq!((of("a"), of("b")), (LANES, LANES));
    assert!(
        roll.asks().is_empty(),
        "a key is asked once at a time, a token by its lanes"
    );
    assert!(roll.has_news_to_come() && !roll.is_idle());
    for ask in asks {
        answer(&mut roll, ask, Ok(()), now);
    }
    assert_eq!(prove_all(&mut roll, now), 20 - 2 * LANES);
    assert!(roll.is_idle() && !roll.has_news_to_come());
    assert_eq!(states(&roll), vec![CarrierState::Proven; 20]);
    roll.revalidate();
    assert_eq!(prove_all(&mut roll, now), 20);
}

#[test]
fn a_change_of_its_token_has_a_key_asked_again_and_is_no_loss_meanwhile() {
    let (mut roll, now) = (Roll::default(), Instant::now());
    let mut one = token("a", "A", vec![key(1)]);
    see(&mut roll, std::slice::from_ref(&one));
    assert_eq!(only(&roll).memory.as_deref(), Some(&[][..]), "it is blank");
    assert_eq!(prove_all(&mut roll, now), 1);
    see(&mut roll, std::slice::from_ref(&one));
    assert!(roll.is_idle(), "nothing happened");
    one.data.push(DataObject {
        label: licence_label(&[1]),
        value: Arc::from(*b"licence"),
    });
    see(&mut roll, std::slice::from_ref(&one));
    assert_eq!(states(&roll), [CarrierState::Proven]);
    assert_eq!(only(&roll).memory.as_deref(), Some(&b"licence"[..]));
    assert_eq!(prove_all(&mut roll, now), 1);
}

#[test]
fn a_token_that_cannot_be_used_takes_its_carriers_with_it_until_it_can() {
    let (mut roll, now) = (Roll::default(), Instant::now());
    let mut one = token("a", "A", vec![key(1)]);
    one.data.push(DataObject {
        label: licence_label(&[1]),
        value: Arc::from(*b"licence"),
    });
    see(&mut roll, std::slice::from_ref(&one));
    prove_all(&mut roll, now);
    let cases = [
        (TokenState::Locked, "its PIN is locked"),
        (
            TokenState::NeedsPin(PinWanted::Missing("none is set".into())),
            "it needs its PIN: none is set",
        ),
        (
            TokenState::Faulty("it crashed".into()),
            "it is faulty: it crashed",
        ),
    ];
    for (state, why) in cases {
        one.state = state;
        see(&mut roll, std::slice::from_ref(&one));
        assert_eq!(
            states(&roll),
            [CarrierState::Failed(CarrierError::Token(why.into()))]
        );
        assert_eq!(only(&roll).memory.as_deref(), Some(&b"licence"[..]));
        assert!(roll.is_idle());
        roll.revalidate();
        assert!(roll.asks().is_empty(), "it would only be refused");
        one.state = TokenState::Usable;
        see(&mut roll, std::slice::from_ref(&one));
        assert_eq!(states(&roll), [CarrierState::Pending]);
        assert_eq!(prove_all(&mut roll, now), 1);
    }
    // A token that goes while it is asked: what it answers counts for nothing.
    roll.revalidate();
    let mut asks = roll.asks();
    let late = asks.pop().unwrap();
    one.state = TokenState::Absent;
    see(&mut roll, std::slice::from_ref(&one));
    assert_eq!(roll.hardware().carriers, []);
    assert_eq!(roll.hardware().tokens.len(), 1);
    one.state = TokenState::Usable;
    see(&mut roll, std::slice::from_ref(&one));
    answer(&mut roll, late, Ok(()), now);
    assert_eq!(states(&roll), [CarrierState::Pending]);
    assert_eq!(prove_all(&mut roll, now), 1);
}

#[test]
fn what_another_key_proved_under_the_same_id_counts_for_nothing() {
    let (mut roll, now) = (Roll::default(), Instant::now());
    let mut one = token("a", "A", vec![key(1)]);
    see(&mut roll, std::slice::from_ref(&one));
    prove_all(&mut roll, now);
    roll.revalidate();
    let stale = roll.asks().pop().unwrap();
    one.keys[0].public_key = key(2).public_key;
    see(&mut roll, std::slice::from_ref(&one));
    assert_eq!(states(&roll), [CarrierState::Pending]);
    answer(&mut roll, stale, Ok(()), now);
    assert_eq!(states(&roll), [CarrierState::Pending]);
    assert_eq!(prove_all(&mut roll, now), 1);
}

#[test]
fn a_key_that_fails_is_asked_again_after_longer_and_longer_pauses() {
    let (mut roll, mut now) = (Roll::default(), Instant::now());
    see(&mut roll, &[token("a", "A", vec![key(1)])]);
    for pause in [1, 5, 60, 60] {
        let ask = roll.asks().pop().unwrap();
        answer(&mut roll, ask, Err(CarrierError::Wrong), now);
        assert_eq!(states(&roll), [CarrierState::Failed(CarrierError::Wrong)]);
        let due = roll.due().unwrap();
        assert_eq!(due - now, Duration::from_secs(pause));
        roll.expire(now + Duration::from_millis(pause * 1000 - 1));
        assert!(roll.asks().is_empty());
        now = due;
        roll.expire(now);
    }
    assert_eq!(prove_all(&mut roll, now), 1);
    assert_eq!(roll.due(), None);
}

#[test]
fn keys_that_could_be_anywhere_or_prove_nothing_are_refused_and_said_why() {
    let with = |change: fn(&mut TokenKey)| {
        let (mut roll, mut key) = (Roll::default(), key(1));
        change(&mut key);
        see(&mut roll, &[token("a", "A", vec![key])]);
        assert!(roll.asks().is_empty());
        let CarrierState::Failed(error) = &only(&roll).state else {
            panic!("not refused");
        };
        error.to_string()
    };
    assert!(with(|key| key.extractable = true).contains("copied off the token"));
    assert!(with(|key| key.kind = KeyKind::Rsa(1024)).contains("1024 bits"));
    assert!(with(|key| key.kind = KeyKind::Gost256).contains("none of Ed25519"));
    assert!(with(|key| key.public_key = None).contains("neither a public key"));
    assert!(with(|key| key.signs = false).contains("CKA_SIGN"));
    assert!(with(|key| key.id.clear()).contains("0 bytes"));
    assert!(with(|key| key.id = vec![1; 500]).contains("500 bytes"));
    let mut roll = Roll::default();
    see(&mut roll, &[token("a", "", vec![key(1)])]);
    assert_eq!(states(&roll), [CarrierState::Failed(CarrierError::NoSerial)]);
    let other = TokenKey {
        label: "signing key".into(),
        ..key(2)
    };
    see(&mut roll, &[token("a", "A", vec![other])]);
    assert_eq!(roll.hardware().carriers, [], "it is none of ours");
}

#[test]
fn names_are_stable_and_those_of_copies_are_told_apart() {
    let ids = |tokens: &[Token]| -> Vec<String> {
        let mut roll = Roll::default();
        see(&mut roll, tokens);
        let carriers = roll.hardware().carriers;
        carriers.iter().map(|carrier| carrier.id.clone()).collect()
    };
    let keys = || vec![key(1), key(0xab)];
    assert_eq!(
        ids(&[token("a", "7f-01", keys())]),
        ["pkcs11-7f01-01", "pkcs11-7f01-ab"]
    );
    let twins = [token("a", "S", vec![key(1)]), token("b", "S", vec![key(1)])];
    assert_eq!(ids(&twins), ["pkcs11-S-01@a", "pkcs11-S-01@b"]);
    let mut roll = Roll::default();
    see(&mut roll, &twins[..1]);
    let alone = only(&roll).number();
    see(&mut roll, &twins);
    let numbers: Vec<u64> = (roll.hardware().carriers.iter())
        .map(|carrier| carrier.number())
        .collect();
    assert_eq!(
        numbers,
        [alone, alone],
        "a copy does not change the number of the first"
    );
    let double = token("a", "S", vec![key(1), key(1)]);
    assert_eq!(ids(&[double]).len(), 1);
}
