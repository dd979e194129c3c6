//! A process with 1C-Taxcom survives whatever happens at any moment of it, and its application is sent once.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;
use std::time::Duration;

use keynode::sandbox::{Canned, HeldAt};
use serde_json::{Value, json};

use crate::keys::Key;
use crate::taxcom::{POLL, PROCESSES, assert_clean, now, order, started, until};
use crate::world::World;

const PATIENCE: Duration = Duration::from_mins(1);

/// Requests of a process from its start to the application's being sent: who, login, certificate, marker, form, application.
const REQUESTS: usize = 6;

/// That which sends the application.
const SENDING: usize = 6;

/// The only process.
#[track_caller]
fn only(world: &World) -> Value {
    let rows = world.get(PROCESSES).expect(200).rows();
    assert_eq!(rows.len(), 1, "{rows:?}");
    now(world, &rows[0])
}

/// Lets time pass until something is so about the only process.
#[track_caller]
fn in_time(world: &World, what: &str, mut is: impl FnMut(&Value) -> bool) -> Value {
    world.until(what, || {
        let fits = is(&only(world));
        if !fits {
            world.node.advance(POLL);
        }
        fits
    });
    only(world)
}

/// Starts a process that gets stuck at a request, and crashes the node there; once that has done `meanwhile`, the request
/// is let go.
fn crashed_at(request: usize, held: HeldAt, meanwhile: impl FnOnce(&World)) -> World {
    let mut world = World::new(Key::File);
    let gate = world.sandbox.hold_taxcom(request, held);
    let body = order(&world, "SubscriberID").to_string();
    let ask = world.ask("POST", PROCESSES).body(body);
    // Nobody gets the answer.
    let asking = thread::spawn(move || catch_unwind(AssertUnwindSafe(|| ask.send())));
    assert!(gate.wait(PATIENCE), "request {request} did not come");
    world.node.crash(0);
    meanwhile(&world);
    drop(gate);
    let _ = asking.join();
    world
}

/// Waits until the node has asked in a new session and learnt that there is no application: the description, who, login,
/// certificate, marker, the end.
fn asked_in_vain(world: &World) {
    let requests = 1 + REQUESTS + 6;
    world.until("the node is to ask anew", || {
        world.sandbox.asked("/services/").len() == requests
    });
}

#[test]
fn a_crash_after_each_request_costs_nothing() {
    crash_at_each(HeldAt::Done);
}

#[test]
fn a_crash_before_each_request_costs_nothing() {
    crash_at_each(HeldAt::Lost);
}

fn crash_at_each(held: HeldAt) {
    for request in 1..=REQUESTS {
        let world = crashed_at(request, held, |_| ());
        let process = in_time(&world, "the application is to wait", |process| {
            process["RequestStatus"] == "ОжиданиеОбработки"
        });
        assert_eq!(process["ErrorCode"], "", "{request}, {held:?}: {process}");
        assert_clean(&world, 1);
        world.sandbox.decide(None);
        let process = in_time(&world, "it is to end", |process| process["Stage"] == "Ended");
        assert_eq!(process["RequestStatus"], "Обработана");
        assert!(world.organization().subscriber_id.is_some());
        assert_clean(&world, 1);
    }
}

#[test]
fn an_application_that_arrives_late_is_not_sent_again() {
    let world = crashed_at(SENDING, HeldAt::Late, asked_in_vain);
    in_time(&world, "the application is to wait", |process| {
        process["RequestStatus"] == "ОжиданиеОбработки"
    });
    assert_clean(&world, 1);
}

#[test]
fn an_application_whose_answer_is_lost_is_not_sent_again() {
    for status in [0, 200, 500, 502] {
        let world = World::new(Key::File);
        let gate = world.sandbox.hold_taxcom(SENDING - 1, HeldAt::Done);
        thread::scope(|scope| {
            let started = scope.spawn(|| started(&world));
            assert!(gate.wait(PATIENCE));
            let lost = Canned {
                status,
                after_doing: true,
                ..Canned::default()
            };
            world.sandbox.say_next("/services/", lost);
            drop(gate);
            let process = started.join().unwrap();
            assert_eq!(
                process["RequestStatus"], "ОжиданиеОбработки",
                "{status}: {process}"
            );
            assert_eq!(process["ErrorCode"], "", "{status}: {process}");
        });
        assert_clean(&world, 1);
    }
}

#[test]
fn a_crash_while_it_waits_goes_on_with_the_same_session() {
    let mut world = World::new(Key::File);
    let process = started(&world);
    world.node.crash(1000);
    assert_eq!(now(&world, &process)["RequestStatus"], "ОжиданиеОбработки");
    let before = world.sandbox.asked("/services/").len();
    world.sandbox.decide(None);
    world.node.advance(POLL);
    until(&world, &process, "Stage", "Ended");
    // The description, the status, the end.
    assert_eq!(world.sandbox.asked("/services/").len() - before, 3);
    assert_clean(&world, 1);
}

#[test]
fn a_session_that_the_service_has_forgotten_is_begun_anew() {
    let world = World::new(Key::File);
    let process = started(&world);
    world.sandbox.forget_taxcom_sessions();
    world.sandbox.decide(None);
    world.node.advance(POLL);
    let process = until(&world, &process, "Stage", "Ended");
    assert_eq!(process["RequestStatus"], "Обработана");
    assert_clean(&world, 1);
}

#[test]
fn a_service_that_is_away_is_asked_less_and_less_often_and_nothing_is_lost() {
    let mut world = World::new(Key::File);
    let process = started(&world);
    let mut waits = Vec::new();
    for _ in 0..9 {
        world.sandbox.say_next("/services/", Canned::default());
        let before = now(&world, &process);
        let next = keynode::licence::Timestamp::parse(before["NextAttempt"].as_str().unwrap()).unwrap();
        let wait = next.millis() - world.node.now().millis();
        waits.push(wait / 60_000);
        world.node.advance(wait.unsigned_abs());
        world.until("the node is to be late", || {
            now(&world, &process)["NextAttempt"] != before["NextAttempt"]
        });
        let after = now(&world, &process);
        assert_eq!(after["ErrorCode"], "ОшибкаПодключения");
        assert_eq!(after["RequestStatus"], "ОжиданиеОбработки");
    }
    assert_eq!(waits, [1, 1, 2, 4, 8, 16, 32, 60, 60]);
    // That it waits is kept.
    let next = now(&world, &process)["NextAttempt"].clone();
    world.node.crash(0);
    assert_eq!(now(&world, &process)["NextAttempt"], next);
    world.sandbox.decide(None);
    world.node.advance(60 * POLL);
    let process = until(&world, &process, "Stage", "Ended");
    assert_eq!(process["ErrorCode"], "");
    assert_clean(&world, 1);
}

with_both_keys!(the_key_is_pulled_in_mid_flow, |world| {
    // It is away when the marker is to be decrypted.
    let gate = world.sandbox.hold_taxcom(3, HeldAt::Done);
    let process = thread::scope(|scope| {
        let started = scope.spawn(|| started(&world));
        assert!(gate.wait(PATIENCE));
        world.key.pull();
        world.until_usable(false);
        drop(gate);
        started.join().unwrap()
    });
    assert_eq!(process["ErrorCode"], "ОшибкаСервиса");
    assert_eq!(process["Detail"], "КлючНеПодключен", "{process}");
    assert_eq!(process["RequestStatus"], "Отсутствует");
    world.key.plug();
    world.until_usable(true);
    world.node.advance(POLL);
    let process = until(&world, &process, "RequestStatus", "ОжиданиеОбработки");
    assert_eq!(
        (&process["ErrorCode"], &process["Detail"]),
        (&json!(""), &json!(""))
    );
    // While an application waits nobody needs the key.
    world.key.pull();
    world.until_usable(false);
    world.sandbox.decide(None);
    world.node.advance(POLL);
    until(&world, &process, "RequestStatus", "Обработана");
    assert_clean(&world, 1);
});
