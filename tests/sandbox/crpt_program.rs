//! An unmodified 1C program that takes this node for 1C's gateway to CRPT.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::common::Answer;
use crate::crpt::{DIRECT, GATEWAY, WORDS, asked, canned};
use crate::keys::Key;
use crate::world::{ACCOUNT, ITN, OMS_ID, World};

fn world() -> World {
    World::new(Key::File)
}

fn envelope() -> Value {
    json!({
        "crptRequest": { "headers": {}, "queryParameters": { "omsId": OMS_ID }, "bodyBase64": STANDARD.encode(WORDS) },
        "clientInfo": { "programNick": "Accounting", "libraryId": "БГосИС", "libraryVersion": "2.0" },
    })
}

fn knock(world: &World, body: &Value) -> Answer {
    world.post(GATEWAY, body)
}

fn with_ticket(world: &World, ticket: &str) -> Answer {
    let ask = world.node.ask("POST", GATEWAY).anonymous();
    let ask = ask.header("Authorization", format!("Bearer {ticket}"));
    ask.body(envelope().to_string()).send()
}

#[track_caller]
fn is_problem(answer: &Answer, status: u16, kind: &str) -> Value {
    let body = answer.json();
    assert_eq!(
        (answer.status, &body["status"], &body["type"]),
        (status, &status.into(), &kind.into()),
        "{body}"
    );
    for field in ["title", "detail", "instance"] {
        assert!(!body[field].as_str().unwrap().is_empty(), "{field}: {body}");
    }
    body
}

#[test]
fn it_registers_its_connection() {
    let world = world();
    let answer = knock(&world, &envelope()).expect(200).json();
    let connection = &answer["crptResponse"]["omsConnection"];
    assert_eq!(answer["crptResponse"]["status"], "SUCCESS", "{answer}");
    assert_eq!(answer["crptResponseHeaders"]["Content-Type"], "application/json");
    assert_eq!(answer.as_object().unwrap().len(), 2);
    let row = &world.get("/api/crpt/connections").rows()[0];
    assert_eq!((&row["OmsConnection"], &row["ITN"]), (connection, &ITN.into()));
    let sent = world.sandbox.asked(GATEWAY)[0].json();
    assert_eq!(sent["clientInfo"], envelope()["clientInfo"]);
    assert_eq!(
        sent["crptRequest"]["bodyBase64"],
        envelope()["crptRequest"]["bodyBase64"]
    );
    assert!(sent["crptRequest"]["headers"]["X-Signature"].is_string());
}

#[test]
fn it_does_so_where_the_node_goes_directly() {
    let world = World::with(Key::File, |all| {
        all.crpt.route = keynode::settings::CrptRoute::Direct;
    });
    let answer = knock(&world, &envelope()).expect(200).json();
    assert_eq!(answer["crptResponse"]["status"], "SUCCESS", "{answer}");
    assert_eq!(world.sandbox.asked(DIRECT)[0].body, WORDS.as_bytes());
}

#[test]
fn errors_come_in_the_gateways_form() {
    let world = world();
    for (number, (said, status, kind)) in [
        (401, 401, "UNAUTHORIZED"),
        (400, 400, "BAD_REQUEST"),
        (422, 400, "BAD_REQUEST"),
        (413, 400, "BAD_REQUEST"),
        (429, 429, "TOO_MANY_REQUESTS"),
        (500, 500, "BACKEND_CALL_ERROR"),
        (503, 503, "SERVICE_UNAVAILABLE"),
        (0, 503, "SERVICE_UNAVAILABLE"),
        (404, 502, "UNKNOWN"),
    ]
    .into_iter()
    .enumerate()
    {
        let mut body = envelope();
        let words = json!({ "address": format!("Москва, {number}") }).to_string();
        body["crptRequest"]["bodyBase64"] = STANDARD.encode(words).into();
        world.sandbox.say_next(GATEWAY, canned(said, "{}"));
        is_problem(&knock(&world, &body), status, kind);
    }
    let theirs = json!({
        "type": "BACKEND_API_ERROR", "title": "t", "status": 422, "detail": "d",
        "backendErrorResponse": { "success": false }, "backendErrorResponseHeaders": { "A": "b" },
    });
    world.sandbox.say_next(GATEWAY, canned(422, theirs.to_string()));
    let body = is_problem(&knock(&world, &envelope()), 400, "BACKEND_API_ERROR");
    assert_eq!(body["backendErrorResponse"], theirs["backendErrorResponse"]);
    assert_eq!(
        body["backendErrorResponseHeaders"],
        theirs["backendErrorResponseHeaders"]
    );
}

#[test]
fn what_is_no_request_is_one_in_the_gateways_form_too() {
    let world = world();
    let without = |path: &str, value: Value| {
        let mut body = envelope();
        *body.pointer_mut(path).unwrap() = value;
        knock(&world, &body)
    };
    is_problem(
        &without("/crptRequest/bodyBase64", "!".into()),
        400,
        "BAD_REQUEST",
    );
    is_problem(
        &without("/crptRequest/bodyBase64", STANDARD.encode("[]").into()),
        400,
        "BAD_REQUEST",
    );
    is_problem(
        &without("/crptRequest/bodyBase64", STANDARD.encode([0xFF]).into()),
        400,
        "BAD_REQUEST",
    );
    is_problem(
        &without("/crptRequest/queryParameters", json!({})),
        400,
        "BAD_REQUEST",
    );
    is_problem(&without("/crptRequest", Value::Null), 400, "BAD_REQUEST");
    let stranger = uuid::Uuid::new_v4().to_string();
    is_problem(
        &without("/crptRequest/queryParameters/omsId", stranger.into()),
        400,
        "BAD_REQUEST",
    );
    is_problem(
        &world.ask("POST", GATEWAY).body("nothing").send(),
        400,
        "BAD_REQUEST",
    );
    let wrong = world.node.ask("POST", GATEWAY).login("robot", "wrong");
    let wrong = wrong.body(envelope().to_string()).send();
    is_problem(&wrong, 401, "UNAUTHORIZED");
    assert!(wrong.header("WWW-Authenticate").is_some());
    let monitor = world.ask_as("monitor", "POST", GATEWAY);
    is_problem(&monitor.body(envelope().to_string()).send(), 403, "UNAUTHORIZED");
    assert_eq!(asked(&world), 0);
}

#[test]
fn a_ticket_of_this_node_is_good_once() {
    let world = World::with(Key::File, |all| all.tickets.issuer = true);
    let issue = |owner: &str| {
        let order = json!({ "TicketOwner": owner, "DataArea": 1 });
        let got = world.post("/api/tickets", &order).expect(200).json();
        got["Ticket"].as_str().unwrap().to_owned()
    };
    let ticket = issue(&format!("https://products-marking-crpt.1c.ru{GATEWAY}"));
    with_ticket(&world, &ticket).expect(200);
    is_problem(&with_ticket(&world, &ticket), 401, "UNAUTHORIZED");
    is_problem(
        &with_ticket(&world, &issue("https://its.1c.ru")),
        401,
        "UNAUTHORIZED",
    );
    is_problem(&with_ticket(&world, "invented"), 401, "UNAUTHORIZED");
    assert_eq!(asked(&world), 1);
}

#[test]
fn a_ticket_of_the_portal_is_good_for_the_nodes_own_account_only() {
    let world = world();
    let check = "/rest/public/ticket/check";
    let owner = format!("{}{GATEWAY}", world.sandbox.url());
    let order = json!({ "TicketOwner": owner, "DataArea": 1 });
    let got = world.post("/api/tickets", &order).expect(200).json();
    with_ticket(&world, got["Ticket"].as_str().unwrap()).expect(200);
    world
        .sandbox
        .say_next(check, canned(200, r#"{"login":"somebody@else.com"}"#));
    is_problem(&with_ticket(&world, "theirs"), 401, "UNAUTHORIZED");
    world
        .sandbox
        .say_next(check, canned(200, json!({ "login": ACCOUNT.0 }).to_string()));
    with_ticket(&world, "own").expect(200);
    world.sandbox.say_next(check, canned(500, "{}"));
    is_problem(&with_ticket(&world, "own"), 500, "INTERNAL_SERVER_ERROR");
}
