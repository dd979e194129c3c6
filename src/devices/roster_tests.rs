//! The roster, with a clock that the test sets.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::carrier::{CarrierError, CarrierState, Known, Proof};
use super::device::{Device, Inventory};
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
        serial: "S".into(),
        public_key: Some("key".into()),
        memory: memory.map(Arc::from),
        capacity: 64,
    }
}

fn answer(ask: &Ask, result: Result<Proof, CarrierError>) -> Answer {
    Answer {
        ticket: ask.ticket,
        known: Known::default(),
        result,
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
    roster.revalidate();
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
