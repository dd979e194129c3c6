//! What the ledger does where something is lost: a key (spec, row 33), a run of the node, or a commit (row 34).

use super::*;

#[test]
fn row_33_sessions_of_a_missing_key_move_to_free_seats_and_the_others_wait() {
    let (first, second) = (main_key(1, 3), main_key(2, 1));
    let mut ledger = ledger(&[first.clone(), second.clone()]);
    for client in ["a", "b", "c"] {
        take(&mut ledger, 0, client);
    }
    ledger.offer(10, vec![missing(&first), second.clone()]);
    assert_eq!((ledger.used(1), ledger.used(2), ledger.live()), (2, 1, 3));
    assert_eq!(refused(&mut ledger, 10, session("d")), Reason::NoFreeSeat);
    ledger.offer(20, vec![first, second]);
    assert_eq!((ledger.used(1), ledger.used(2)), (2, 1), "nobody moves back");
    assert!(take(&mut ledger, 20, "d").new);
    assert_eq!(ledger.next_deadline(), Some(LIFE), "no grace runs any more");
}

#[test]
fn row_33_a_seat_that_is_freed_later_goes_to_a_waiting_session() {
    let (first, second) = (main_key(1, 1), main_key(2, 2));
    let mut ledger = ledger(&[first.clone(), second.clone()]);
    take(&mut ledger, 0, "waits");
    take(&mut ledger, 5, "renewed");
    let released = take(&mut ledger, 5, "released").session.id;
    ledger.offer(10, vec![missing(&first), second.clone()]);
    assert_eq!(key_of(&ledger, "waits"), Some(1));
    ledger.release(MINUTE, released, None);
    assert_eq!(key_of(&ledger, "waits"), Some(2));
    assert_eq!(refused(&mut ledger, MINUTE, session("new")), Reason::NoFreeSeat);
    ledger.advance(GRACE + 10);
    assert_eq!(ledger.live(), 2);
}

#[test]
fn row_33_a_seat_that_expires_goes_to_a_waiting_session_before_its_grace_ends() {
    let (first, second) = (main_key(1, 1), main_key(2, 1));
    let mut ledger = ledger(&[first.clone(), second.clone()]);
    take(&mut ledger, 0, "waits");
    take(&mut ledger, 0, "expires");
    take(&mut ledger, LIFE - 10, "waits");
    ledger.offer(LIFE - 10, vec![missing(&first), second]);
    ledger.advance(LIFE);
    assert_eq!(key_of(&ledger, "waits"), Some(2));
}

#[test]
fn row_33_the_grace_ends_sessions_and_they_are_listed_for_one_more_life() {
    let only = main_key(1, 2);
    let mut ledger = ledger(std::slice::from_ref(&only));
    let id = take(&mut ledger, 0, "a").session.id;
    ledger.offer(10, vec![missing(&only)]);
    take(&mut ledger, GRACE, "a");
    ledger.advance(GRACE + 9);
    assert_eq!(ledger.live(), 1);
    assert_eq!(ledger.next_deadline(), Some(GRACE + 10));
    ledger.advance(GRACE + 10);
    let listed = ledger.find(id).unwrap();
    assert!(listed.ended && listed.expires == GRACE + 10);
    assert_eq!((ledger.live(), ledger.used(1)), (0, 0));
    assert_eq!(ledger.next_deadline(), Some(GRACE + 10 + LIFE));
}

#[test]
fn row_33_a_key_that_returns_within_its_grace_has_lost_nothing() {
    let only = main_key(1, 1);
    let mut ledger = ledger(std::slice::from_ref(&only));
    let before = take(&mut ledger, 0, "a").session;
    ledger.offer(10, Vec::new());
    assert_eq!(refused(&mut ledger, 10, session("b")), Reason::UnknownSeries);
    ledger.offer(GRACE, vec![only]);
    ledger.advance(GRACE + 10);
    assert_eq!(ledger.find(before.id), Some(&before));
}

#[test]
fn row_33_grace_is_counted_in_total_until_the_key_has_been_back_for_as_long() {
    let only = main_key(1, 1);
    let mut ledger = ledger(std::slice::from_ref(&only));
    let gone = vec![missing(&only)];
    take(&mut ledger, 0, "a");
    ledger.offer(0, gone.clone());
    ledger.offer(6 * MINUTE, vec![only.clone()]);
    take(&mut ledger, 9 * MINUTE, "a");
    ledger.offer(10 * MINUTE, gone.clone());
    assert_eq!(ledger.next_deadline(), Some(14 * MINUTE));
    ledger.offer(11 * MINUTE, vec![only.clone()]);
    take(&mut ledger, 20 * MINUTE, "a");
    ledger.offer(21 * MINUTE, gone);
    assert_eq!(ledger.next_deadline(), Some(31 * MINUTE), "back for ten minutes");
}

#[test]
fn row_33_sessions_of_a_key_without_any_grace_left_end_at_once() {
    let only = main_key(1, 1);
    let mut ledger = ledger(std::slice::from_ref(&only));
    take(&mut ledger, 0, "a");
    ledger.offer(0, vec![missing(&only)]);
    ledger.offer(GRACE, vec![only.clone()]);
    assert_eq!(ledger.live(), 0);
    take(&mut ledger, GRACE + 1, "b");
    ledger.offer(GRACE + 2, vec![missing(&only)]);
    assert_eq!((ledger.live(), ledger.next_deadline()), (0, Some(GRACE + LIFE)));
}

#[test]
fn row_33_a_key_that_was_missing_without_sessions_has_its_whole_grace() {
    let only = main_key(1, 1);
    let mut ledger = ledger(&[missing(&only)]);
    ledger.offer(60 * MINUTE, vec![only.clone()]);
    take(&mut ledger, 61 * MINUTE, "a");
    ledger.offer(62 * MINUTE, vec![missing(&only)]);
    assert_eq!(ledger.next_deadline(), Some(62 * MINUTE + GRACE));
}

#[test]
fn row_33_a_key_with_fewer_seats_than_before_gives_none_and_its_surplus_waits_out_the_grace() {
    let mut ledger = ledger(&[main_key(1, 3), main_key(2, 1)]);
    for client in ["a", "b", "c"] {
        take(&mut ledger, 0, client);
    }
    ledger.offer(0, vec![main_key(1, 1), main_key(2, 1)]);
    assert_eq!((ledger.used(1), ledger.used(2)), (2, 1));
    assert_eq!(refused(&mut ledger, 0, session("d")), Reason::NoFreeSeat);
    ledger.advance(GRACE);
    assert_eq!((ledger.used(1), ledger.used(2), ledger.live()), (1, 1, 2));
    assert_eq!(ledger.next_deadline(), Some(LIFE));
}

#[test]
fn row_33_another_grace_holds_for_keys_that_are_missing_already() {
    let only = main_key(1, 1);
    let mut ledger = ledger(std::slice::from_ref(&only));
    take(&mut ledger, 0, "a");
    ledger.offer(0, vec![missing(&only)]);
    ledger.set_rules(LedgerRules {
        grace: MINUTE,
        ..RULES
    });
    assert_eq!(ledger.next_deadline(), Some(MINUTE));
}

fn left(ledger: &Ledger, time: Millis, client: &str) -> Millis {
    ledger.find_identity(series("672B"), client).unwrap().expires - time
}

#[test]
fn row_34_after_an_orderly_stop_each_session_has_the_life_it_had() {
    let mut ledger = ledger(&[main_key(1, 2)]);
    take(&mut ledger, 0, "short");
    take(&mut ledger, 10 * MINUTE, "long");
    let (again, time) = restarted(&ledger, LIFE - 5, true);
    assert_eq!(time, LIFE - 5);
    assert_eq!(left(&again, time, "short"), 30_000);
    assert_eq!(left(&again, time, "long"), 10 * MINUTE + 5);
}

#[test]
fn row_34_after_a_crash_each_life_is_a_minute_longer_for_a_renewal_may_be_lost() {
    let mut ledger = ledger(&[main_key(1, 1)]);
    take(&mut ledger, 0, "a");
    let (again, time) = restarted(&ledger, 10 * MINUTE, false);
    assert_eq!(left(&again, time, "a"), 6 * MINUTE);
    let (third, time) = restarted(&again, time + MINUTE, true);
    assert_eq!(
        left(&third, time, "a"),
        5 * MINUTE,
        "the next stop takes nothing of it away"
    );
    let (young, time) = restarted(&ledger, 5, false);
    assert_eq!((time, left(&young, time, "a")), (0, LIFE));
}

#[test]
fn row_34_after_a_restart_no_seat_is_given_twice_and_sessions_without_key_wait() {
    let only = main_key(1, 2);
    let mut ledger = ledger(std::slice::from_ref(&only));
    take(&mut ledger, 0, "a");
    take(&mut ledger, 0, "b");
    let (mut again, now) = restarted(&ledger, 5, true);
    assert_eq!((again.live(), again.used(1)), (2, 2));
    again.offer(now, vec![missing(&only)]);
    assert_eq!(again.next_deadline(), Some(now + GRACE));
    again.offer(now + 1, vec![only]);
    assert_eq!(refused(&mut again, now + 1, session("c")), Reason::NoFreeSeat);
    assert!(!take(&mut again, now + 1, "a").new);
    assert_eq!(again.next_deadline(), Some(LIFE));
}

#[test]
fn row_34_what_could_not_be_saved_is_taken_back_from_nobody_else() {
    let mut ledger = ledger(&[main_key(1, 3)]);
    take(&mut ledger, 0, "kept");
    assert!(ledger.take_reliance());
    ledger.saved();
    take(&mut ledger, 1, "kept");
    assert!(
        !ledger.take_reliance(),
        "a renewal of a saved session holds by itself"
    );
    let promised = take(&mut ledger, 2, "promised").session.id;
    assert!(ledger.take_reliance());
    take(&mut ledger, 2, "promised");
    assert!(ledger.take_reliance(), "a renewal of a session that is not saved");
    ledger.renew(2, promised, None);
    assert!(ledger.take_reliance());
    ledger.not_saved(3);
    assert!(ledger.find(promised).is_none() && ledger.used(1) == 1);
    assert!(matches!(&ledger.writes()[..], [Write::Put(s)] if s.expires == 1 + LIFE));
    assert!(take(&mut ledger, 3, "promised").new);
}

#[test]
fn row_34_a_release_that_could_not_be_saved_is_written_with_the_next_session() {
    let mut ledger = ledger(&[main_key(1, 1)]);
    let first = take(&mut ledger, 0, "first").session;
    ledger.saved();
    ledger.release(1, first.id, None);
    take(&mut ledger, 1, "second");
    ledger.not_saved(1);
    assert_eq!(ledger.live(), 0);
    let third = take(&mut ledger, 2, "third").session;
    let writes = ledger.writes();
    assert!(
        matches!(&writes[..], [Write::Delete(a), Write::Put(b)] if *a == first.seq && b.id == third.id),
        "{writes:?}"
    );
}
