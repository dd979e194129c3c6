//! No application is sent twice to 1C-Taxcom, whatever the service says or does not say about the first.

use std::thread;
use std::time::Duration;

use keynode::sandbox::{HeldAt, Oddities};
use serde_json::{Value, json};

use crate::keys::Key;
use crate::taxcom::{POLL, PROCESSES, act, assert_clean, now, order, started, until};
use crate::world::World;

const PATIENCE: Duration = Duration::from_mins(1);
const HOUR: u64 = 3_600_000;

/// The request of a process that sends the application.
const SENDING: usize = 6;

fn action(word: &str) -> Value {
    json!({ "Action": word })
}

/// A process whose application was lost on its way, which nobody knows.
fn lost(world: &World) -> Value {
    let gate = world.sandbox.hold_taxcom(SENDING, HeldAt::Lost);
    thread::scope(|scope| {
        let started = scope.spawn(|| started(world));
        assert!(gate.wait(PATIENCE));
        drop(gate);
        started.join().unwrap()
    })
}

/// Lets the node look again, once.
#[track_caller]
fn looks(world: &World, process: &Value, after: u64) -> Value {
    let before = now(world, process)["NextAttempt"].clone();
    assert_ne!(before, Value::Null, "it does not look again");
    world.node.advance(after);
    world.until("the node is to look again", || {
        now(world, process)["NextAttempt"] != before
    });
    // What it keeps before it asks is no look.
    world.until("the look is to end", || {
        let next = now(world, process)["NextAttempt"].as_str().map(str::to_owned);
        next.is_none_or(|next| next > world.node.now().to_string())
    });
    now(world, process)
}

fn set(world: &World, odd: Oddities) {
    world.sandbox.set_taxcom_oddities(odd);
}

#[test]
fn another_application_is_sent_if_somebody_wants_that_who_was_told_of_the_doubt() {
    let world = World::new(Key::File);
    let process = lost(&world);
    assert_eq!(process["RequestStatus"], "Отсутствует");
    assert_eq!(process["ErrorCode"], "ОшибкаСервиса", "{process}");
    let info = process["ErrorInfo"].as_str().unwrap();
    assert!(
        info.contains("may have reached") && info.contains("НоваяЗаявка"),
        "{info}"
    );
    // Nobody may begin another before the service has had time to show this one, however often it is asked.
    let allowed = json!(["СтандартнаяОбработка", "Завершить"]);
    assert_eq!(process["AllowedActions"], allowed);
    act(&world, &process, &action("НоваяЗаявка"), 409);
    for _ in 0..3 {
        let told = act(&world, &process, &action("СтандартнаяОбработка"), 200);
        assert_eq!(told["RequestStatus"], "Отсутствует", "{told}");
        assert_eq!(told["AllowedActions"], allowed);
    }
    assert_clean(&world, 0);
    let process = looks(&world, &process, POLL);
    assert_eq!(
        process["AllowedActions"],
        json!(["СтандартнаяОбработка", "Завершить", "НоваяЗаявка"])
    );
    assert!(
        process["ErrorInfo"]
            .as_str()
            .unwrap()
            .contains("may have reached")
    );
    act(&world, &process, &action("СтандартнаяОбработка"), 200);
    assert_clean(&world, 0);
    let process = act(&world, &process, &action("НоваяЗаявка"), 200);
    assert_eq!(process["RequestStatus"], "ОжиданиеОбработки", "{process}");
    assert_eq!(process["ErrorCode"], "");
    assert_clean(&world, 1);
}

#[test]
fn the_node_itself_sends_another_after_hours_in_which_the_service_knew_of_none() {
    let world = World::new(Key::File);
    let process = lost(&world);
    for _ in 0..5 {
        looks(&world, &process, HOUR);
        assert_clean(&world, 0);
    }
    world.node.advance(HOUR);
    let process = until(&world, &process, "RequestStatus", "ОжиданиеОбработки");
    assert_eq!(process["ErrorCode"], "");
    assert_clean(&world, 1);
}

#[test]
fn a_doubt_outlives_the_process() {
    let mut world = World::new(Key::File);
    let process = lost(&world);
    act(&world, &process, &action("Завершить"), 200);
    world.node.crash(0);
    let process = started(&world);
    assert_eq!(process["RequestStatus"], "Отсутствует");
    assert!(
        process["ErrorInfo"]
            .as_str()
            .unwrap()
            .contains("may have reached"),
        "{process}"
    );
    act(&world, &process, &action("НоваяЗаявка"), 409);
    assert_clean(&world, 0);
}

#[test]
fn an_application_that_waits_and_is_not_shown_once_is_not_sent_again() {
    for word in ["none", "inprocess", ""] {
        let world = World::new(Key::File);
        let process = started(&world);
        let status = Some(word);
        set(
            &world,
            Oddities {
                status,
                ..Oddities::default()
            },
        );
        world.sandbox.forget_taxcom_sessions();
        let told = looks(&world, &process, POLL);
        assert_eq!(told["RequestStatus"], "Отсутствует", "{word}: {told}");
        assert_eq!(told["ErrorCode"], "ОшибкаСервиса", "{word}: {told}");
        // Neither soon nor after hours.
        for _ in 0..3 {
            looks(&world, &process, 7 * HOUR);
        }
        assert_clean(&world, 1);
        // It recovers by itself.
        set(&world, Oddities::default());
        world.sandbox.decide(None);
        world.node.advance(HOUR);
        let process = until(&world, &process, "Stage", "Ended");
        assert_eq!(
            (&process["RequestStatus"], &process["ErrorCode"]),
            (&json!("Обработана"), &json!(""))
        );
        assert_clean(&world, 1);
    }
}

#[test]
fn an_application_that_was_taken_and_is_not_shown_yet_is_waited_for() {
    let world = World::new(Key::File);
    set(
        &world,
        Oddities {
            status: Some("none"),
            ..Oddities::default()
        },
    );
    let process = started(&world);
    assert_eq!(process["RequestStatus"], "Отсутствует", "{process}");
    for wait in [POLL, 2 * POLL, 7 * HOUR, 7 * HOUR] {
        looks(&world, &process, wait);
    }
    assert_clean(&world, 1);
    set(&world, Oddities::default());
    world.node.advance(HOUR);
    until(&world, &process, "RequestStatus", "ОжиданиеОбработки");
    assert_clean(&world, 1);
}

#[test]
fn an_application_that_is_answered_without_a_form_was_taken() {
    let world = World::new(Key::File);
    set(
        &world,
        Oddities {
            silent: true,
            ..Oddities::default()
        },
    );
    let process = started(&world);
    assert_eq!(process["RequestStatus"], "ОжиданиеОбработки", "{process}");
    act(&world, &process, &action("СтандартнаяОбработка"), 200);
    assert_clean(&world, 1);
}

#[test]
fn the_form_of_an_application_is_no_reason_to_send_one() {
    let hasty = Oddities {
        hasty: true,
        ..Oddities::default()
    };
    let world = World::new(Key::File);
    let process = started(&world);
    set(&world, hasty);
    world.sandbox.forget_taxcom_sessions();
    let told = looks(&world, &process, POLL);
    assert_eq!(told["RequestStatus"], "ОжиданиеОбработки", "{told}");
    assert_clean(&world, 1);
    // A rejected one stops, and is replaced only if somebody wants that.
    world.sandbox.forget_taxcom_sessions();
    world.sandbox.decide(Some("Нет договора"));
    world.node.advance(POLL);
    let process = until(&world, &process, "RequestStatus", "Отклонена");
    act(&world, &process, &action("СтандартнаяОбработка"), 200);
    assert_clean(&world, 1);
    set(&world, Oddities::default());
    let process = act(&world, &process, &action("НоваяЗаявка"), 200);
    assert_eq!(process["RequestNumber"], "000000002", "{process}");
    assert_clean(&world, 2);
}

#[test]
fn a_word_that_is_unknown_is_not_taken_for_none() {
    let world = World::new(Key::File);
    set(
        &world,
        Oddities {
            status: Some("inprocess"),
            ..Oddities::default()
        },
    );
    let process = started(&world);
    assert_eq!(process["RequestStatus"], "Отсутствует", "{process}");
    assert!(
        process["ErrorInfo"].as_str().unwrap().contains("inprocess"),
        "{process}"
    );
    looks(&world, &process, 7 * HOUR);
    assert_clean(&world, 0);
    // A person knows better.
    set(&world, Oddities::default());
    let process = act(&world, &process, &action("НоваяЗаявка"), 200);
    assert_eq!(process["RequestStatus"], "ОжиданиеОбработки", "{process}");
    assert_clean(&world, 1);
}

#[test]
fn an_application_for_another_company_is_not_sent() {
    let world = World::new(Key::File);
    let mut order = order(&world, "SubscriberID");
    order["OnCreate"] = true.into();
    let process = world.post(PROCESSES, &order).expect(201).json();
    let mut data = process["RequestData"].clone();
    data["ОтпечатокСертификата"] = Value::Null;
    data["ИНН"] = "7736050003".into();
    let body = json!({ "Action": "ОтправитьЗаявку", "RequestData": data });
    let told = act(&world, &process, &body, 200);
    assert_eq!(told["ErrorCode"], "НеверныйФорматЗапроса", "{told}");
    assert!(told["ErrorMessage"].as_str().unwrap().contains("ИНН"), "{told}");
    assert_clean(&world, 0);
}
