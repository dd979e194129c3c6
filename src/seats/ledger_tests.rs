//! The ledger against the spec, row by row (section 8, rows 23 to 26, 28, 32 to 35 and 40).

use crate::licence::KeyType::{Additional, Demonstration, Main};
use crate::seats::testing::*;

use super::*;

#[path = "ledger_loss_tests.rs"]
mod loss;

const RULES: LedgerRules = LedgerRules {
    life: LIFE,
    grace: GRACE,
};

fn ledger(offers: &[Offer]) -> Ledger {
    let mut ledger = Ledger::new(RULES);
    ledger.offer(0, offers.to_vec());
    ledger
}

fn try_take(ledger: &mut Ledger, time: Millis, fields: SessionFields) -> Result<Taken, Refusal> {
    ledger.take(at(time), time, fields, "shop", |_| None)
}

fn take(ledger: &mut Ledger, time: Millis, client: &str) -> Taken {
    try_take(ledger, time, session(client)).unwrap()
}

fn refused(ledger: &mut Ledger, time: Millis, fields: SessionFields) -> Reason {
    try_take(ledger, time, fields).unwrap_err().reason
}

fn key_of(ledger: &Ledger, client: &str) -> Option<KeyNo> {
    ledger
        .find_identity(series("672B"), client)
        .map(|session| session.key_no)
}

/// The ledger after a stop, as the store would give it back, and its time.
fn restarted(ledger: &Ledger, time: Millis, clean: bool) -> (Ledger, Millis) {
    let mut sessions = ledger.page(None, usize::MAX);
    sessions.retain(|session| !session.ended);
    let restored = Restored {
        sessions,
        time: LedgerTime { time, clean },
        ..Restored::default()
    };
    Ledger::restore(RULES, restored)
}

#[test]
fn row_23_series_and_client_session_id_are_the_identity() {
    let other = Offer {
        key_id: series("0001"),
        ..main_key(2, 5)
    };
    let mut ledger = ledger(&[main_key(1, 5), other]);
    let first = take(&mut ledger, 0, "a");
    let again = take(&mut ledger, 1, "a");
    assert!(first.new && !again.new && again.session.id == first.session.id);
    assert!(take(&mut ledger, 1, "A").new);
    let elsewhere = SessionFields {
        key_id: series("0001"),
        ..session("a")
    };
    let elsewhere = try_take(&mut ledger, 1, elsewhere).unwrap();
    assert!(elsewhere.new && elsewhere.session.key_no == 2);
    assert_eq!((ledger.used(1), ledger.used(2), ledger.live()), (2, 1, 3));
}

#[test]
fn row_24_main_before_additional_before_demonstration_then_soonest_end_then_lowest_number() {
    let ending = |key_no, key_type, expires| Offer {
        expires: Some(Timestamp::from_millis(expires)),
        ..key(key_no, key_type, 1)
    };
    let mut ledger = ledger(&[
        key(1, Demonstration, 1),
        key(2, Additional, 1),
        key(6, Main, 1),
        key(5, Main, 1),
        ending(8, Main, 2_000),
        ending(9, Main, 1_000),
        ending(3, Additional, 500),
    ]);
    let mut used = Vec::new();
    for client in ["a", "b", "c", "d", "e", "f", "g"] {
        used.push(take(&mut ledger, 0, client).session.key_no);
    }
    assert_eq!(used, [9, 8, 5, 6, 3, 2, 1]);
}

#[test]
fn row_24_one_seat_a_session_and_never_more_than_there_are() {
    let mut ledger = ledger(&[main_key(1, 2)]);
    take(&mut ledger, 0, "a");
    take(&mut ledger, 0, "b");
    assert_eq!(refused(&mut ledger, 0, session("c")), Reason::NoFreeSeat);
    assert_eq!((ledger.used(1), ledger.totals()), (2, (2, 2)));
}

#[test]
fn a_seat_is_taken_back_only_while_no_later_answer_told_of_it() {
    let mut ledger = ledger(&[main_key(1, 9)]);
    let [lone, again, renewed] = ["a", "b", "c"].map(|client| take(&mut ledger, 0, client).session.id);
    // In the same millisecond: the end of its life tells nothing.
    assert_eq!(take(&mut ledger, 0, "b").session.id, again);
    assert!(matches!(ledger.renew(0, renewed, None), Release::Done(_)));
    let taken = [lone, again, renewed].map(|id| ledger.take_back(0, id).is_some());
    assert_eq!((taken, ledger.used(1)), ([true, false, false], 2));
    assert!(ledger.take_back(0, lone).is_none(), "it is gone");
}

#[test]
fn row_24_a_key_in_use_first_is_filled_again_as_soon_as_a_seat_is_free() {
    let mut ledger = ledger(&[main_key(1, 1), main_key(2, 1)]);
    let first = take(&mut ledger, 0, "a").session.id;
    take(&mut ledger, 0, "b");
    ledger.release(0, first, None);
    assert_eq!(take(&mut ledger, 0, "c").session.key_no, 1);
}

#[test]
fn row_24_without_an_enabled_main_key_additional_ones_give_nothing_but_keep_their_sessions() {
    let (main, additional) = (main_key(1, 1), key(2, Additional, 2));
    let mut ledger = ledger(&[main.clone(), additional.clone()]);
    take(&mut ledger, 0, "on main");
    take(&mut ledger, 0, "on additional");
    ledger.offer(1, vec![missing(&main), additional.clone()]);
    assert_eq!(refused(&mut ledger, 1, session("new")), Reason::NotWorkable);
    ledger.offer(2, vec![additional.clone()]);
    let refusal = try_take(&mut ledger, 2, session("new")).unwrap_err();
    assert_eq!(refusal.reason, Reason::NotWorkable);
    assert!(refusal.text.contains("main licence"), "{refusal}");
    assert_eq!(key_of(&ledger, "on main"), Some(1), "it cannot move either");
    assert!(!take(&mut ledger, 3 * MINUTE, "on additional").new);
    ledger.advance(1 + GRACE);
    assert_eq!(key_of(&ledger, "on main"), None);
    assert_eq!(key_of(&ledger, "on additional"), Some(2));
    ledger.offer(1 + GRACE, vec![main, additional]);
    assert!(take(&mut ledger, 1 + GRACE, "new").new);
}

#[test]
fn row_24_demonstration_keys_need_no_main_key() {
    let mut ledger = ledger(&[key(7, Demonstration, 1), key(2, Additional, 1)]);
    assert_eq!(take(&mut ledger, 0, "a").session.key_no, 7);
    assert_eq!(refused(&mut ledger, 0, session("b")), Reason::NoFreeSeat);
}

#[test]
fn row_25_each_refusal_names_its_reason_and_is_counted() {
    let mut ledger = ledger(&[main_key(1, 0)]);
    assert_eq!(refused(&mut ledger, 0, session("a")), Reason::NoFreeSeat);
    ledger.offer(0, vec![missing(&main_key(1, 5))]);
    let refusal = try_take(&mut ledger, 0, session("a")).unwrap_err();
    assert_eq!(refusal.reason, Reason::NotWorkable);
    assert!(
        refusal.text.contains("key 1: the device is not plugged in"),
        "{refusal}"
    );
    ledger.offer(0, Vec::new());
    for _ in 0..2 {
        assert_eq!(refused(&mut ledger, 0, session("a")), Reason::UnknownSeries);
    }
    let counts: Vec<_> = ledger
        .refusals()
        .iter()
        .map(|(what, count)| (what.1, *count))
        .collect();
    let expected = [
        (Reason::UnknownSeries, 2),
        (Reason::NoFreeSeat, 1),
        (Reason::NotWorkable, 1),
    ];
    assert_eq!(counts, expected);
}

#[test]
fn row_26_a_renewal_gives_a_full_life_from_now() {
    let mut ledger = ledger(&[main_key(1, 1)]);
    let id = take(&mut ledger, 0, "a").session.id;
    assert_eq!(ledger.find(id).unwrap().expires, LIFE);
    assert_eq!(take(&mut ledger, 100, "a").session.expires, 100 + LIFE);
    assert!(matches!(ledger.renew(200, id, None), Release::Done(s) if s.expires == 200 + LIFE));
    ledger.advance(199 + LIFE);
    assert_eq!(ledger.live(), 1);
    ledger.advance(200 + LIFE);
    assert_eq!((ledger.live(), ledger.used(1)), (0, 0));
}

#[test]
fn row_26_after_its_life_a_session_is_a_new_wish_under_the_limit() {
    let mut ledger = ledger(&[main_key(1, 1)]);
    let first = take(&mut ledger, 0, "a").session.id;
    assert!(matches!(ledger.renew(LIFE, first, None), Release::Unknown));
    take(&mut ledger, LIFE, "b");
    assert_eq!(refused(&mut ledger, LIFE, session("a")), Reason::NoFreeSeat);
    let again = take(&mut ledger, 2 * LIFE, "a");
    assert!(again.new && again.session.id != first);
}

#[test]
fn row_28_only_the_owner_and_administrators_renew_and_release() {
    let mut ledger = ledger(&[main_key(1, 2)]);
    let (first, second) = (
        take(&mut ledger, 0, "a").session.id,
        take(&mut ledger, 0, "b").session.id,
    );
    assert!(matches!(ledger.renew(0, first, Some("other")), Release::NotYours));
    assert!(matches!(
        ledger.release(0, first, Some("other")),
        Release::NotYours
    ));
    assert_eq!(ledger.live(), 2);
    assert!(matches!(ledger.release(0, first, Some("shop")), Release::Done(_)));
    assert!(matches!(ledger.release(0, second, None), Release::Done(_)));
    assert!(matches!(ledger.release(0, second, None), Release::Unknown));
    assert_eq!(
        (ledger.live(), ledger.used(1), ledger.page(None, 9).len()),
        (0, 0, 0)
    );
}

#[test]
fn row_32_an_expired_session_is_listed_for_one_more_life() {
    let mut ledger = ledger(&[main_key(1, 1)]);
    let id = take(&mut ledger, 0, "a").session.id;
    ledger.advance(LIFE);
    let listed = ledger.find(id).unwrap();
    assert!(listed.ended && listed.expires == LIFE);
    assert_eq!(ledger.next_deadline(), Some(2 * LIFE));
    take(&mut ledger, LIFE, "a");
    ledger.advance(2 * LIFE - 1);
    assert_eq!(ledger.page(None, 9).len(), 2);
    ledger.advance(2 * LIFE);
    assert!(ledger.find(id).is_none());
    ledger.advance(9 * LIFE);
    assert!(ledger.page(None, 9).is_empty() && ledger.next_deadline().is_none());
}

#[test]
fn row_35_the_wall_clock_moves_no_life() {
    let mut ledger = ledger(&[main_key(1, 2)]);
    let later = take(&mut ledger, 1_000, "a").session;
    let earlier = ledger
        .take(at(0), 2_000, session("b"), "shop", |_| None)
        .unwrap()
        .session;
    assert_eq!((later.expires, earlier.expires), (1_000 + LIFE, 2_000 + LIFE));
    assert_eq!(
        ledger.page(None, 1)[0].id,
        earlier.id,
        "listed by the wall time they were made at"
    );
    let rest = ledger.page(Some((earlier.created, earlier.id)), 9);
    assert_eq!(
        rest.iter().map(|session| session.id).collect::<Vec<_>>(),
        [later.id]
    );
}

#[test]
fn row_40_a_reserved_key_serves_those_with_its_code_and_first() {
    let reserved = |key_no, codes: &[&str]| Offer {
        codes: codes.iter().map(ToString::to_string).collect(),
        ..main_key(key_no, 1)
    };
    let mut ledger = ledger(&[main_key(1, 1), reserved(2, &["x", "y"]), reserved(3, &["x"])]);
    let on = |ledger: &mut Ledger, fields| try_take(ledger, 0, fields).map(|taken| taken.session.key_no);
    assert_eq!(on(&mut ledger, with_code("a", "x")), Ok(2));
    assert_eq!(
        on(&mut ledger, with_code("b", "y")),
        Ok(1),
        "2 is full, 1 is open"
    );
    assert_eq!(refused(&mut ledger, 0, session("c")), Reason::NoFreeSeat);
    assert_eq!(refused(&mut ledger, 0, with_code("c", "z")), Reason::NoFreeSeat);
    assert_eq!(on(&mut ledger, with_code("c", "x")), Ok(3));
    ledger.offer(0, vec![reserved(4, &["x"])]);
    assert_eq!(ledger.used(4), 1, "only a session with the code moves there");
    let refusal = try_take(&mut ledger, 0, session("d")).unwrap_err();
    assert!(refusal.text.contains("AccessCode"), "{refusal}");
}
