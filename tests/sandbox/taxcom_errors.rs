//! The error map of 1C-Taxcom (spec, services, section 4), row by row, and answers that no service gives.

use std::time::Duration;

use keynode::gateway::{Changes, SupportAccount};
use keynode::sandbox::Canned;
use serde_json::{Value, json};

use crate::keys::Key;
use crate::taxcom::{POLL, PROCESSES, act, assert_clean, is_kept, now, order, started, until};
use crate::world::{ACCOUNT, World, organization};

pub(crate) const SERVICE: &str = "/services/";

/// An answer of the service with these commands.
pub(crate) fn commands(inner: &str) -> String {
    format!(
        "<S:Envelope xmlns:S=\"http://schemas.xmlsoap.org/soap/envelope/\"><S:Body><p:processResponse \
         xmlns:p=\"https://ws.webits.onec.ru\"><commands>{inner}</commands></p:processResponse></S:Body></S:Envelope>"
    )
}

/// A command with one parameter.
pub(crate) fn command(name: &str, parameter: &str, value: &str) -> String {
    commands(&format!(
        "<command name=\"{name}\"><parameters><parameter name=\"{parameter}\" value=\"{value}\"/></parameters></command>"
    ))
}

pub(crate) fn canned(status: u16, body: impl Into<Vec<u8>>) -> Canned {
    Canned {
        status,
        body: body.into(),
        ..Canned::default()
    }
}

/// A world whose node knows the description of the service.
pub(crate) fn world() -> World {
    let world = World::new(Key::File);
    world.get("/api/taxcom/registered").expect(200);
    world
}

/// Has the node read the description of the service, where a failure made it forget that.
pub(crate) fn reads_description(world: &World, number: usize) {
    let target = format!("/api/taxcom/registered?Configuration=x{number}");
    world.get(&target).expect(200);
}

/// Ends the process, so that another can be started.
pub(crate) fn end(world: &World, process: &Value) {
    act(world, process, &json!({ "Action": "Завершить" }), 200);
}

#[test]
fn each_row_of_the_error_map() {
    let world = world();
    let fault = "<S:Envelope xmlns:S=\"http://schemas.xmlsoap.org/soap/envelope/\"><S:Body><S:Fault>\
        <faultcode>S:Server</faultcode><faultstring>inner\u{7f} secretless words</faultstring></S:Fault></S:Body></S:Envelope>";
    let rows = [
        ("cut off", canned(0, ""), "ОшибкаПодключения", true),
        (
            "a gateway's 502",
            canned(502, "<html>"),
            "ОшибкаПодключения",
            true,
        ),
        ("503", canned(503, ""), "ОшибкаПодключения", true),
        ("a Fault", canned(500, fault), "ОшибкаСервиса", true),
        ("500 without words", canned(500, ""), "ОшибкаСервиса", true),
        ("no XML", canned(200, "{}"), "ОшибкаСервиса", true),
        (
            "a stop with an error",
            canned(200, command("system.halt", "errorCode", "105")),
            "ОшибкаСервиса",
            true,
        ),
        (
            "a login form",
            canned(200, command("ui.open", "indexform", "f4")),
            "НеверныйЛогинИлиПароль",
            false,
        ),
        (
            "the older login form",
            canned(200, command("ui.open", "indexform", "1")),
            "НеверныйЛогинИлиПароль",
            false,
        ),
        (
            "an unknown command",
            canned(200, command("format.disk", "a", "b")),
            "НеизвестнаяОшибка",
            true,
        ),
        (
            "an unknown form",
            canned(200, command("ui.open", "indexform", "x9")),
            "НеизвестнаяОшибка",
            true,
        ),
        (
            "an unknown action",
            canned(200, command("performtheaction", "action", "x")),
            "НеизвестнаяОшибка",
            true,
        ),
        (
            "a question",
            canned(200, command("question.show", "messageText", "?")),
            "ОшибкаСервиса",
            false,
        ),
        ("no commands", canned(200, commands("")), "ОшибкаСервиса", true),
    ];
    for (number, (what, answer, code, again)) in rows.into_iter().enumerate() {
        reads_description(&world, number);
        world.sandbox.say_next(SERVICE, answer);
        let process = started(&world);
        assert_eq!(process["ErrorCode"], code, "{what}: {process}");
        assert_ne!(process["ErrorMessage"], "", "{what}");
        assert!(
            process["ErrorInfo"].as_str().unwrap().contains("1C-Taxcom"),
            "{what}: {process}"
        );
        assert_eq!(process["NextAttempt"] != Value::Null, again, "{what}: {process}");
        assert_eq!(process["RequestStatus"], "Отсутствует");
        end(&world, &process);
    }
    assert_clean(&world, 0);
}

#[test]
fn a_description_that_is_not_reached_or_is_none() {
    for (answer, code) in [
        (canned(0, ""), "ОшибкаПодключения"),
        (canned(404, ""), "ОшибкаПодключения"),
        (canned(200, "<html/>"), "ОшибкаСервиса"),
    ] {
        let world = World::new(Key::File);
        world.sandbox.say_next(SERVICE, answer);
        let process = started(&world);
        assert_eq!(process["ErrorCode"], code, "{process}");
        // It is read anew by itself.
        world.node.advance(POLL);
        until(&world, &process, "RequestStatus", "ОжиданиеОбработки");
        assert_clean(&world, 1);
    }
}

#[test]
fn a_service_that_is_slow_is_not_waited_for() {
    let world = World::with(Key::File, |all| all.gateway.timeout = Duration::from_millis(300));
    world.get("/api/taxcom/registered").expect(200);
    let slow = Canned {
        delay: Duration::from_secs(2),
        ..canned(200, "")
    };
    world.sandbox.say_next(SERVICE, slow);
    let process = started(&world);
    assert_eq!(process["ErrorCode"], "ОшибкаПодключения", "{process}");
}

#[test]
fn a_login_that_is_refused_or_missing_is_not_tried_again() {
    let world = world();
    world.set_account(Some((ACCOUNT.0, "wrong")));
    let process = started(&world);
    assert_eq!(process["ErrorCode"], "НеверныйЛогинИлиПароль", "{process}");
    assert_eq!(
        (&process["NextAttempt"], &process["Stage"]),
        (&Value::Null, &json!("Stopped"))
    );
    let services = world.node.gateway();
    let state = &services.now().shared.state;
    state
        .commit(Changes::new().remove::<SupportAccount>("default"))
        .unwrap();
    let standard = json!({ "Action": "СтандартнаяОбработка" });
    let told = act(&world, &process, &standard, 200);
    assert_eq!(told["ErrorCode"], "НеверныйЛогинИлиПароль");
    assert!(
        told["ErrorMessage"].as_str().unwrap().contains("не заданы"),
        "{told}"
    );
    world.set_account(Some(ACCOUNT));
    let told = act(&world, &process, &standard, 200);
    assert_eq!(told["RequestStatus"], "ОжиданиеОбработки", "{told}");
    assert_clean(&world, 1);
}

#[test]
fn data_that_are_wrong_are_not_sent() {
    for (field, value) in [
        ("КПП", "77"),
        ("ОГРН", ""),
        ("НаименованиеОрганизации", " "),
        ("ЮрФизЛицо", ""),
    ] {
        let world = World::new(Key::File);
        let mut organization = organization(&world.key.thumbprint);
        organization.registration_data.insert(field.into(), value.into());
        world.keep(crate::world::ITN, &organization);
        let process = started(&world);
        assert_eq!(
            process["ErrorCode"], "НеверныйФорматЗапроса",
            "{field}: {process}"
        );
        assert!(
            process["ErrorMessage"].as_str().unwrap().contains(field),
            "{process}"
        );
        assert_eq!(
            (&process["Stage"], &process["NextAttempt"]),
            (&json!("Application"), &Value::Null)
        );
        assert_clean(&world, 0);
        // With better data it goes on.
        world.keep(
            crate::world::ITN,
            &crate::world::organization(&world.key.thumbprint),
        );
        let told = act(
            &world,
            &process,
            &json!({ "Action": "СтандартнаяОбработка" }),
            200,
        );
        assert_eq!(told["RequestStatus"], "ОжиданиеОбработки", "{told}");
        assert_clean(&world, 1);
    }
}

#[test]
fn what_the_service_itself_does_not_take_is_told_in_its_words() {
    let world = World::new(Key::File);
    let mut order = order(&world, "SubscriberID");
    order["OnCreate"] = true.into();
    let process = world.post(PROCESSES, &order).expect(201).json();
    assert_eq!(process["Stage"], "Application");
    let refused = commands(
        "<command name=\"message.show\"><parameters><parameter name=\"messageText\" value=\"Индекс неверен\"/></parameters>\
         </command><command name=\"ui.open\"><parameters><parameter name=\"indexform\" value=\"ftx2\"/></parameters></command>",
    );
    world.sandbox.say_next(SERVICE, canned(200, refused));
    let send = json!({ "Action": "ОтправитьЗаявку" });
    let told = act(&world, &process, &send, 200);
    assert_eq!(told["ErrorCode"], "ОшибкаСервиса");
    assert!(
        told["ErrorMessage"].as_str().unwrap().contains("Индекс неверен"),
        "{told}"
    );
    assert_eq!(told["Stage"], "Application");
    let told = act(&world, &process, &send, 200);
    assert_eq!(told["RequestStatus"], "ОжиданиеОбработки", "{told}");
    assert_clean(&world, 1);
}

#[test]
fn a_certificate_that_is_over_is_told_as_such() {
    let world = world();
    world
        .node
        .set_wall(keynode::licence::Timestamp::parse("2046-01-01T00:00:00Z").unwrap());
    let process = started(&world);
    assert_eq!(process["ErrorCode"], "ОшибкаСервиса");
    assert_eq!(process["Detail"], "СертификатПросрочен", "{process}");
    assert_eq!(process["NextAttempt"], Value::Null);
    assert_clean(&world, 0);
}

#[test]
fn a_pin_that_is_wrong_or_missing_is_told_and_not_tried_again() {
    for (wrong, detail) in [(true, "НеверныйПИН"), (false, "ТребуетсяПИН")] {
        let world = World::new(Key::SoftHsm);
        let mut world = world;
        let file = wrong.then(|| world.key.wrong_pin());
        world.node.reload(|all| {
            let token = all.tokens.get_mut(crate::keys::NAME).unwrap();
            token.pin_file = file;
        });
        world.until_usable(false);
        let process = started(&world);
        assert_eq!(process["ErrorCode"], "ОшибкаСервиса");
        assert_eq!(process["Detail"], detail, "{process}");
        // Who gives the PIN that is missing wants the process to go on; a PIN that was refused is a person's matter.
        assert_eq!(process["NextAttempt"] == Value::Null, wrong, "{process}");
        let stage = if wrong { "Stopped" } else { "Working" };
        assert_eq!(now(&world, &process)["Stage"], stage);
        assert_clean(&world, 0);
    }
}

#[test]
fn nothing_secret_is_kept_openly_or_told() {
    let mut world = World::new(Key::File);
    let process = started(&world);
    world.sandbox.decide(None);
    world.node.advance(POLL);
    until(&world, &process, "Stage", "Ended");
    let session = world.sandbox.asked(SERVICE);
    let text = |asked: &keynode::sandbox::Asked| String::from_utf8_lossy(&asked.body).into_owned();
    let sent: Vec<String> = session.iter().map(text).collect();
    let value = |name: &str| {
        let mut all = sent.iter().filter_map(|body| {
            let after = body.split_once(&format!("<name>{name}</name><value>"))?.1;
            Some(after.split_once('<')?.0.to_owned())
        });
        all.next().unwrap_or_else(|| panic!("{name} was not sent"))
    };
    let shown = now(&world, &process).to_string();
    let secrets = ["session_id", "openMarkerED", "password"].map(value);
    let audit = format!("{:?}", crate::world::audit(&mut world, "taxcom%"));
    // Who started it, and that it ended by itself.
    assert!(
        audit.contains("robot@") && audit.contains("Ended, Обработана"),
        "{audit}"
    );
    for secret in secrets {
        assert!(secret.len() > 8);
        for place in [&shown, &audit] {
            assert!(!place.contains(&secret));
        }
        assert!(!is_kept(&world, &secret), "{secret} is in the state directory");
    }
}
