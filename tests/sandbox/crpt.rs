//! Connections of CRPT (seed 002): the function, by both ways, with both kinds of keys.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use keynode::sandbox::{Canned, Judge};
use serde_json::{Value, json};

use crate::common::Answer;
use crate::keys::{Key, fixture};
use crate::world::{ACCOUNT, ITN, OMS_ID, REGISTRATION_KEY, World};

pub(crate) const DIRECT: &str = "/api/v3/integration/connection";
pub(crate) const GATEWAY: &str = "/public/api/program1c/connections/register";

/// What the operator is told, with blanks that nobody may change.
pub(crate) const WORDS: &str = "{ \"address\" : \"г.Москва, ул. Вавилова, 19\"}\r\n";

pub(crate) fn canned(status: u16, body: impl Into<Vec<u8>>) -> Canned {
    Canned {
        status,
        body: body.into(),
        ..Canned::default()
    }
}

/// The seed's parameters.
pub(crate) fn order(route: &str) -> Value {
    json!({
        "RequestJSON": WORDS, "Headers": { "X-More": "1" }, "URLParameters": { "omsId": OMS_ID },
        "Library": { "ID": "БГосИС", "Version": "1.0.1" }, "Route": route, "ITN": ITN,
    })
}

pub(crate) fn register(world: &World, order: &Value) -> Value {
    world.post("/api/crpt/connections", order).expect(200).json()
}

/// How often the operator was asked, by either way.
pub(crate) fn asked(world: &World) -> usize {
    world.sandbox.asked(DIRECT).len() + world.sandbox.asked(GATEWAY).len()
}

#[track_caller]
pub(crate) fn ends(answer: &Value, code: &str, detail: &str) {
    let told = (&answer["ErrorCode"], &answer["Detail"]);
    assert_eq!(told, (&code.into(), &detail.into()), "{answer}");
    assert_eq!(answer["ErrorMessage"] == "", code.is_empty(), "{answer}");
    assert_eq!(answer["ErrorInfo"] == "", code.is_empty(), "{answer}");
}

fn идентификатор_соединения(world: &World, route: &str) {
    let answer = register(world, &order(route));
    ends(&answer, "", "");
    let data = &answer["ResponseData"];
    assert_eq!(data["status"], "SUCCESS", "{answer}");
    assert_eq!(
        answer["ResponseHeaders"]["Content-Type"], "application/json",
        "{answer}"
    );
    let rows = world.get("/api/crpt/connections").expect(200).rows();
    assert_eq!(rows.len(), 1);
    assert_eq!(
        rows[0],
        json!({
            "OmsId": OMS_ID, "OmsConnection": data["omsConnection"], "Name": null,
            "Address": "г.Москва, ул. Вавилова, 19", "ITN": ITN, "Created": rows[0]["Created"],
            "Certificate": world.key.thumbprint,
        })
    );
    assert_eq!(asked(world), 1);
}

with_both_keys!(
    идентификатор_соединения_напрямую,
    |world| {
        идентификатор_соединения(&world, "Direct");
        let sent = &world.sandbox.asked(DIRECT)[0];
        assert_eq!(sent.body, WORDS.as_bytes(), "not a byte is changed");
        assert_eq!(sent.query, format!("omsId={OMS_ID}"));
        assert_eq!(sent.header("x-registrationkey"), Some(REGISTRATION_KEY));
        assert_eq!(sent.header("x-more"), Some("1"));
        assert_eq!(sent.header("content-type"), Some("application/json"));
        assert_eq!(sent.header("authorization"), None);
    }
);

with_both_keys!(
    идентификатор_соединения_через_шлюз,
    |world| {
        идентификатор_соединения(&world, "Gateway");
        let sent = &world.sandbox.asked(GATEWAY)[0];
        let login = STANDARD.encode(format!("{}:{}", ACCOUNT.0, ACCOUNT.1));
        assert_eq!(
            sent.header("authorization"),
            Some(format!("Basic {login}").as_str())
        );
        assert_eq!(sent.header("x-correlation-id").unwrap().len(), 36);
        let body = sent.json();
        let request = &body["crptRequest"];
        assert_eq!(request["bodyBase64"], STANDARD.encode(WORDS));
        assert_eq!(request["queryParameters"], json!({ "omsId": OMS_ID }));
        assert_eq!(request["headers"]["X-More"], "1");
        assert_eq!(
            body["clientInfo"],
            json!({ "programNick": "keynode", "libraryId": "БГосИС", "libraryVersion": "1.0.1" })
        );
        let signature = STANDARD
            .decode(request["headers"]["X-Signature"].as_str().unwrap())
            .unwrap();
        let judge = Judge {
            authority: fixture("authorities.pem"),
            directory: world.directory.path().to_owned(),
        };
        assert!(!judge.is_attached(&signature).unwrap());
        assert!(
            judge.verify(&signature, Some(WORDS.trim().as_bytes())).is_err(),
            "over the exact bytes"
        );
    }
);

#[test]
fn the_short_form_needs_no_more_than_an_address() {
    let world = World::new(Key::File);
    let short =
        json!({ "OmsId": OMS_ID, "Address": "Москва", "Name": "Касса 1", "ITN": ITN, "Route": "Direct" });
    let answer = register(&world, &short);
    ends(&answer, "", "");
    assert_eq!(answer["ResponseData"]["name"], "Касса 1");
    let body = world.sandbox.asked(DIRECT)[0].json();
    assert_eq!(body, json!({ "address": "Москва", "name": "Касса 1" }));
    // The station is that of the organisation; the name is taken.
    let again = json!({ "Address": "Тверь", "Name": "Касса 1", "ITN": ITN, "Route": "Direct", "ProgramNick": "Demo" });
    let answer = register(&world, &again);
    ends(&answer, "НеверныйФорматЗапроса", "");
    assert_eq!(answer["ResponseData"]["fieldErrors"][0]["fieldName"], "name");
    assert!(
        answer["ErrorMessage"].as_str().unwrap().contains("it is taken"),
        "{answer}"
    );
}

#[test]
fn the_signer_is_found_by_certificate_or_by_the_station() {
    let world = World::new(Key::File);
    let mut by_certificate = order("Direct");
    by_certificate["ITN"] = Value::Null;
    by_certificate["Certificate"] = world.key.thumbprint.as_str().into();
    ends(&register(&world, &by_certificate), "", "");
    let mut by_station = order("Direct");
    by_station["ITN"] = Value::Null;
    by_station["RequestJSON"] = r#"{"address":"Москва"}"#.into();
    ends(&register(&world, &by_station), "", "");
    let rows = world.get("/api/crpt/connections").expect(200).column("ITN");
    assert_eq!(rows, [ITN, ITN]);
    by_station["URLParameters"]["omsId"] = uuid::Uuid::new_v4().to_string().into();
    let nobody = world.post("/api/crpt/connections", &by_station);
    assert_eq!(nobody.refused(400), "EHTTPBadRequest");
    by_station["ITN"] = "500100732259".into();
    assert_eq!(
        world.post("/api/crpt/connections", &by_station).refused(404),
        "EOrganizationNotFound"
    );
}

#[test]
fn a_signature_that_is_there_is_not_made_anew() {
    let world = World::new(Key::File);
    let target = format!("/api/certificates/{}/signatures", world.key.thumbprint);
    let sign = |detached: bool| {
        let body = json!({ "Data": STANDARD.encode(WORDS), "Detached": detached }).to_string();
        let signed = world.ask_as("signer", "POST", &target).body(body).send();
        signed.expect(201).json()["Signature"].clone()
    };
    let mut attached = order("Direct");
    attached["Headers"]["x-signature"] = sign(false);
    ends(&register(&world, &attached), "НеверныйФорматЗапроса", "");
    let mut detached = order("Direct");
    detached["Headers"]["x-signature"] = sign(true);
    ends(&register(&world, &detached), "", "");
    let sent = world.sandbox.asked(DIRECT);
    assert_eq!(
        sent[1].header("x-signature"),
        detached["Headers"]["x-signature"].as_str()
    );
}

#[test]
fn what_is_no_request_is_refused_before_anything_is_sent() {
    let world = World::new(Key::File);
    let with = |name: &str, value: Value| {
        let mut order = order("Direct");
        order[name] = value;
        world.post("/api/crpt/connections", &order)
    };
    let bad = |answer: Answer, what: &str| assert_eq!(answer.refused(400), "EHTTPBadRequest", "{what}");
    bad(with("RequestJSON", "no JSON".into()), "RequestJSON");
    bad(with("RequestJSON", "[]".into()), "RequestJSON");
    bad(with("RequestJSON", Value::Null), "RequestJSON");
    bad(with("URLParameters", json!([])), "URLParameters");
    bad(with("Headers", json!({ "X": "a\r\nY: b" })), "Headers");
    bad(with("Headers", json!({ "X Y": "a" })), "Headers");
    bad(with("Route", "Aside".into()), "Route");
    bad(with("Certificate", "short".into()), "Certificate");
    bad(with("ITN", "123".into()), "ITN");
    bad(with("Library", "БГосИС".into()), "Library");
    assert_eq!(asked(&world), 0);
}

#[test]
fn who_may_not_use_the_services_registers_nothing() {
    let world = World::new(Key::File);
    for user in ["monitor", "client", "signer"] {
        let ask = world.ask_as(user, "POST", "/api/crpt/connections");
        assert_eq!(
            ask.body(order("Direct").to_string()).send().refused(403),
            "EHTTPForbidden",
            "{user}"
        );
    }
    world
        .ask_as("monitor", "GET", "/api/crpt/connections")
        .send()
        .expect(200);
    assert_eq!(asked(&world), 0);
    let off = World::with(Key::File, |all| all.crpt.enabled = false);
    for (verb, target) in [
        ("POST", "/api/crpt/connections"),
        ("GET", "/api/crpt/connections"),
        ("POST", GATEWAY),
    ] {
        let answer = off.ask(verb, target).body("{}").send();
        assert_eq!(answer.refused(503), "EHTTPServiceUnavailable", "{verb} {target}");
    }
}
