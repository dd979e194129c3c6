//! Session keys of IS MP are renewed before they end: by the node alone, whatever happens to it, the key or the clock.

use std::time::Duration;

use keynode::sandbox::{Canned, Sandbox};
use serde_json::{Value, json};

use crate::ismp::{AUTH, HOUR, KEY, SIGN_IN, ask, ends, read, sign_ins};
use crate::ismp_faults::canned;
use crate::keys::Key;
use crate::world::{ITN, World};

/// A minute, in milliseconds.
const MINUTE: u64 = 60_000;

/// Waits until the node has signed in so often and the last token is here.
#[track_caller]
fn until_signed_in(world: &World, times: usize, kind: &str) {
    world.until("a token is renewed", || {
        world.node.gateway().wake();
        let given = world.sandbox.ismp_tokens();
        given.len() >= times && read(world, kind).as_ref() == given.last()
    });
    assert_eq!(sign_ins(world), times);
}

fn row(world: &World) -> Value {
    let rows = world.get("/api/ismp/tokens").expect(200).json();
    rows["Tokens"][0].clone()
}

with_both_keys!(a_token_is_renewed_before_it_ends, |world| {
    ask(&world, "СУЗ").expect(201);
    let first = read(&world, "СУЗ").unwrap();
    world.node.advance(9 * HOUR - 5 * MINUTE - 1);
    assert_eq!(read(&world, "СУЗ"), Some(first.clone()));
    world.node.advance(1);
    until_signed_in(&world, 2, "СУЗ");
    let second = read(&world, "СУЗ").unwrap();
    assert!(world.sandbox.client_token_lives(&second) && !world.sandbox.client_token_lives(&first));
    // And so on.
    world.node.advance(9 * HOUR - 5 * MINUTE);
    until_signed_in(&world, 3, "СУЗ");
});

with_both_keys!(without_its_key_a_renewal_waits_and_goes_on, |world| {
    ask(&world, "ИСМП").expect(201);
    let before = world.sandbox.asked(AUTH).len();
    world.key.pull();
    world.until_usable(false);
    world.node.advance(10 * HOUR - 5 * MINUTE);
    world.until("it waits for the key", || {
        world.node.gateway().wake();
        row(&world)["Detail"] == "КлючНеПодключен"
    });
    // The old one is still good; nothing is asked of the operator.
    assert!(read(&world, "ИСМП").is_some());
    assert_eq!(world.sandbox.asked(AUTH).len(), before);
    // Nobody moves the clock: the key wakes the renewal.
    world.key.plug();
    world.until_usable(true);
    world.until("the key is noticed", || world.sandbox.ismp_tokens().len() == 2);
    until_signed_in(&world, 2, "ИСМП");
    assert_eq!(
        (&row(&world)["Failures"], &row(&world)["Detail"]),
        (&json!(0), &json!(""))
    );
});

#[test]
fn a_renewal_survives_crashes_at_any_moment() {
    let mut world = World::new(Key::File);
    ask(&world, "ИСМП").expect(201);
    world.node.crash(0);
    assert!(read(&world, "ИСМП").is_some());
    assert_eq!(sign_ins(&world), 1);
    // With the challenge on its way, and with the signature on its way.
    for path in [KEY, SIGN_IN] {
        let before = world.sandbox.asked(path).len();
        let held = world.sandbox.hold(path);
        world.node.advance(10 * HOUR - 5 * MINUTE);
        world.until("it is on its way", || world.sandbox.asked(path).len() > before);
        world.node.crash(0);
        drop(held);
        let end = world.node.now().plus(36_000_000).to_string();
        world.until("it goes on", || row(&world)["ДатаДействия"] == end);
        assert!(read(&world, "ИСМП").is_some());
    }
}

#[test]
fn a_token_that_was_lost_in_a_crash_is_had_anew() {
    let mut world = World::new(Key::File);
    ask(&world, "СУЗ").expect(201);
    let lost = Canned {
        after_doing: true,
        delay: Duration::from_mins(1),
        ..canned(200, "{}")
    };
    world.sandbox.say_next(SIGN_IN, lost);
    world.node.advance(9 * HOUR - 5 * MINUTE);
    world.until("the token is on its way", || {
        world.sandbox.ismp_tokens().len() == 2
    });
    world.node.crash(0);
    until_signed_in(&world, 3, "СУЗ");
    assert!(world.sandbox.client_token_lives(&read(&world, "СУЗ").unwrap()));
}

#[test]
fn a_node_that_slept_through_the_end_renews_at_once() {
    let mut world = World::new(Key::File);
    ask(&world, "ИСМП").expect(201);
    world.node.restart(11 * HOUR);
    until_signed_in(&world, 2, "ИСМП");
}

#[test]
fn failed_renewals_are_repeated_with_pauses() {
    let world = World::new(Key::File);
    ask(&world, "ИСМП").expect(201);
    for _ in 0..2 {
        world.sandbox.say_next(KEY, canned(503, ""));
    }
    world.node.advance(10 * HOUR - 5 * MINUTE);
    world.until("the first failure", || row(&world)["Failures"] == 1);
    let told = row(&world);
    assert_eq!(
        (&told["ErrorCode"], &told["Просрочен"]),
        (&json!("ОшибкаСервиса"), &json!(false))
    );
    assert_eq!(world.sandbox.asked(KEY).len(), 2);
    world.node.advance(15_000);
    world.until("the second failure", || row(&world)["Failures"] == 2);
    world.node.advance(30_000);
    until_signed_in(&world, 2, "ИСМП");
    assert_eq!(row(&world)["Failures"], 0);
}

#[test]
fn an_organisation_that_is_refused_is_asked_about_once_an_hour() {
    let world = World::new(Key::File);
    ask(&world, "ИСМП").expect(201);
    world.sandbox.say_next(
        SIGN_IN,
        canned(403, r#"{"error_message":"Пользователь неактивен"}"#),
    );
    world.node.advance(10 * HOUR - 5 * MINUTE);
    world.until("it is refused", || {
        row(&world)["ErrorMessage"] == "Пользователь неактивен"
    });
    let before = world.sandbox.asked(AUTH).len();
    world.node.advance(59 * MINUTE);
    world.node.gateway().wake();
    assert_eq!(row(&world)["Просрочен"], true);
    assert_eq!(world.sandbox.asked(AUTH).len(), before);
    world.node.advance(MINUTE);
    world.until("it is tried again", || world.sandbox.ismp_tokens().len() == 2);
}

#[test]
fn a_clock_that_is_set_neither_loses_nor_keeps_a_token_too_long() {
    let world = World::new(Key::File);
    ask(&world, "ИСМП").expect(201);
    let start = world.node.now();
    // A day ahead: it has ended.
    world.node.set_wall(start.plus(24 * 3_600_000));
    until_signed_in(&world, 2, "ИСМП");
    // Back again: how long the second has is not known any more, and another is had though nobody asks.
    world.node.set_wall(start);
    until_signed_in(&world, 3, "ИСМП");
    // Seconds do not matter.
    world.node.set_wall(start.plus(-30_000));
    ask(&world, "ИСМП").expect(200);
}

#[test]
fn a_token_of_another_server_is_none() {
    let mut world = World::new(Key::File);
    ask(&world, "ИСМП").expect(201);
    let other = crate::world::sandbox(world.directory.path());
    let url = other.url();
    world.node.reload(|all| all.ismp.url = url);
    assert_eq!(read(&world, "ИСМП"), None);
    ask(&world, "ИСМП").expect(201);
    assert_eq!(read(&world, "ИСМП").as_ref(), Sandbox::ismp_tokens(&other).last());
}

#[test]
fn an_organisation_that_is_gone_is_renewed_no_more() {
    let world = World::new(Key::File);
    ask(&world, "ИСМП").expect(201);
    world
        .node
        .delete(&format!("/api/organizations/{ITN}"))
        .expect(200);
    world.node.advance(10 * HOUR);
    world.until("it is forgotten", || {
        world.node.gateway().wake();
        let kept = world
            .node
            .gateway()
            .now()
            .shared
            .state
            .all::<keynode::gateway::SessionKey>();
        kept.unwrap().is_empty()
    });
    assert_eq!(sign_ins(&world), 1);
}

#[test]
fn a_token_that_the_operator_refuses_is_replaced_once_for_all() {
    let world = World::new(Key::File);
    let until = ask(&world, "СУЗ").expect(201).json()["ValidUntil"].clone();
    let first = read(&world, "СУЗ").unwrap();
    let row = json!({ "TokenType": "СУЗ", "ITN": ITN, "ValidUntil": until });
    let renew = || {
        world
            .post("/api/ismp/tokens/renew", &json!({ "Rows": [row] }))
            .expect(200)
            .json()
    };
    // One that is so young is not the operator's to refuse.
    let kept = renew();
    assert_eq!(
        (&kept["Results"][0]["Результат"], sign_ins(&world)),
        (&json!(true), 1)
    );
    world.node.advance(MINUTE);
    let replaced = renew();
    ends(&replaced, "", "");
    let second = read(&world, "СУЗ").unwrap();
    assert!(second != first && world.sandbox.client_token_lives(&second));
    // Others who were refused with the first get the second, however late they come.
    world.node.advance(2 * MINUTE);
    assert_eq!(
        renew()["Results"][0]["ДатаДействия"],
        replaced["Results"][0]["ДатаДействия"]
    );
    assert_eq!((sign_ins(&world), read(&world, "СУЗ")), (2, Some(second)));
}

#[test]
fn where_no_tokens_are_named_those_are_renewed_that_have_to_be() {
    let world = World::new(Key::File);
    ask(&world, "ИСМП").expect(201);
    let renew = |body: &str| {
        let answer = world.ask("POST", "/api/ismp/tokens/renew").body(body).send();
        answer.expect(200).json()
    };
    assert_eq!(renew("")["Results"], json!([]));
    let rule = json!({ "TokenType": "СУЗ", "ITN": ITN, "NotifyBefore": 600 });
    world.put("/api/ismp/responsible/1", &rule).expect(201);
    let renewed = renew("{}");
    ends(&renewed, "", "");
    assert_eq!(renewed["Results"][0]["ТипТокенаАвторизации"], "СУЗ");
    assert!(read(&world, "СУЗ").is_some());
    assert_eq!(sign_ins(&world), 2);
}

#[test]
fn a_token_that_may_have_been_ended_is_not_given_out() {
    let mut world = World::new(Key::File);
    let row = json!({ "Rows": [{ "TokenType": "СУЗ", "ITN": ITN }] });
    let lost = |status: u16, delay: Duration| Canned {
        after_doing: true,
        delay,
        ..canned(status, "{}")
    };
    ask(&world, "СУЗ").expect(201);
    // The answer is lost, and with it the new token.
    world.sandbox.say_next(SIGN_IN, lost(502, Duration::ZERO));
    world.node.advance(MINUTE);
    let renewed = world.post("/api/ismp/tokens/renew", &row).expect(200).json();
    ends(&renewed, "ОшибкаСервиса", "");
    assert_eq!(read(&world, "СУЗ"), None);
    world.node.advance(15_000);
    until_signed_in(&world, 3, "СУЗ");
    // The node is lost while a caller has the token replaced.
    world.node.advance(MINUTE);
    world.sandbox.say_next(SIGN_IN, lost(200, Duration::from_mins(1)));
    std::thread::scope(|scope| {
        let address = world.node.address();
        let login = (String::from("robot"), crate::world::PASSWORD);
        let body = row.to_string();
        scope.spawn(move || {
            let ask = crate::common::http::Ask::new(address, "POST", "/api/ismp/tokens/renew");
            let mut wire = crate::common::http::Wire::connect(address);
            wire.send(ask.login(&login.0, login.1).body(body).bytes());
            let _ = wire.answer(false);
        });
        world.until("the token is lost", || world.sandbox.ismp_tokens().len() == 4);
        world.node.crash(0);
    });
    until_signed_in(&world, 5, "СУЗ");
    // A certain refusal ends nothing.
    world.node.advance(MINUTE);
    world.sandbox.say_next(SIGN_IN, canned(403, ""));
    let refused = world.post("/api/ismp/tokens/renew", &row).expect(200).json();
    ends(&refused, "НеверныйЛогинИлиПароль", "");
    assert!(world.sandbox.client_token_lives(&read(&world, "СУЗ").unwrap()));
    world.node.restart(0);
    assert!(world.sandbox.client_token_lives(&read(&world, "СУЗ").unwrap()));
    assert_eq!(sign_ins(&world), 6);
}

#[test]
fn a_clock_that_was_set_back_while_the_node_was_off_holds_up_no_renewal() {
    let mut world = World::new(Key::File);
    ask(&world, "ИСМП").expect(201);
    world.node.set_wall(world.node.now().plus(-3_600_000 * 5));
    // The running node has seen it: whatever it did, a start finds a token of the future.
    until_signed_in(&world, 2, "ИСМП");
    let held = world.sandbox.hold(KEY);
    world.node.set_wall(world.node.now().plus(-3_600_000 * 5));
    world.until("it is asked", || world.sandbox.asked(KEY).len() == 3);
    world.node.crash(0);
    drop(held);
    world.until("it is renewed", || {
        let token = read(&world, "ИСМП");
        token.is_some() && token.as_ref() == world.sandbox.ismp_tokens().last()
    });
}

#[test]
fn a_renewal_whose_answer_is_lost_is_repeated_and_its_old_token_not_given_out() {
    let world = World::new(Key::File);
    ask(&world, "СУЗ").expect(201);
    let lost = Canned {
        after_doing: true,
        ..Canned::default()
    };
    world.sandbox.say_next(SIGN_IN, lost);
    world.node.advance(9 * HOUR - 5 * MINUTE);
    world.until("the answer is lost", || row(&world)["Failures"] == 1);
    // The operator has ended the first, which has minutes left here.
    assert_eq!(read(&world, "СУЗ"), None);
    assert_eq!(sign_ins(&world), 2);
    world.node.advance(15_000);
    until_signed_in(&world, 3, "СУЗ");
    assert!(world.sandbox.client_token_lives(&read(&world, "СУЗ").unwrap()));
}

#[test]
fn an_organisation_that_is_put_right_is_tried_at_once() {
    let world = World::new(Key::File);
    ask(&world, "ИСМП").expect(201);
    world.sandbox.say_next(SIGN_IN, canned(403, ""));
    world.node.advance(10 * HOUR - 5 * MINUTE);
    world.until("it is refused", || row(&world)["Failures"] == 1);
    assert_eq!(world.sandbox.ismp_tokens().len(), 1);
    // Nobody moves the clock: what the administrator changes wakes the renewal.
    let own = serde_json::to_value(crate::world::organization(&world.key.thumbprint)).unwrap();
    let put = world.node.ask("PUT", &format!("/api/organizations/{ITN}"));
    put.body(own.to_string()).send().expect(200);
    until_signed_in(&world, 2, "ИСМП");
}

#[test]
fn what_was_refused_for_an_organisation_goes_with_it() {
    let world = World::new(Key::File);
    world.sandbox.say_next(SIGN_IN, canned(403, ""));
    ends(
        &ask(&world, "ИСМП").expect(200).json(),
        "НеверныйЛогинИлиПароль",
        "",
    );
    let kept = || {
        let services = world.node.gateway();
        let state = &services.now().shared.state;
        state.all::<keynode::gateway::SessionKey>().unwrap().len()
    };
    assert_eq!(kept(), 1);
    world
        .node
        .delete(&format!("/api/organizations/{ITN}"))
        .expect(200);
    world.until("it is forgotten", || kept() == 0);
}
