//! An unmodified 1C configuration that takes this node for its Service Manager.

use std::collections::HashSet;

use crate::common::Answer;
use crate::tickets::{GET, OWNER, canned, check, world};
use crate::world::World;

/// How a Service Manager is asked.
fn knock(world: &World, body: &str) -> Answer {
    world.ask("POST", "/hs/tickets/").body(body).send()
}

#[test]
fn an_unmodified_configuration_gets_its_ticket() {
    let world = world();
    let mut seen = HashSet::new();
    for body in [
        r#"{"zone":5,"openUrl":"https://its.1c.ru"}"#,
        r#"{"zone":5,"zoneKey":"k","userGUID":"g","openUrl":"https://its.1c.ru"}"#,
        r#"{"ZONE":"5","zonekey":"","userGuid":"g","OpenURL":"https://its.1c.ru"}"#,
        "\u{feff}{ \"zone\" : \"1\u{a0}005\" ,\r\n \"openUrl\" : \" https://its.1c.ru \" }\r\n",
    ] {
        let answer = knock(&world, body).expect(201).json();
        let ticket = answer["ticket"].as_str().unwrap();
        assert_eq!(answer.as_object().unwrap().len(), 1, "{answer}");
        assert!(seen.insert(ticket.to_owned()));
        assert_eq!(check(&world, ticket, OWNER)["Valid"], true, "{body}");
    }
}

#[test]
fn an_unmodified_configuration_arrives_at_the_seeds_code() {
    let world = world();
    let good = r#"{"zone":5,"openUrl":"https://its.1c.ru"}"#;
    for (said, status) in [
        (403, 403),
        (400, 400),
        (404, 400),
        (0, 400),
        (500, 500),
        (200, 500),
        (503, 502),
        (429, 429),
    ] {
        world.sandbox.say_next(GET, canned(said, "{}"));
        let answer = knock(&world, good).expect(status).json();
        assert!(!answer["text"].as_str().unwrap().is_empty(), "{said}: {answer}");
        assert_eq!(answer.as_object().unwrap().len(), 1);
    }
    for bad in [
        "",
        "[]",
        "{}",
        r#"{"zone":5,"openUrl":""}"#,
        r#"{"zone":"x","openUrl":"u"}"#,
    ] {
        let answer = knock(&world, bad).expect(400).json();
        assert!(!answer["text"].as_str().unwrap().is_empty(), "{bad}");
    }
    let monitor = world.ask_as("monitor", "POST", "/hs/tickets/").body(good).send();
    assert!(monitor.expect(403).json()["text"].is_string());
    let stranger = world
        .node
        .ask("POST", "/hs/tickets/")
        .login("robot", "wrong")
        .body(good)
        .send();
    assert!(stranger.expect(401).json()["text"].is_string());
}
