//! Sessions, keys and answers that are lost stop no process with 1C-Taxcom for good, and none goes on without end.

use keynode::sandbox::{Lost, Oddities};
use serde_json::{Value, json};

use crate::keys::Key;
use crate::taxcom::{POLL, PROCESSES, act, assert_clean, now, order, started, until};
use crate::taxcom_errors::{SERVICE, canned, command, commands, end, world};
use crate::world::{ACCOUNT, World, audit};

#[test]
fn a_session_that_is_lost_is_begun_anew_whatever_the_service_says_of_it() {
    for lost in [Lost::Fault, Lost::Login, Lost::Halt, Lost::Nothing] {
        let world = World::new(Key::File);
        world.sandbox.set_taxcom_oddities(Oddities {
            lost,
            ..Oddities::default()
        });
        let process = started(&world);
        world.sandbox.forget_taxcom_sessions();
        world.sandbox.decide(None);
        world.node.advance(POLL);
        let process = until(&world, &process, "Stage", "Ended");
        assert_eq!(process["RequestStatus"], "Обработана", "{lost:?}");
        assert_clean(&world, 1);
    }
}

#[test]
fn odd_answers_do_not_end_the_looks() {
    let world = world();
    let process = started(&world);
    for answer in [
        commands(""),
        command("system.halt", "errorCode", "7"),
        command("format.disk", "a", "b"),
    ] {
        // In the session that was open, and in the new one.
        for _ in 0..2 {
            world.sandbox.say_next(SERVICE, canned(200, answer.clone()));
        }
        world.node.advance(8 * POLL);
        // What is kept before it asks has no error, and is due.
        let looked = |fails: bool| {
            let told = now(&world, &process);
            let next = told["NextAttempt"].as_str().unwrap();
            next > world.node.now().to_string().as_str() && (told["ErrorCode"] != "") == fails
        };
        world.until("it is to fail", || looked(true));
        world.node.advance(8 * POLL);
        world.until("it is to go on", || looked(false));
        let told = now(&world, &process);
        assert_eq!(told["RequestStatus"], "ОжиданиеОбработки", "{answer}: {told}");
    }
    // A login that is refused is not tried again by itself; once it is right, whoever asks gets an answer.
    world.set_account(Some((ACCOUNT.0, "wrong")));
    world.sandbox.forget_taxcom_sessions();
    world.node.advance(POLL);
    let told = until(&world, &process, "ErrorCode", "НеверныйЛогинИлиПароль");
    assert_eq!(told["NextAttempt"], Value::Null);
    world.set_account(Some(ACCOUNT));
    let check = json!({ "Action": "ПроверитьСтатусЗаявки" });
    let told = act(&world, &process, &check, 200);
    assert_eq!(
        (&told["ErrorCode"], &told["RequestStatus"]),
        (&json!(""), &json!("ОжиданиеОбработки"))
    );
    assert_ne!(told["NextAttempt"], Value::Null);
    assert_clean(&world, 1);
}

#[test]
fn a_service_that_opens_no_form_of_an_application_is_not_asked_without_end() {
    let world = world();
    world.sandbox.set_taxcom_oddities(Oddities {
        stubborn: true,
        ..Oddities::default()
    });
    let before = world.sandbox.asked(SERVICE).len();
    let process = started(&world);
    assert_eq!(process["ErrorCode"], "ОшибкаСервиса", "{process}");
    assert!(world.sandbox.asked(SERVICE).len() - before < 20);
    assert_ne!(process["NextAttempt"], Value::Null);
    world.sandbox.set_taxcom_oddities(Oddities::default());
    world.node.advance(POLL);
    until(&world, &process, "RequestStatus", "ОжиданиеОбработки");
    assert_clean(&world, 1);
}

#[test]
fn a_process_that_the_service_ends_without_an_application_is_no_success() {
    let world = world();
    world
        .sandbox
        .say_next(SERVICE, canned(200, command("ui.open", "indexform", "bh1")));
    let process = started(&world);
    assert_eq!(
        (&process["Stage"], &process["ErrorCode"]),
        (&json!("Ended"), &json!("ОшибкаСервиса"))
    );
    assert_eq!(process["Registered"], false);
    assert_clean(&world, 0);
}

#[test]
fn a_process_that_waits_for_a_pin_goes_on_when_it_is_there() {
    let mut world = World::new(Key::SoftHsm);
    let mut pin = None;
    world.node.reload(|all| {
        let token = all.tokens.get_mut(crate::keys::NAME).unwrap();
        pin = token.pin_file.take();
    });
    world.until_usable(false);
    let process = started(&world);
    assert_eq!(process["Detail"], "ТребуетсяПИН", "{process}");
    // Time stands still: it is told of the key.
    world.node.reload(|all| {
        let token = all.tokens.get_mut(crate::keys::NAME).unwrap();
        token.pin_file = pin;
    });
    world.until_usable(true);
    until(&world, &process, "RequestStatus", "ОжиданиеОбработки");
    assert_clean(&world, 1);
}

#[test]
fn who_waits_needs_no_key_over_a_restart_and_whoever_ends_needs_none() {
    for ends in [false, true] {
        let mut world = World::new(Key::SoftHsm);
        let process = started(&world);
        world.key.pull();
        world.until_usable(false);
        world.node.restart(0);
        world.sandbox.decide(None);
        if ends {
            end(&world, &process);
            assert_eq!(now(&world, &process)["Stage"], "Ended");
        } else {
            world.node.advance(POLL);
            let process = until(&world, &process, "Stage", "Ended");
            assert_eq!(process["RequestStatus"], "Обработана", "{process}");
        }
        assert_eq!(world.sandbox.taxcom_sessions(), 0);
        assert_clean(&world, 1);
    }
}

#[test]
fn what_the_service_repeats_of_the_password_nobody_reads() {
    let mut world = world();
    let words = format!("value '{}' is not valid", ACCOUNT.1);
    let fault = format!(
        "<S:Envelope xmlns:S=\"http://schemas.xmlsoap.org/soap/envelope/\"><S:Body><S:Fault><faultcode>S:Client</faultcode>\
         <faultstring>{words}</faultstring></S:Fault></S:Body></S:Envelope>"
    );
    let mut ids = Vec::new();
    for (status, answer) in [
        (500, fault),
        (
            200,
            command("format.disk", "a", "b").replace("format.disk", ACCOUNT.1),
        ),
        (200, command("ui.open", "formmessage", &words)),
        (200, command("ui.open", "indexform", ACCOUNT.1)),
        (200, command("question.show", "messageText", &words)),
        (200, command("system.halt", "errorCode", ACCOUNT.1)),
    ] {
        world.sandbox.say_next(SERVICE, canned(status, answer));
        let process = started(&world);
        assert_ne!(process["ErrorCode"], "");
        assert!(!process.to_string().contains(ACCOUNT.1), "{process}");
        ids.push(process["ID"].clone());
        end(&world, &process);
    }
    // As data of the application, too.
    let put = command("store.put", "numberRequestED", ACCOUNT.1);
    let open = command("ui.open", "indexform", "ftx1");
    let inner = |all: &str| {
        let (_, after) = all.split_once("<commands>").unwrap();
        after.split_once("</commands>").unwrap().0.to_owned()
    };
    let mut led = order(&world, "SubscriberID");
    led["OnStatus"] = true.into();
    world
        .sandbox
        .say_next(SERVICE, canned(200, commands(&(inner(&put) + &inner(&open)))));
    let process = world.post(PROCESSES, &led).expect(201).json();
    assert_eq!(process["RequestNumber"], "***", "{process}");
    let audit = format!("{:?}", audit(&mut world, "taxcom%"));
    assert!(!audit.contains(ACCOUNT.1), "{audit}");
    assert_clean(&world, 0);
}

#[test]
fn no_letter_is_decrypted_for_the_service() {
    let world = world();
    let long = "A".repeat(12 * 1024);
    let body = commands(&format!(
        "<command name=\"store.put\"><parameters><parameter name=\"markerED\" value=\"{long}\"/></parameters></command>\
         <command name=\"performtheaction\"><parameters><parameter name=\"action\" value=\"decode\"/></parameters></command>"
    ));
    world.sandbox.say_next(SERVICE, canned(200, body));
    let process = started(&world);
    assert_eq!(process["ErrorCode"], "ОшибкаСервиса");
    assert!(
        process["ErrorInfo"].as_str().unwrap().contains("too long"),
        "{process}"
    );
}
