//! What a registration says: one station, a signature, and no secret in what comes back.

use keynode::sandbox::Canned;
use serde_json::{Value, json};

use crate::crpt::{DIRECT, GATEWAY, WORDS, asked, canned, ends, order, register};
use crate::keys::Key;
use crate::world::{ACCOUNT, ITN, OMS_ID, REGISTRATION_KEY, World};

/// A password of the portal as people have them.
const PASSWORD: &str = "пароль \"портала\"/Ё";

fn world() -> World {
    World::new(Key::File)
}

#[test]
fn a_request_is_about_one_station() {
    let world = world();
    let other = uuid::Uuid::new_v4().to_string();
    let refused = |own: Value, parameters: Value| {
        let mut order = order("Direct");
        (order["OmsId"], order["URLParameters"]) = (own, parameters);
        let answer = world.post("/api/crpt/connections", &order);
        assert_eq!(answer.refused(400), "EHTTPBadRequest", "{order}");
        assert!(answer.message().contains("omsId"), "{}", answer.message());
    };
    refused(OMS_ID.into(), json!({ "omsId": other }));
    refused(Value::Null, json!({ "omsId": OMS_ID, "OMSID": other }));
    refused(Value::Null, json!({ "omsId": OMS_ID, "OMSID": OMS_ID }));
    assert_eq!(asked(&world), 0);
}

#[test]
fn a_station_that_is_named_by_nothing_is_named_once() {
    let world = world();
    let mut blank = order("Direct");
    (blank["OmsId"], blank["URLParameters"]) = (OMS_ID.into(), json!({ "omsId": " " }));
    ends(&register(&world, &blank), "", "");
    assert_eq!(world.sandbox.asked(DIRECT)[0].query, format!("omsId={OMS_ID}"));
}

#[test]
fn a_station_in_capitals_is_the_same() {
    let world = world();
    world.sandbox.say_next(DIRECT, canned(0, ""));
    ends(&register(&world, &order("Direct")), "ОшибкаПодключения", "");
    let mut capitals = order("Direct");
    capitals["URLParameters"]["omsId"] = OMS_ID.to_uppercase().into();
    let answer = register(&world, &capitals);
    ends(&answer, "ОшибкаПодключения", "");
    assert!(answer["ErrorMessage"].as_str().unwrap().contains("Неизвестно"));
    assert_eq!(asked(&world), 1);
}

#[test]
fn an_empty_signature_is_none() {
    let world = world();
    let mut empty = order("Direct");
    empty["Headers"]["x-signature"] = "".into();
    ends(&register(&world, &empty), "", "");
    let sent = &world.sandbox.asked(DIRECT)[0];
    assert_eq!(sent.body, WORDS.as_bytes());
    assert!(sent.header("x-signature").unwrap().len() > 100);
}

/// An answer as services write them, with a secret in it.
fn spelled(secret: &str) -> Vec<Canned> {
    let ascii: String = secret
        .encode_utf16()
        .map(|unit| match u8::try_from(unit) {
            Ok(b'"') => "\\\"".to_owned(),
            Ok(b'/') => "\\/".to_owned(),
            Ok(letter) if letter.is_ascii() => char::from(letter).to_string(),
            _ => format!("\\u{unit:04x}"),
        })
        .collect();
    let error = |quoted: &str| format!(r#"{{"globalErrors":[{{"error":"said {quoted}"}}]}}"#);
    let quoted = Value::from(secret).to_string();
    let latin = [b"\xEF\xF0\xEE said ".as_slice(), secret.as_bytes()].concat();
    let mut headers = canned(400, "{}");
    headers.headers = vec![("X-Echo".into(), format!("said {secret}"))];
    vec![
        canned(400, error(quoted.trim_matches('"'))),
        canned(400, error(&ascii)),
        canned(400, latin),
        headers,
    ]
}

#[test]
fn no_secret_comes_back_however_it_is_spelled() {
    let world = world();
    world.set_account(Some((ACCOUNT.0, PASSWORD)));
    for (route, path, secret) in [
        ("Direct", DIRECT, REGISTRATION_KEY),
        ("Gateway", GATEWAY, PASSWORD),
    ] {
        for (number, said) in spelled(secret).into_iter().enumerate() {
            let by_header = !said.headers.is_empty();
            if by_header && !secret.is_ascii() {
                continue;
            }
            world.sandbox.say_next(path, said);
            let mut order = order(route);
            order["RequestJSON"] = json!({ "address": format!("{route} {number}") })
                .to_string()
                .into();
            let answer = register(&world, &order);
            ends(&answer, "НеверныйФорматЗапроса", "");
            let text = answer.to_string();
            assert!(text.contains("said ***"), "{route} {number}: {text}");
            for form in [secret.to_owned(), Value::from(secret).to_string()] {
                assert!(!text.contains(form.trim_matches('"')), "{route} {number}: {text}");
            }
            assert!(!text.contains("u043f"), "{route} {number}: {text}");
        }
    }
}

with_both_keys!(the_short_form_and_the_drop_in_sign_as_well, |world| {
    let short =
        json!({ "OmsId": OMS_ID, "Address": "Москва", "Name": "Касса 1", "ITN": ITN, "Route": "Direct" });
    ends(&register(&world, &short), "", "");
    let body = json!({
        "crptRequest": {
            "headers": {}, "queryParameters": { "omsId": OMS_ID },
            "bodyBase64": "eyJhZGRyZXNzIjoi0JzQvtGB0LrQstCwIn0=",
        },
        "clientInfo": { "programNick": "Accounting", "libraryId": "", "libraryVersion": "" },
    });
    let answer = world.post(GATEWAY, &body).expect(200).json();
    assert_eq!(answer["crptResponse"]["status"], "SUCCESS", "{answer}");
    // Pulled and plugged in again.
    world.key.pull();
    world.until_usable(false);
    let other = json!({ "OmsId": OMS_ID, "Address": "Тверь", "ITN": ITN, "Route": "Direct" });
    ends(&register(&world, &other), "ОшибкаСервиса", "КлючНеПодключен");
    assert_eq!(asked(&world), 2);
    world.key.plug();
    world.until_usable(true);
    ends(&register(&world, &other), "", "");
});
