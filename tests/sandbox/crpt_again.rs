//! The same registration asked for again: nothing that may have been done is done a second time, whoever went away meanwhile
//! and whatever the clock says.

use keynode::sandbox::Canned;
use keynode::store::GatewayRecords;
use serde_json::{Value, json};

use crate::common::http::{Ask, Wire};
use crate::crpt::{DIRECT, GATEWAY, asked, canned, ends, order, register};
use crate::keys::Key;
use crate::world::{PASSWORD, World};

/// The operator's pause, in milliseconds.
const PAUSE: u64 = 30_000;

const HOUR: i64 = 60 * 60_000;

fn world() -> World {
    World::new(Key::File)
}

fn connections(world: &World) -> usize {
    world.get("/api/crpt/connections").expect(200).rows().len()
}

fn is_unknown(answer: &Value) -> bool {
    let message = answer["ErrorMessage"].as_str().unwrap();
    message.contains("Неизвестно, зарегистрировано ли соединение")
}

/// Registers, with an answer of which nobody can say whether there is a connection now.
#[track_caller]
fn stays_unknown(route: &str, path: &str, said: Canned) {
    let world = world();
    let what = format!("{route} {} {}", said.status, String::from_utf8_lossy(&said.body));
    world.sandbox.say_next(path, said);
    let first = register(&world, &order(route));
    assert!(is_unknown(&first), "{what}: {first}");
    world.node.advance(2 * PAUSE);
    assert_eq!(register(&world, &order(route)), first, "{what}");
    world.node.advance(2 * PAUSE);
    assert_eq!(asked(&world), 1, "{what}");
}

#[test]
fn an_operator_that_was_asked_by_the_gateway_is_not_asked_again() {
    for kind in [
        "BACKEND_UNDECODEABLE_RESPONSE",
        "BACKEND_CALL_ERROR",
        "https://example.com/BACKEND_CALL_ERROR",
    ] {
        stays_unknown(
            "Gateway",
            GATEWAY,
            canned(500, json!({ "type": kind }).to_string()),
        );
    }
}

#[test]
fn the_operators_own_error_is_repeated_by_the_gateway_too() {
    for said in [r#"{"type":"BACKEND_API_ERROR"}"#, "{}"] {
        let world = world();
        world.sandbox.say_next(GATEWAY, canned(500, said));
        ends(&register(&world, &order("Gateway")), "ОшибкаСервиса", "");
        world.node.advance(PAUSE);
        world.until("the repetition", || connections(&world) == 1);
    }
}

#[test]
fn who_stands_between_may_have_passed_it_on() {
    for status in [408, 502, 504, 520, 524] {
        stays_unknown("Direct", DIRECT, canned(status, "{}"));
    }
}

#[test]
fn a_status_that_nobody_knows_may_be_a_success() {
    stays_unknown("Direct", DIRECT, canned(200, r#"{"status":"LATER"}"#));
    let wrapped = r#"{"crptResponse":{"status":"LATER"}}"#;
    stays_unknown("Gateway", GATEWAY, canned(200, wrapped));
}

#[test]
fn a_success_is_told_again_for_ten_minutes_whatever_is_restarted() {
    let mut world = world();
    let first = register(&world, &order("Direct"));
    ends(&first, "", "");
    world.node.crash(1000);
    world.until_usable(true);
    world.node.advance(9 * 60_000);
    // By the other way it is the same.
    for route in ["Direct", "Gateway"] {
        assert_eq!(register(&world, &order(route)), first, "{route}");
    }
    assert_eq!((asked(&world), connections(&world)), (1, 1));
    world.node.advance(60_000);
    let second = register(&world, &order("Direct"));
    ends(&second, "", "");
    assert_ne!(second["ResponseData"], first["ResponseData"]);
    assert_eq!((asked(&world), connections(&world)), (2, 2));
}

#[test]
fn a_caller_that_gave_up_gets_its_connection_when_it_asks_again() {
    let world = world();
    let held = world.sandbox.hold(DIRECT);
    let address = world.node.address();
    let mut wire = Wire::connect(address);
    let ask = Ask::new(address, "POST", "/api/crpt/connections");
    wire.send(
        ask.login("robot", PASSWORD)
            .body(order("Direct").to_string())
            .bytes(),
    );
    world.until("the request", || asked(&world) == 1);
    drop(wire);
    drop(held);
    world.until("the connection", || connections(&world) == 1);
    let answer = register(&world, &order("Direct"));
    ends(&answer, "", "");
    let row = &world.get("/api/crpt/connections").rows()[0];
    assert_eq!(answer["ResponseData"]["omsConnection"], row["OmsConnection"]);
    assert_eq!((asked(&world), connections(&world)), (1, 1));
}

#[test]
fn a_repetition_that_a_clock_set_back_has_hidden_is_had_by_asking() {
    let world = world();
    world.sandbox.say_next(DIRECT, canned(500, "{}"));
    ends(&register(&world, &order("Direct")), "ОшибкаСервиса", "");
    world.node.set_wall(world.node.now().plus(-10 * HOUR));
    ends(&register(&world, &order("Direct")), "", "");
    assert_eq!(connections(&world), 1);
    // Nor is it repeated when that time comes.
    world.node.set_wall(world.node.now().plus(10 * HOUR + 60_000));
    assert_eq!((asked(&world), connections(&world)), (2, 1));
}

#[test]
fn a_clock_set_back_has_nothing_sent_twice() {
    let world = world();
    world.sandbox.say_next(DIRECT, canned(0, ""));
    assert!(is_unknown(&register(&world, &order("Direct"))));
    world.node.set_wall(world.node.now().plus(-10 * HOUR));
    assert!(is_unknown(&register(&world, &order("Direct"))));
    assert_eq!(asked(&world), 1);
    let mut again = order("Direct");
    again["Repeat"] = true.into();
    ends(&register(&world, &again), "", "");
}

#[test]
fn what_was_switched_off_is_not_repeated() {
    let mut world = world();
    world.sandbox.say_next(DIRECT, canned(500, "{}"));
    ends(&register(&world, &order("Direct")), "ОшибкаСервиса", "");
    world.node.reload(|all| all.crpt.enabled = false);
    world.node.advance(PAUSE);
    let given_up = || {
        let records = GatewayRecords::open(&world.node.database()).unwrap();
        records
            .jobs()
            .unwrap()
            .iter()
            .all(|job| job.kind != "crpt-repeat")
    };
    world.until("it is given up", given_up);
    assert_eq!(asked(&world), 1);
    world.node.reload(|all| all.crpt.enabled = true);
    ends(&register(&world, &order("Direct")), "", "");
}
