//! Bearers at the address of 1C's gateway: what cannot be checked is told by its cause, and guessing is slowed, refused and
//! told to the audit log.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use crate::common::Answer;
use crate::crpt::{GATEWAY, WORDS, asked, canned};
use crate::keys::Key;
use crate::world::{OMS_ID, World, audit};

const CHECK: &str = "/rest/public/ticket/check";

fn knock(world: &World, ticket: &str) -> Answer {
    let body = json!({
        "crptRequest": { "headers": {}, "queryParameters": { "omsId": OMS_ID }, "bodyBase64": STANDARD.encode(WORDS) },
        "clientInfo": { "programNick": "Accounting", "libraryId": "БГосИС", "libraryVersion": "2.0" },
    });
    let ask = world.node.ask("POST", GATEWAY).anonymous();
    let ask = ask.header("Authorization", format!("Bearer {ticket}"));
    ask.body(body.to_string()).send()
}

#[track_caller]
fn is_problem(answer: &Answer, status: u16, kind: &str) {
    let body = answer.json();
    assert_eq!((answer.status, &body["type"]), (status, &kind.into()), "{body}");
}

#[test]
fn a_ticket_that_cannot_be_checked_is_told_by_its_cause() {
    let mut world = World::new(Key::File);
    for (said, status, kind) in [
        (429, 429, "TOO_MANY_REQUESTS"),
        (0, 503, "SERVICE_UNAVAILABLE"),
        (500, 500, "INTERNAL_SERVER_ERROR"),
        (418, 500, "INTERNAL_SERVER_ERROR"),
    ] {
        world.sandbox.say_next(CHECK, canned(said, "{}"));
        let answer = knock(&world, "somebody's");
        is_problem(&answer, status, kind);
        assert_eq!(answer.header("Retry-After").is_some(), status == 429);
    }
    assert_eq!(asked(&world), 0);
    let rows = audit(&mut world, "crpt-connection-failure");
    assert_eq!(rows.len(), 4, "{rows:?}");
    assert!(
        rows.iter().all(|row| row.0 == "127.0.0.1" && row.2 == GATEWAY),
        "{rows:?}"
    );
    assert!(rows.iter().all(|row| !row.3.contains("somebody's")), "{rows:?}");
}

#[test]
fn whoever_guesses_is_refused_and_the_portal_is_left_in_peace() {
    let mut world = World::with(Key::File, |all| {
        (all.login.free_attempts, all.login.refuse_after) = (3, 3);
    });
    for number in 0..3 {
        is_problem(&knock(&world, &format!("guess {number}")), 401, "UNAUTHORIZED");
    }
    let refused = knock(&world, "guess 3");
    is_problem(&refused, 429, "TOO_MANY_REQUESTS");
    let wait: u64 = refused.header("Retry-After").unwrap().parse().unwrap();
    assert_eq!(world.sandbox.asked(CHECK).len(), 3);
    // Users of this node log in as before, and time forgives.
    world.get("/api/crpt/connections").expect(200);
    world.node.advance(wait * 1000);
    is_problem(&knock(&world, "guess 4"), 401, "UNAUTHORIZED");
    let rows = audit(&mut world, "crpt-connection-failure");
    assert_eq!(rows.len(), 5, "{rows:?}");
    assert!(rows.iter().all(|row| !row.3.contains("guess")), "{rows:?}");
}

#[test]
fn tickets_of_this_node_are_guessed_as_little() {
    let world = World::with(Key::File, |all| {
        (
            all.tickets.issuer,
            all.login.free_attempts,
            all.login.refuse_after,
        ) = (true, 2, 2);
    });
    for _ in 0..2 {
        is_problem(&knock(&world, "invented"), 401, "UNAUTHORIZED");
    }
    is_problem(&knock(&world, "invented"), 429, "TOO_MANY_REQUESTS");
}
