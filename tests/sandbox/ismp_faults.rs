//! How sign-ins to IS MP fail: a row for each answer of the operator, and what the key, the network and other people do.

use std::time::Duration;

use keynode::gateway::{Facility, Organization};
use keynode::sandbox::Canned;
use keynode::settings::Settings;
use serde_json::{Value, json};

use crate::ismp::{AUTH, KEY, SIGN_IN, ask, ends, read, sign_ins};
use crate::keys::Key;
use crate::world::{ITN, World, organization};

pub(crate) fn canned(status: u16, body: &str) -> Canned {
    Canned {
        status,
        body: body.as_bytes().to_vec(),
        ..Canned::default()
    }
}

fn words(text: &str) -> String {
    json!({ "error_message": text, "code": "1" }).to_string()
}

/// The error map, for both requests of a sign-in.
#[test]
fn each_answer_of_the_operator_has_its_code() {
    let world = World::new(Key::File);
    let said = words("Подпись не валидна");
    let rows = [
        (0, "", "ОшибкаПодключения"),
        (500, "", "ОшибкаСервиса"),
        (502, "<html>", "ОшибкаСервиса"),
        (503, said.as_str(), "ОшибкаСервиса"),
        (200, "<html>", "ОшибкаСервиса"),
        (200, "[]", "ОшибкаСервиса"),
        (200, "{}", "ОшибкаСервиса"),
        (
            200,
            r#"{"uuid":"a b","data":"X","token":"a b","access_token":5}"#,
            "ОшибкаСервиса",
        ),
        (200, r#"{"uuid":"","data":"","token":""}"#, "ОшибкаСервиса"),
        (400, "", "НеверныйФорматЗапроса"),
        (400, said.as_str(), "НеверныйФорматЗапроса"),
        (406, "", "НеверныйФорматЗапроса"),
        (401, "", "НеверныйЛогинИлиПароль"),
        (401, said.as_str(), "НеверныйЛогинИлиПароль"),
        (403, said.as_str(), "НеверныйЛогинИлиПароль"),
        (404, said.as_str(), "НеизвестнаяОшибка"),
        (302, "", "НеизвестнаяОшибка"),
    ];
    for path in [KEY, SIGN_IN] {
        for (status, body, code) in rows {
            world.sandbox.say_next(path, canned(status, body));
            let before = world.sandbox.asked(path).len();
            let answer = ask(&world, "ИСМП").expect(200).json();
            assert_eq!(answer["ErrorCode"], code, "{path} {status} {body}: {answer}");
            assert_eq!(answer["Results"], json!({ ITN: answer["ErrorMessage"] }));
            assert_eq!(answer["ValidUntil"], Value::Null);
            ends(&answer, code, "");
            if body == said {
                assert_eq!(answer["ErrorMessage"], "Подпись не валидна");
            }
            // Nothing was sent twice.
            assert_eq!(
                world.sandbox.asked(path).len(),
                before + 1,
                "{path} {status} {body}"
            );
        }
    }
    // The words of the operator are bounded, and harmless.
    let long = words(&format!("\u{1b}[2J{}", "ы".repeat(100_000)));
    world.sandbox.say_next(SIGN_IN, canned(400, &long));
    let answer = ask(&world, "ИСМП").json();
    let told = answer["ErrorMessage"].as_str().unwrap();
    assert!(told.starts_with("[2Jы") && told.chars().count() <= 500, "{told}");
    assert_eq!(read(&world, "ИСМП"), None);
    ask(&world, "ИСМП").expect(201);
}

/// What the operator says of signatures, in its own words.
#[test]
fn the_operators_refusals_are_told_in_its_words() {
    let world = World::new(Key::File);
    let rows = [
        (400, "В запросе отсутствует идентификатор авторизации (UUID)"),
        (400, "В запросе отсутствует параметр data"),
        (400, "Тело запроса не может быть пустым"),
        (400, "Ошибка при проверке подписи"),
        (400, "Подпись не валидна"),
        (400, "В параметре inn должен быть передан ИНН организации"),
        (400, "Одновременное заполнение inn и unitedToken невозможно"),
        (403, "Пользователь не найден"),
        (
            403,
            "Авторизация невозможна. ИП не зарегистрирован или заблокирован",
        ),
        (403, "В сертификате отсутствует ИНН"),
        (403, "В сертификате отсутствует идентификатор пользователя МЧД"),
        (403, "Подпись невалидна. Код ошибки:23"),
        (403, "Проверка подписи не пройдена"),
        (403, "ИНН организации 7707083893 не найден среди доверенных"),
        (403, "Пользователь неактивен"),
        (403, "Организация 7707083893 не зарегистрирована"),
    ];
    for (status, text) in rows {
        world.sandbox.say_next(SIGN_IN, canned(status, &words(text)));
        let answer = ask(&world, "ИСМП").expect(200).json();
        let code = if status == 400 {
            "НеверныйФорматЗапроса"
        } else {
            "НеверныйЛогинИлиПароль"
        };
        ends(&answer, code, "");
        assert_eq!(answer["Results"], json!({ ITN: text }));
    }
}

#[test]
fn a_challenge_that_was_too_old_is_replaced_once() {
    let world = World::new(Key::File);
    let late = words("UUID не найден в хранилище ключей. UUID = a63ff582");
    world.sandbox.say_next(SIGN_IN, canned(400, &late));
    ask(&world, "ИСМП").expect(201);
    assert_eq!((world.sandbox.asked(KEY).len(), sign_ins(&world)), (2, 2));
    for _ in 0..2 {
        world.sandbox.say_next(SIGN_IN, canned(400, &late));
    }
    let answer = ask(&world, "СУЗ").json();
    ends(&answer, "НеверныйФорматЗапроса", "");
    assert_eq!((world.sandbox.asked(KEY).len(), sign_ins(&world)), (4, 4));
}

#[test]
fn too_many_requests_are_followed_by_a_pause_that_outlives_the_node() {
    let mut world = World::new(Key::File);
    world.sandbox.say_next(SIGN_IN, canned(429, ""));
    ends(&ask(&world, "ИСМП").json(), "ПревышеноКоличествоПопыток", "");
    let before = world.sandbox.asked(AUTH).len();
    ends(&ask(&world, "ИСМП").json(), "ПревышеноКоличествоПопыток", "");
    world.node.crash(0);
    ends(&ask(&world, "ИСМП").json(), "ПревышеноКоличествоПопыток", "");
    assert_eq!(world.sandbox.asked(AUTH).len(), before);
    world.node.advance(60_000);
    ask(&world, "ИСМП").expect(201);
}

#[test]
fn an_operator_that_is_down_or_slow_is_told() {
    let quick = |all: &mut Settings| all.gateway.timeout = Duration::from_millis(300);
    let world = World::with(Key::File, quick);
    let held = world.sandbox.hold(KEY);
    ends(&ask(&world, "ИСМП").json(), "ОшибкаПодключения", "");
    drop(held);
    let held = world.sandbox.hold(SIGN_IN);
    ends(&ask(&world, "ИСМП").json(), "ОшибкаПодключения", "");
    assert_eq!(sign_ins(&world), 1);
    drop(held);
    // Nobody listens there.
    let nobody = World::with(Key::File, |all| all.ismp.url = "http://127.0.0.1:1".into());
    ends(&ask(&nobody, "ИСМП").json(), "ОшибкаПодключения", "");
    assert!(nobody.sandbox.asked(AUTH).is_empty());
}

with_both_keys!(a_key_that_is_pulled_in_mid_flow_is_told, |world| {
    let held = world.sandbox.hold(KEY);
    let answer = std::thread::scope(|scope| {
        let asking = scope.spawn(|| ask(&world, "СУЗ"));
        world.until("the challenge is asked for", || {
            !world.sandbox.asked(KEY).is_empty()
        });
        world.key.pull();
        world.until_usable(false);
        drop(held);
        asking.join().unwrap().expect(200).json()
    });
    ends(&answer, "ОшибкаСервиса", "КлючНеПодключен");
    assert_eq!(sign_ins(&world), 0);
    // While it is away nothing is asked of the operator.
    let before = world.sandbox.asked(AUTH).len();
    ends(&ask(&world, "СУЗ").json(), "ОшибкаСервиса", "КлючНеПодключен");
    assert_eq!(world.sandbox.asked(AUTH).len(), before);
    world.key.plug();
    world.until_usable(true);
    ask(&world, "СУЗ").expect(201);
});

#[test]
fn a_pin_is_not_tried_twice() {
    let world = World::unready(Key::Gost, |all| {
        for token in all.tokens.values_mut() {
            let right = token.pin_file.take().unwrap();
            token.pin_file = Some(right.with_file_name("wrong-pin"));
        }
    });
    world.key.wrong_pin();
    world.until("the PIN is tried", || {
        world.node.post("/api/rescan", &json!({})).expect(200);
        world.key.failures() == 1
    });
    for kind in ["ИСМП", "СУЗ", "ИСМП"] {
        ends(&ask(&world, kind).json(), "ОшибкаСервиса", "НеверныйПИН");
    }
    assert_eq!(world.key.failures(), 1);
    assert!(world.sandbox.asked(AUTH).is_empty());
}

#[test]
fn a_certificate_that_is_over_or_nobodys_is_told() {
    let world = World::new(Key::File);
    world
        .node
        .set_wall(keynode::licence::Timestamp::parse("2050-01-01T00:00:00Z").unwrap());
    ends(
        &ask(&world, "ИСМП").json(),
        "ОшибкаСервиса",
        "СертификатПросрочен",
    );
    let world = World::new(Key::File);
    world.keep("7728168971", &organization(&"00".repeat(20)));
    let body = json!({ "TokenType": "ИСМП", "ITN": "7728168971" });
    let answer = world.post("/api/ismp/session-keys", &body).json();
    ends(&answer, "ОшибкаСервиса", "КлючНеПодключен");
    assert!(world.sandbox.asked(AUTH).is_empty());
}

#[test]
fn an_organisation_without_a_connection_has_no_token_of_the_station() {
    let world = World::new(Key::File);
    let own = keynode::gateway::Organization {
        oms_connection: None,
        facilities: vec![],
        ..organization(&world.key.thumbprint)
    };
    world.keep(ITN, &own);
    ends(&ask(&world, "СУЗ").json(), "НеверныйФорматЗапроса", "");
    assert!(world.sandbox.asked(AUTH).is_empty());
}

#[test]
fn the_operators_limit_of_requests_is_kept() {
    let world = World::new(Key::File);
    let facilities = (0..60).map(|at| Facility {
        name: format!("Цех {at}"),
        oms_connection: None,
    });
    let own = Organization {
        facilities: facilities.collect(),
        ..organization(&world.key.thumbprint)
    };
    world.keep(ITN, &own);
    let places: Vec<Value> = (0..60)
        .map(|at| json!({ "TokenType": "ИСМП", "ITN": ITN, "ProductionFacility": format!("Цех {at}") }))
        .collect();
    let body = json!({ "RequestParameters": places });
    let had = world.post("/api/ismp/session-keys", &body).expect(201).json();
    ends(&had, "", "");
    assert_eq!(sign_ins(&world), 60);
    assert!(world.sandbox.offences().is_empty());
}
