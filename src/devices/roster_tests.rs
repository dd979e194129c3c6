//! The roster, with a clock that the test sets.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use super::attestation::Wish;
use super::carrier::fido2::Credential;
use super::carrier::{CarrierError, CarrierState, Known, Proof};
use super::device::{Device, HidNode, Inventory};
use super::roster::{Answer, Ask, Roster};
use super::testing;

fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

fn plugged(devices: &[(&str, u8)]) -> Inventory {
    let named = |&(serial, address): &(&str, u8)| -> Arc<Device> {
        Arc::new(testing::device(&format!("1-{serial}"), address, Some(serial)))
    };
    Inventory {
        devices: devices.iter().map(named).collect(),
        errors: vec![],
    }
}

fn proof(memory: Option<&[u8]>) -> Proof {
    Proof {
        memory: memory.map(Arc::from),
        capacity: 64,
        ..Proof::of("S".into(), Some("key".into()))
    }
}

fn answer(ask: &Ask, result: Result<Proof, CarrierError>) -> Answer {
    Answer {
        ticket: ask.ticket,
        known: Known::default(),
        result: result.map(Some),
    }
}

fn serials(asks: &[Ask]) -> Vec<&str> {
    let mut serials: Vec<&str> = (asks.iter())
        .filter_map(|ask| ask.device.serial.as_deref())
        .collect();
    serials.sort_unstable();
    serials
}

/// A roster of carriers that have proven themselves.
fn proven(inventory: &Inventory, now: Instant) -> Roster {
    let mut roster = Roster::default();
    roster.seen(inventory, &[], false, now);
    for ask in roster.asks(now) {
        roster.answered(answer(&ask, Ok(proof(Some(b"licence")))), now);
    }
    assert!(roster.is_idle());
    roster
}

fn state(roster: &Roster, serial: &str) -> CarrierState {
    let carriers = roster.carriers();
    let its = carriers
        .iter()
        .find(|carrier| carrier.device.serial.as_deref() == Some(serial));
    its.unwrap().state.clone()
}

#[test]
fn news_of_a_new_carrier_waits_for_its_proof_but_not_long() {
    let now = Instant::now();
    let mut roster = Roster::default();
    roster.seen(&plugged(&[("A", 1), ("B", 2)]), &[], true, now);
    let asks = roster.asks(now);
    assert_eq!(serials(&asks), ["A", "B"]);
    assert!(roster.holds_back(now) && roster.holds_back(now + ms(149)));
    roster.answered(answer(&asks[0], Ok(proof(None))), now + ms(10));
    assert!(roster.holds_back(now + ms(11)), "B is still asked");
    assert_eq!(roster.due(), Some(now + ms(150)));
    roster.expire(now + ms(150));
    assert!(!roster.holds_back(now + ms(150)));
    assert_eq!(state(&roster, "A"), CarrierState::Proven);
    assert_eq!(state(&roster, "B"), CarrierState::Pending);
    assert_eq!(roster.due(), Some(now + ms(1000)), "then it is late");
}

#[test]
fn the_new_and_the_touched_are_asked_before_the_others() {
    let now = Instant::now();
    let mut roster = proven(&plugged(&[("A", 1), ("B", 2)]), now);
    let touched = [PathBuf::from("/sys/devices/usb1/1-B/1-B:1.0/hidraw/hidraw0")];
    roster.seen(&plugged(&[("A", 1), ("B", 2), ("C", 3)]), &touched, true, now);
    let first = roster.asks(now);
    assert_eq!(serials(&first), ["B", "C"]);
    assert!(roster.asks(now).is_empty(), "A waits for them");
    for ask in &first {
        roster.answered(answer(ask, Ok(proof(None))), now);
    }
    assert_eq!(serials(&roster.asks(now)), ["A"]);
}

#[test]
fn one_that_hangs_delays_nobody_and_its_late_answer_counts_for_nothing() {
    let now = Instant::now();
    let mut roster = proven(&plugged(&[("A", 1)]), now);
    roster.seen(&plugged(&[("A", 1), ("B", 2)]), &[], true, now);
    let hanging = roster.asks(now);
    assert_eq!(serials(&hanging), ["B"]);
    assert_eq!(roster.expire(now + ms(1000)), 1);
    assert_eq!(
        state(&roster, "B"),
        CarrierState::Failed(CarrierError::Late(1000))
    );
    assert_eq!(serials(&roster.asks(now + ms(1000))), ["A"], "the others go on");
    roster.seen(&plugged(&[("A", 1), ("B", 2)]), &[], true, now + ms(1500));
    assert!(
        roster.asks(now + ms(1500)).is_empty(),
        "one request at a time to each"
    );

    let returned = now + ms(9000);
    assert!(!roster.answered(answer(&hanging[0], Ok(proof(None))), returned));
    assert_eq!(
        state(&roster, "B"),
        CarrierState::Failed(CarrierError::Late(1000)),
        "thrown away"
    );
    roster.expire(returned);
    assert!(roster.asks(returned).is_empty());
    roster.expire(returned + ms(1000));
    assert_eq!(serials(&roster.asks(returned + ms(1000))), ["B"]);
}

#[test]
fn a_failure_is_tried_again_after_1_s_then_5_s_then_each_minute() {
    let mut now = Instant::now();
    let mut roster = proven(&plugged(&[("A", 1)]), now);
    roster.revalidate(now);
    for pause in [1, 5, 60, 60] {
        let asks = roster.asks(now);
        assert_eq!(serials(&asks), ["A"]);
        assert!(roster.answered(answer(&asks[0], Err(CarrierError::Wrong)), now));
        assert_eq!(state(&roster, "A"), CarrierState::Failed(CarrierError::Wrong));
        let carrier = &roster.carriers()[0];
        assert_eq!(
            carrier.memory.as_deref(),
            Some(&b"licence"[..]),
            "what was read stays"
        );
        roster.expire(now + ms(pause * 1000 - 1));
        assert!(roster.asks(now).is_empty());
        now += ms(pause * 1000);
        assert_eq!(roster.due(), Some(now));
        roster.expire(now);
    }
    let asks = roster.asks(now);
    roster.answered(answer(&asks[0], Ok(proof(None))), now);
    assert_eq!((roster.due(), roster.carriers()[0].memory.clone()), (None, None));
}

#[test]
fn a_replug_is_a_new_carrier_and_the_answer_of_the_old_one_is_dropped() {
    let now = Instant::now();
    let mut roster = Roster::default();
    roster.seen(&plugged(&[("A", 1)]), &[], true, now);
    let old = roster.asks(now);
    roster.seen(&plugged(&[("A", 2)]), &[], true, now);
    assert_eq!(serials(&roster.asks(now)), ["A"]);
    roster.answered(answer(&old[0], Ok(proof(None))), now);
    assert_eq!(state(&roster, "A"), CarrierState::Pending);
    roster.seen(&plugged(&[]), &[], true, now);
    assert!(roster.carriers().is_empty() && roster.is_idle() && roster.due().is_none());
}

#[test]
fn who_answers_bit_by_bit_is_not_late_until_it_falls_silent() {
    let start = Instant::now();
    let mut roster = Roster::default();
    roster.seen(&plugged(&[("A", 2)]), &[], true, start);
    let ask = roster.asks(start).remove(0);
    for at in [900, 1800, 2700] {
        ask.known.progress().answered();
        assert_eq!(roster.expire(start + ms(at)), 0);
        assert_eq!(roster.expire(start + ms(at + 150)), 0, "it has answered since");
    }
    assert_eq!(roster.expire(start + ms(5000)), 1);
    assert!(roster.is_idle());
}

#[test]
fn a_hundred_carriers_are_asked_a_few_at_a_time_and_each_once() {
    let now = Instant::now();
    let names: Vec<String> = (0..100).map(|number| format!("{number:03}")).collect();
    let all: Vec<(&str, u8)> = names.iter().map(|name| (name.as_str(), 1)).collect();
    let mut roster = Roster::default();
    roster.seen(&plugged(&all), &[], true, now);
    let mut asked = Vec::new();
    loop {
        let asks = roster.asks(now);
        assert!(asks.len() <= 16);
        let Some(ask) = asks.first() else { break };
        asked.extend(serials(&asks).into_iter().map(str::to_owned));
        let _ = ask;
        for ask in &asks {
            roster.answered(answer(ask, Ok(proof(None))), now);
        }
    }
    assert_eq!(asked, names);
}

/// A security key on a port, of a maker that no family knows.
fn wish() -> (Wish, Receiver<Result<Vec<u8>, CarrierError>>) {
    Wish::new([7; 32], None)
}

/// A signature, and no proof, was asked for.
fn signed(ask: &Ask) -> Answer {
    Answer {
        ticket: ask.ticket,
        known: Known::default(),
        result: Ok(None),
    }
}

#[test]
fn a_signature_waits_its_turn_and_changes_nothing() {
    let now = Instant::now();
    let inventory = plugged(&[("A", 1)]);
    let mut roster = proven(&inventory, now);
    roster.revalidate(now);
    let proving = roster.asks(now);
    assert!(proving[0].wish.is_none());
    let (one, _answer) = wish();
    roster.wish(&inventory.devices[0].id, one);
    assert!(roster.asks(now).is_empty(), "it is being asked");
    let failed = Err(CarrierError::Wrong);
    roster.answered(answer(&proving[0], failed), now);
    roster.revalidate(now);
    let asks = roster.asks(now);
    assert_eq!(asks.len(), 1, "never two at once");
    assert_eq!(asks[0].wish.as_ref().unwrap().challenge, [7; 32]);
    assert!(!roster.answered(signed(&asks[0]), now));
    assert_eq!(state(&roster, "A"), CarrierState::Failed(CarrierError::Wrong));
    let proving = roster.asks(now);
    assert!(
        proving[0].wish.is_none(),
        "the proof that was due is not forgotten"
    );
    roster.answered(answer(&proving[0], Ok(proof(None))), now);
    assert_eq!(state(&roster, "A"), CarrierState::Proven);
}

#[test]
fn who_wants_a_signature_is_told_that_there_will_be_none() {
    let now = Instant::now();
    let mut roster = proven(&plugged(&[("A", 1)]), now);
    let id = roster.carriers()[0].device.id.clone();
    let (stranger, answer) = wish();
    roster.wish("usb-1209-0001-B", stranger);
    assert_eq!(answer.recv().unwrap(), Err(CarrierError::Absent));
    let (hanging, hangs) = wish();
    let (queued, waits) = wish();
    roster.wish(&id, hanging);
    roster.wish(&id, queued);
    let asks = roster.asks(now);
    assert_eq!(asks.len(), 1);
    assert_eq!(roster.expire(now + ms(1000)), 1);
    for answer in [hangs, waits] {
        assert_eq!(answer.recv().unwrap(), Err(CarrierError::Late(1000)));
    }
    assert_eq!(
        state(&roster, "A"),
        CarrierState::Failed(CarrierError::Late(1000))
    );
    let (last, answer) = wish();
    roster.wish(&id, last);
    roster.seen(&plugged(&[]), &[], true, now);
    assert!(answer.recv().is_err(), "its device is gone");
    let (many, answers): (Vec<_>, Vec<_>) = (0..9).map(|_| wish()).unzip();
    let mut roster = proven(&plugged(&[("A", 1)]), now);
    for wish in many {
        roster.wish(&id, wish);
    }
    assert!(matches!(answers[8].recv().unwrap(), Err(CarrierError::Busy(_))));
}

#[test]
fn a_security_key_that_sleeps_signs_and_sleeps_on() {
    let now = Instant::now();
    let mut roster = Roster::default();
    roster.seen(&security_key(), &[], true, now);
    roster.revalidate(now);
    assert!(roster.asks(now).is_empty());
    let (one, _answer) = wish();
    roster.wish(&security_key().devices[0].id, one);
    let asks = roster.asks(now);
    assert!(asks[0].wish.is_some());
    assert_eq!(roster.expire(now + ms(1000)), 1);
    roster.answered(signed(&asks[0]), now + ms(2000));
    assert!(roster.is_idle() && roster.due().is_none() && roster.carriers().is_empty());
}

fn security_key() -> Inventory {
    let mut device = testing::device("1-1", 5, None);
    device.family = None;
    device.hid.push(HidNode {
        path: "/dev/hidraw0".into(),
        interface: 0,
        usage_page: Some(0xf1d0),
        usage: Some(1),
    });
    Inventory {
        devices: vec![Arc::new(device)],
        errors: vec![],
    }
}

fn credentials() -> Arc<[Credential]> {
    // A COSE key of ES256.
    let key = "pQECAyYgASFYIAEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBIlggAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI";
    Arc::from([Credential::parse("AQID", key).unwrap()])
}

#[test]
fn a_security_key_is_asked_only_when_a_licence_asks_for_it_and_not_often() {
    let (inventory, now) = (security_key(), Instant::now());
    let mut roster = Roster::default();
    roster.seen(&inventory, &[], true, now);
    assert!(roster.asks(now).is_empty() && roster.carriers().is_empty());
    roster.ask_for(credentials());
    roster.seen(&inventory, &[], false, now);
    let asks = roster.asks(now);
    assert_eq!(asks.len(), 1);
    roster.answered(answer(&asks[0], Ok(proof(None))), now);
    assert_eq!(roster.carriers().len(), 1);

    let nine = now + Duration::from_mins(9);
    roster.revalidate(nine);
    roster.seen(&inventory, &[], true, nine);
    assert!(roster.asks(nine).is_empty(), "it rests");
    roster.seen(&inventory, &["/sys/devices/usb1/1-1".into()], false, nine);
    assert_eq!(roster.asks(nine).len(), 1, "something happened to it");

    roster.ask_for(Arc::default());
    roster.seen(&inventory, &[], false, nine);
    assert!(roster.carriers().is_empty(), "no licence asks for it any more");
}

#[test]
fn a_security_key_is_a_carrier_for_each_credential_that_it_has() {
    let (inventory, now) = (security_key(), Instant::now());
    let mut roster = Roster::default();
    roster.ask_for(credentials());
    roster.seen(&inventory, &[], false, now);
    let two = ["AA", "BB"].map(|serial| Proof::of(serial.into(), None).identities);
    let all = Proof {
        identities: two.concat(),
        memory: None,
        capacity: 0,
    };
    let ask = |roster: &mut Roster, at| roster.asks(at).pop().unwrap();
    let first = ask(&mut roster, now);
    roster.answered(answer(&first, Ok(all)), now);
    let told = |roster: &Roster| -> Vec<_> {
        let carriers = roster.carriers();
        carriers
            .iter()
            .map(|carrier| (carrier.serial.clone(), carrier.state.clone()))
            .collect()
    };
    let proven = |serial: &str| (Some(serial.to_owned()), CarrierState::Proven);
    assert_eq!(told(&roster), [proven("AA"), proven("BB")]);
    assert_ne!(roster.carriers()[0].number(), roster.carriers()[1].number());

    let later = now + Duration::from_hours(1);
    roster.revalidate(later);
    let second = ask(&mut roster, later);
    roster.answered(answer(&second, Err(CarrierError::Wrong)), later);
    let failed = |serial: &str| (Some(serial.to_owned()), CarrierState::Failed(CarrierError::Wrong));
    assert_eq!(told(&roster), [failed("AA"), failed("BB")]);

    let nobody = Proof {
        identities: vec![],
        memory: None,
        capacity: 0,
    };
    let again = later + Duration::from_secs(1);
    roster.expire(again);
    let third = ask(&mut roster, again);
    roster.answered(answer(&third, Ok(nobody)), again);
    assert_eq!(told(&roster), []);
}
