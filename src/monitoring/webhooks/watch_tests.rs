//! What is worth a message, and what is not told twice.

use super::*;
use crate::keyring::ring;
use crate::licence::tests::licence;

/// So many days after the activation.
fn day(day: i64) -> Timestamp {
    licence().activation_date.plus(day * DAY)
}

fn keys(numbers: &[KeyNo]) -> Keyring {
    let periods: Vec<_> = numbers.iter().map(|number| (*number, 0)).collect();
    ring(&periods, day(1), &Keyring::default())
}

/// Kinds of what is told.
fn kinds(told: &[Told]) -> Vec<&'static str> {
    let alerts = told.iter().filter_map(|told| told.alert.as_ref());
    alerts.map(|alert| alert.kind.name()).collect()
}

fn memories(told: Vec<Told>) -> Vec<Memory> {
    told.into_iter().filter_map(|told| told.memory).collect()
}

fn causes(told: &[Told]) -> Vec<String> {
    let alerts = told.iter().filter_map(|told| told.alert.as_ref());
    let fields = alerts.map(|alert| serde_json::from_str::<serde_json::Value>(&alert.fields()).unwrap());
    fields.map(|fields| fields["Cause"].to_string()).collect()
}

#[test]
fn a_key_that_gave_seats_is_lost_and_back_once_each() {
    let mut watch = Watch::default();
    let there = keys(&[1, 9]);
    assert_eq!(kinds(&watch.keys(&there, true)), [""; 0]);
    let gone = ring(&[], day(1), &there);
    assert_eq!(
        kinds(&watch.keys(&gone, false)),
        ["key-lost"],
        "the other one gave none"
    );
    assert_eq!(watch.keys(&gone, true), []);
    assert_eq!(kinds(&watch.keys(&there, true)), ["key-back"]);
    assert_eq!(watch.keys(&there, true), []);
}

#[test]
fn a_key_that_does_not_come_back_after_a_restart_is_told_when_the_node_has_settled() {
    let remembered = memories(Watch::default().keys(&keys(&[1, 2]), true));
    assert_eq!(remembered.len(), 2);
    let mut watch = Watch::new(remembered.clone());
    let without = keys(&[2]);
    assert_eq!(watch.keys(&without, false), []);
    assert!(watch.awaits_keys());
    let told = watch.keys(&without, true);
    assert_eq!(kinds(&told), ["key-lost"]);
    assert_eq!(
        causes(&told),
        ["\"the key has not been found since the node started\""]
    );
    assert!(!watch.awaits_keys());
    // And after one more restart it is back.
    let mut watch = Watch::new([Memory::Lost(1)]);
    assert_eq!(kinds(&watch.keys(&keys(&[1, 2]), false)), ["key-back"]);
    // One that was only slow is neither.
    let mut watch = Watch::new(remembered);
    watch.keys(&without, false);
    assert_eq!(watch.keys(&keys(&[1, 2]), true), []);
    // One that is here and gives none says why.
    let mut watch = Watch::new([Memory::Gives(9, Alert::remembered("{}"))]);
    assert_eq!(causes(&watch.keys(&keys(&[9]), true)).len(), 1);
}

#[test]
fn a_key_that_was_never_told_lost_is_not_back() {
    let mut watch = Watch::default();
    watch.keys(&keys(&[]), false);
    assert_eq!(kinds(&watch.keys(&keys(&[1]), true)), [""; 0]);
}

#[test]
fn each_step_of_the_last_days_is_told_once_and_anew_for_another_end() {
    let mut watch = Watch::default();
    let mut told = Vec::new();
    for left in (0..=40).rev() {
        let now = day(100 - left);
        let keyring = ring(&[(1, 100)], now, &Keyring::default());
        for _ in 0..2 {
            told.extend(watch.days(&keyring, now).into_iter().map(|_| left));
        }
    }
    assert_eq!(told, [30, 14, 7, 3, 1]);
    let now = day(98);
    let renewed = ring(&[(1, 101)], now, &Keyring::default());
    let memory = memories(watch.days(&renewed, now));
    assert_eq!(memory, [Memory::Days(1, (day(101), 3))]);
    assert_eq!(Watch::new(memory).days(&renewed, now), []);
}

#[test]
fn what_a_clock_that_ran_ahead_told_is_told_again_at_its_time() {
    for (ahead, right, told) in [
        (99, 75, vec![14, 7, 3, 1]),
        (99, 20, vec![30, 14, 7, 3, 1]),
        (71, 20, vec![30, 14, 7, 3, 1]),
    ] {
        let mut watch = Watch::default();
        let ring_at = |at: i64| ring(&[(1, 100)], day(at), &Keyring::default());
        let days = |watch: &mut Watch, at: i64| {
            let all = watch.days(&ring_at(at), day(at));
            (
                all.iter().filter(|told| told.alert.is_some()).count(),
                memories(all),
            )
        };
        assert_eq!(days(&mut watch, ahead).0, 1);
        // What it remembers of that survives a restart.
        let (alerts, remembered) = days(&mut watch, right);
        assert_eq!((alerts, remembered.len()), (0, 1));
        let mut watch = Watch::new(remembered);
        let again = (right..100).filter(|at| days(&mut watch, *at).0 > 0);
        assert_eq!(again.map(|at| 100 - at).collect::<Vec<_>>(), told);
    }
    // One that goes back and forth a little repeats nothing.
    let mut watch = Watch::default();
    let told = [86, 85, 86, 84, 86].map(|at| {
        let keyring = ring(&[(1, 100)], day(at), &Keyring::default());
        watch.days(&keyring, day(at)).len()
    });
    assert_eq!(told, [1, 0, 0, 0, 0]);
}

#[test]
fn a_full_series_is_told_again_after_an_hour_or_when_it_was_free() {
    let series = licence().key_id;
    let minute = |minute: i64| Timestamp::from_millis(minute * 60_000);
    // All the time refused; then not for ten minutes.
    let mut watch = Watch::default();
    let told = (0..130).filter(|at| watch.refused(series, "a", minute(*at)).is_some());
    assert_eq!(told.collect::<Vec<_>>(), [0, 60, 120]);
    assert!(watch.refused(series, "a", minute(138)).is_none());
    assert!(watch.refused(series, "a", minute(148)).is_some());
    // A clock that is set back silences nobody.
    assert!(watch.refused(series, "a", minute(-1000)).is_some());
}

#[test]
fn a_failure_is_told_once_an_hour_for_each_object_of_which_not_all_are_remembered() {
    let mut watch = Watch::default();
    let minute = |minute: i64| Timestamp::from_millis(minute * 60_000);
    let mut told = |object: &str, at| {
        watch
            .failed("session-key-failure", object, "", minute(at))
            .is_some()
    };
    assert!(told("a", 0) && !told("a", 59) && told("b", 59) && told("a", 60));
    for object in 0..MOST {
        told(&object.to_string(), 70);
    }
    assert!(told("z", 130 + 1));
    assert_eq!(
        watch.failures.len(),
        1,
        "what is old is forgotten where there are too many"
    );
}
