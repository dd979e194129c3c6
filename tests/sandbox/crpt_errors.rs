//! Each row of the error maps of CRPT (spec, services, section 3), by both ways.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use keynode::gateway::{Changes, SupportAccount};
use serde_json::{Value, json};

use crate::crpt::{DIRECT, GATEWAY, asked, canned, ends, order, register};
use crate::keys::Key;
use crate::world::{ACCOUNT, ITN, OMS_ID, REGISTRATION_KEY, World, audit};

/// An order that differs from all others.
fn fresh(route: &str, number: usize) -> Value {
    let mut order = order(route);
    order["RequestJSON"] = json!({ "address": format!("Москва, {number}") })
        .to_string()
        .into();
    order
}

#[test]
fn every_row_of_the_error_map() {
    let world = World::new(Key::File);
    let rows = [
        (401, "НеверныйЛогинИлиПароль"),
        (400, "НеверныйФорматЗапроса"),
        (422, "НеверныйФорматЗапроса"),
        (413, "НеверныйФорматЗапроса"),
        (429, "ПревышеноКоличествоПопыток"),
        (500, "ОшибкаСервиса"),
        (0, "ОшибкаПодключения"),
        (503, "ОшибкаПодключения"),
        (403, "НеизвестнаяОшибка"),
        (404, "НеизвестнаяОшибка"),
        (502, "НеизвестнаяОшибка"),
    ];
    for (route, path, base) in [("Direct", DIRECT, 0), ("Gateway", GATEWAY, 100)] {
        for (number, (status, code)) in rows.into_iter().enumerate() {
            world.sandbox.say_next(path, canned(status, "{}"));
            let answer = register(&world, &fresh(route, base + number));
            assert_eq!(answer["ErrorCode"], code, "{route} {status}: {answer}");
            ends(&answer, code, "");
        }
        assert_eq!(
            world.sandbox.asked(path).len(),
            rows.len(),
            "nothing is asked twice"
        );
    }
    assert!(world.get("/api/crpt/connections").rows().is_empty());
}

#[test]
fn answers_that_make_no_sense_are_the_services_fault() {
    let world = World::new(Key::File);
    let rows = [
        "no JSON",
        "[]",
        "{}",
        r#"{"status":"SUCCESS"}"#,
        r#"{"status":"SUCCESS","omsConnection":""}"#,
        r#"{"status":"SUCCESS","omsConnection":7}"#,
        r#"{"status":"LATER"}"#,
    ];
    for (number, said) in rows.into_iter().enumerate() {
        world.sandbox.say_next(DIRECT, canned(200, said));
        ends(&register(&world, &fresh("Direct", number)), "ОшибкаСервиса", "");
        let wrapped = format!(r#"{{"crptResponse":{said}}}"#);
        world.sandbox.say_next(GATEWAY, canned(200, wrapped));
        ends(
            &register(&world, &fresh("Gateway", 100 + number)),
            "ОшибкаСервиса",
            "",
        );
    }
    assert!(world.get("/api/crpt/connections").rows().is_empty());
}

#[test]
fn the_gateways_word_refines_the_text() {
    let world = World::new(Key::File);
    let mut texts = Vec::new();
    let rows = [
        (400, "BAD_REQUEST", "НеверныйФорматЗапроса"),
        (400, "REGISTRATION_KEY_NOT_FOUND", "НеверныйФорматЗапроса"),
        (400, "UNKNOWN_PROGRAM", "НеверныйФорматЗапроса"),
        (422, "BACKEND_API_ERROR", "НеверныйФорматЗапроса"),
        (401, "UNAUTHORIZED", "НеверныйЛогинИлиПароль"),
        (500, "BACKEND_CALL_ERROR", "ОшибкаСервиса"),
        (500, "https://example.com/BACKEND_API_ERROR", "ОшибкаСервиса"),
        (500, "BACKEND_UNDECODEABLE_RESPONSE", "ОшибкаСервиса"),
    ];
    for (number, (status, kind, code)) in rows.into_iter().enumerate() {
        let said = json!({
            "type": kind, "title": "t", "status": status, "detail": "d", "instance": "i",
            "backendErrorResponseHeaders": { "X-Request": "77" },
            "backendErrorResponse": { "globalErrors": [{ "error": "не тот адрес", "errorCode": 1 }] },
        });
        world.sandbox.say_next(GATEWAY, canned(status, said.to_string()));
        let answer = register(&world, &fresh("Gateway", number));
        ends(&answer, code, "");
        assert_eq!(answer["ResponseData"], said["backendErrorResponse"], "{kind}");
        assert_eq!(
            answer["ResponseHeaders"], said["backendErrorResponseHeaders"],
            "{kind}"
        );
        let text = answer["ErrorMessage"].as_str().unwrap().to_owned();
        assert!(text.contains("не тот адрес"), "{text}");
        assert!(!texts.contains(&text), "{kind}: {text}");
        texts.push(text);
    }
}

#[test]
fn a_rejection_is_an_answer_and_nothing_is_kept() {
    let world = World::new(Key::File);
    let said = r#"{"status":"REJECTED","rejectionReason":"нет такого адреса"}"#;
    for (route, path, body) in [
        ("Direct", DIRECT, said.to_owned()),
        (
            "Gateway",
            GATEWAY,
            format!(r#"{{"crptResponse":{said},"crptResponseHeaders":{{}}}}"#),
        ),
    ] {
        world.sandbox.say_next(path, canned(200, body));
        let answer = register(&world, &order(route));
        ends(&answer, "", "");
        assert_eq!(answer["ResponseData"]["rejectionReason"], "нет такого адреса");
    }
    assert!(world.get("/api/crpt/connections").rows().is_empty());
    // It is settled: the same may be asked again.
    ends(&register(&world, &order("Direct")), "", "");
}

#[test]
fn without_credentials_nothing_is_sent() {
    let mut world = World::new(Key::File);
    let forgotten = Changes::new().remove::<SupportAccount>("default");
    world.node.gateway().now().shared.state.commit(forgotten).unwrap();
    ends(&register(&world, &order("Gateway")), "НеверныйЛогинИлиПароль", "");
    let file = world.directory.path().join("registration-key");
    let set_mode = |mode: u32| fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
    set_mode(0o640);
    let answer = register(&world, &order("Direct"));
    ends(&answer, "НеверныйЛогинИлиПароль", "");
    assert!(
        answer["ErrorInfo"].as_str().unwrap().contains("chmod 600"),
        "{answer}"
    );
    set_mode(0o600);
    fs::write(&file, "two\nlines\n").unwrap();
    ends(&register(&world, &order("Direct")), "НеверныйЛогинИлиПароль", "");
    fs::remove_file(&file).unwrap();
    ends(&register(&world, &order("Direct")), "НеверныйЛогинИлиПароль", "");
    world.node.reload(|all| all.crpt.registration_key_file = None);
    ends(&register(&world, &order("Direct")), "НеверныйЛогинИлиПароль", "");
    assert_eq!(asked(&world), 0);
}

#[test]
fn an_operator_that_is_not_there_is_no_connection_and_may_be_asked_again() {
    let mut world = World::new(Key::File);
    let url = world.sandbox.url();
    world
        .node
        .reload(|all| all.crpt.url = "http://127.0.0.1:9".into());
    ends(&register(&world, &order("Direct")), "ОшибкаПодключения", "");
    world.node.reload(|all| all.crpt.url = url);
    ends(&register(&world, &order("Direct")), "", "");
}

#[test]
fn the_key_is_pulled() {
    let world = World::new(Key::SoftHsm);
    world.key.pull();
    world.until_usable(false);
    ends(
        &register(&world, &order("Direct")),
        "ОшибкаСервиса",
        "КлючНеПодключен",
    );
    assert_eq!(asked(&world), 0);
    world.key.plug();
    world.until_usable(true);
    ends(&register(&world, &order("Direct")), "", "");
}

#[test]
fn a_slow_operator_leaves_the_outcome_unknown() {
    let world = World::with(Key::File, |all| all.gateway.timeout = Duration::from_secs(1));
    let slow = keynode::sandbox::Canned {
        delay: Duration::from_secs(30),
        ..canned(200, "{}")
    };
    world.sandbox.say_next(DIRECT, slow);
    for _ in 0..2 {
        let answer = register(&world, &order("Direct"));
        ends(&answer, "ОшибкаПодключения", "");
        assert!(
            answer["ErrorMessage"].as_str().unwrap().contains("Неизвестно"),
            "{answer}"
        );
    }
    assert_eq!(asked(&world), 1);
}

#[test]
fn what_a_service_repeats_of_secrets_is_not_told() {
    let world = World::new(Key::File);
    let login = STANDARD.encode(format!("{}:{}", ACCOUNT.0, ACCOUNT.1));
    for (number, (route, path, secret)) in [
        ("Direct", DIRECT, REGISTRATION_KEY),
        ("Gateway", GATEWAY, login.as_str()),
    ]
    .into_iter()
    .enumerate()
    {
        let error = json!({ "globalErrors": [{ "error": format!("unknown: {secret}") }] });
        let said = json!({ "backendErrorResponse": error, "globalErrors": error["globalErrors"] });
        world.sandbox.say_next(path, canned(400, said.to_string()));
        let answer = register(&world, &fresh(route, number)).to_string();
        assert!(answer.contains("unknown: ***"), "{answer}");
        assert!(!answer.contains(secret), "{answer}");
    }
}

#[test]
fn the_audit_log_tells_who_registered_what() {
    let mut world = World::new(Key::File);
    let answer = register(&world, &order("Direct"));
    world.sandbox.say_next(DIRECT, canned(400, "{}"));
    register(&world, &fresh("Direct", 1));
    world
        .sandbox
        .say_next(DIRECT, canned(200, r#"{"status":"REJECTED"}"#));
    register(&world, &fresh("Direct", 2));
    let connection = answer["ResponseData"]["omsConnection"].as_str().unwrap();
    let rows = audit(&mut world, "crpt%");
    let told: Vec<_> = rows
        .iter()
        .map(|(actor, event, object, detail)| {
            assert_eq!((actor.as_str(), object.as_str()), ("robot@127.0.0.1", OMS_ID));
            (event.as_str(), detail.clone())
        })
        .collect();
    assert_eq!(
        told,
        [
            ("crpt-connection", format!("{connection}, ITN {ITN}")),
            (
                "crpt-connection-failure",
                format!("НеверныйФорматЗапроса, ITN {ITN}")
            ),
            ("crpt-connection-failure", format!("rejected, ITN {ITN}")),
        ]
    );
}
