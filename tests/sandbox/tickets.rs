//! Tickets of the support portal (seed 003): each function, each row of the portal's error map, one use.

use std::time::Duration;

use keynode::gateway::{Account, Changes, SupportAccount, Trouble};
use keynode::sandbox::Canned;
use keynode::settings::Settings;
use serde_json::{Value, json};

use crate::keys::Key;
use crate::world::{ACCOUNT, World, audit};

pub(crate) const GET: &str = "/rest/public/ticket/get";
const CHECK: &str = "/rest/public/ticket/check";

/// What all tickets here are for.
pub(crate) const OWNER: &str = "https://its.1c.ru";

/// Half an hour, in milliseconds.
const PEACE: u64 = 30 * 60_000;

pub(crate) fn world() -> World {
    World::new(Key::File)
}

fn world_with(change: impl FnOnce(&mut Settings)) -> World {
    World::with(Key::File, change)
}

pub(crate) fn canned(status: u16, body: impl Into<Vec<u8>>) -> Canned {
    Canned {
        status,
        body: body.into(),
        ..Canned::default()
    }
}

fn ask(world: &World) -> Value {
    let body = json!({ "TicketOwner": OWNER, "DataArea": 5 });
    world.post("/api/tickets", &body).expect(200).json()
}

#[track_caller]
fn ends(answer: &Value, code: &str, detail: &str) {
    assert_eq!(
        (&answer["ErrorCode"], &answer["Detail"]),
        (&code.into(), &detail.into()),
        "{answer}"
    );
    assert_eq!(answer["ErrorMessage"] == "", code.is_empty(), "{answer}");
    assert_eq!(answer["ErrorInfo"] == "", code.is_empty(), "{answer}");
    if !code.is_empty() {
        assert_eq!(answer["Ticket"], "");
    }
}

pub(crate) fn check(world: &World, ticket: &str, owner: &str) -> Value {
    let body = json!({ "Ticket": ticket, "TicketOwner": owner });
    world.post("/api/tickets/check", &body).expect(200).json()
}

#[test]
fn тикет_аутентификации_на_портале_поддержки_в_неразделенном_сеансе() {
    let world = world();
    let got = ask(&world);
    ends(&got, "", "");
    let asked = world.sandbox.asked(GET);
    assert_eq!(asked.len(), 1);
    assert_eq!(
        asked[0].json(),
        json!({ "login": ACCOUNT.0, "password": ACCOUNT.1, "serviceNick": OWNER })
    );
    // Each gets their own.
    assert_ne!(ask(&world)["Ticket"], got["Ticket"]);
    let checked = check(&world, got["Ticket"].as_str().unwrap(), OWNER);
    assert_eq!(
        (&checked["Valid"], &checked["Login"]),
        (&true.into(), &ACCOUNT.0.into())
    );
    ends(
        &json!({ "Ticket": "", "ErrorCode": checked["ErrorCode"], "Detail": checked["Detail"],
        "ErrorMessage": checked["ErrorMessage"], "ErrorInfo": checked["ErrorInfo"] }),
        "",
        "",
    );
    // One use.
    assert_eq!(
        check(&world, got["Ticket"].as_str().unwrap(), OWNER)["Valid"],
        false
    );
}

#[test]
fn every_row_of_the_portals_error_map() {
    let world = world();
    let rows: [(u16, &str, &str, &str); 12] = [
        (403, "{}", "ОшибкаПодключения", "НеверныйЛогинИлиПароль"),
        (400, "{}", "ОшибкаПодключения", "НеизвестнаяОшибка"),
        (404, "{}", "ОшибкаПодключения", "НеизвестнаяОшибка"),
        (0, "", "ОшибкаПодключения", ""),
        (500, "{}", "ОшибкаСервиса", ""),
        (200, "no JSON", "ОшибкаСервиса", ""),
        (200, "{}", "ОшибкаСервиса", ""),
        (200, r#"{"ticket":""}"#, "ОшибкаСервиса", ""),
        (200, r#"{"ticket":7}"#, "ОшибкаСервиса", ""),
        (401, "{}", "НеизвестнаяОшибка", ""),
        (503, "<html>", "НеизвестнаяОшибка", ""),
        (429, "{}", "НеизвестнаяОшибка", "ПревышеноКоличествоПопыток"),
    ];
    for (status, body, code, detail) in rows {
        world.sandbox.say_next(GET, canned(status, body));
        let answer = ask(&world);
        assert_eq!(
            (&answer["ErrorCode"], &answer["Detail"]),
            (&code.into(), &detail.into()),
            "{status} {body}: {answer}"
        );
        ends(&answer, code, detail);
    }
    let told = world.sandbox.asked(GET).len();
    assert_eq!(told, rows.len(), "nothing is asked twice");
}

#[test]
fn what_the_portal_says_is_told_without_the_password_and_cut() {
    let world = world();
    let said = format!("bad password {}\u{7} {}", ACCOUNT.1, "x".repeat(9000));
    world.sandbox.say_next(GET, canned(400, said));
    let answer = ask(&world);
    let info = answer["ErrorInfo"].as_str().unwrap();
    assert!(
        info.contains("HTTP 400") && info.contains("bad password ***"),
        "{info}"
    );
    assert!(!info.contains(ACCOUNT.1) && !info.contains('\u{7}'));
    assert_eq!(info.chars().count(), 5120);
    assert!(!answer["ErrorMessage"].as_str().unwrap().contains("xxx"));
}

#[test]
fn a_portal_that_is_not_there_or_slow_is_no_connection() {
    let mut world = world_with(|all| all.gateway.timeout = Duration::from_millis(300));
    let slow = Canned {
        delay: Duration::from_secs(30),
        ..canned(200, r#"{"ticket":"t"}"#)
    };
    world.sandbox.say_next(GET, slow);
    ends(&ask(&world), "ОшибкаПодключения", "");
    world
        .node
        .reload(|all| all.tickets.url = "http://127.0.0.1:9".into());
    ends(&ask(&world), "ОшибкаПодключения", "");
}

#[test]
fn each_domain_has_its_portal() {
    let mut world = world();
    world
        .node
        .reload(|all| all.tickets.url = "http://127.0.0.1:9".into());
    let eu = json!({ "TicketOwner": OWNER, "DataArea": 5, "Domain": 1 });
    ends(&world.post("/api/tickets", &eu).expect(200).json(), "", "");
    let other = json!({ "TicketOwner": OWNER, "DataArea": 5, "Domain": 2 });
    assert_eq!(world.post("/api/tickets", &other).refused(400), "EHTTPBadRequest");
}

#[test]
fn a_ticket_without_an_owner_is_no_request() {
    let world = world();
    for body in [
        json!({ "DataArea": 5 }),
        json!({ "TicketOwner": "", "DataArea": 5 }),
        json!({ "TicketOwner": " ", "DataArea": 5 }),
        json!({ "TicketOwner": 7, "DataArea": 5 }),
        json!({ "TicketOwner": OWNER, "DataArea": "five" }),
        json!({ "TicketOwner": OWNER, "DataArea": -1 }),
    ] {
        assert_eq!(
            world.post("/api/tickets", &body).refused(400),
            "EHTTPBadRequest",
            "{body}"
        );
    }
    assert!(world.sandbox.asked("/").is_empty());
}

#[test]
fn without_an_account_nothing_is_sent() {
    let world = world();
    let forgotten = Changes::new().remove::<SupportAccount>("default");
    world.node.gateway().now().shared.state.commit(forgotten).unwrap();
    ends(&ask(&world), "ОшибкаПодключения", "НеверныйЛогинИлиПароль");
    assert!(world.sandbox.asked("/").is_empty());
}

#[test]
fn an_area_of_its_own_account_uses_that() {
    let world = world();
    let account = Account {
        login: "five@example.com".into(),
        password: "another".into(),
    };
    let services = world.node.gateway();
    let kept = services.have(|gateway| async move {
        let kept = gateway.shared.state.set_account(Some(5), account).await;
        kept.map_err(|error| Trouble::not_saved(&error))
    });
    let waiting = tokio::runtime::Builder::new_current_thread().build().unwrap();
    waiting.block_on(kept).unwrap();
    ends(&ask(&world), "ОшибкаПодключения", "НеверныйЛогинИлиПароль");
    assert_eq!(world.sandbox.asked(GET)[0].json()["login"], "five@example.com");
    let other = json!({ "TicketOwner": OWNER, "DataArea": "6" });
    ends(&world.post("/api/tickets", &other).expect(200).json(), "", "");
}

#[test]
fn after_429_the_portal_is_left_in_peace_whatever_is_restarted() {
    let mut world = world();
    world.sandbox.say_next(GET, canned(429, "{}"));
    for _ in 0..3 {
        ends(&ask(&world), "НеизвестнаяОшибка", "ПревышеноКоличествоПопыток");
    }
    world.node.restart(PEACE - 60_000);
    ends(&ask(&world), "НеизвестнаяОшибка", "ПревышеноКоличествоПопыток");
    assert_eq!(world.sandbox.asked(GET).len(), 1);
    world.node.advance(60_001);
    ends(&ask(&world), "", "");
}

#[test]
fn another_password_ends_the_peace() {
    let world = world();
    world.sandbox.say_next(GET, canned(429, "{}"));
    ask(&world);
    // The same password is no other try: the portal would go on counting.
    world.set_account(Some(ACCOUNT));
    ends(&ask(&world), "НеизвестнаяОшибка", "ПревышеноКоличествоПопыток");
    assert_eq!(world.sandbox.asked(GET).len(), 1);
    world.set_account(Some((ACCOUNT.0, "another")));
    ends(&ask(&world), "ОшибкаПодключения", "НеверныйЛогинИлиПароль");
    world.set_account(Some(ACCOUNT));
    ends(&ask(&world), "", "");
}

#[test]
fn check_says_what_the_portal_says() {
    let world = world();
    for (status, body, valid, code, detail) in [
        (200, r#"{"login":"a@b","more":1}"#, true, "", ""),
        (401, "{}", false, "", ""),
        (403, "{}", false, "", ""),
        (200, "{}", false, "ОшибкаСервиса", ""),
        (200, "no JSON", false, "ОшибкаСервиса", ""),
        (500, "{}", false, "ОшибкаСервиса", ""),
        (0, "", false, "ОшибкаПодключения", ""),
        (
            429,
            "{}",
            false,
            "НеизвестнаяОшибка",
            "ПревышеноКоличествоПопыток",
        ),
        (502, "{}", false, "НеизвестнаяОшибка", ""),
    ] {
        world.sandbox.say_next(CHECK, canned(status, body));
        let answer = check(&world, "some", OWNER);
        let told = (&answer["Valid"], &answer["ErrorCode"], &answer["Detail"]);
        assert_eq!(
            told,
            (&valid.into(), &code.into(), &detail.into()),
            "{status} {body}: {answer}"
        );
    }
    let body = json!({ "Ticket": "", "TicketOwner": OWNER });
    assert_eq!(
        world.post("/api/tickets/check", &body).refused(400),
        "EHTTPBadRequest"
    );
}

#[test]
fn who_may_not_use_the_services_gets_none() {
    let world = world();
    let body = json!({ "TicketOwner": OWNER, "DataArea": 5 }).to_string();
    for user in ["monitor", "client", "signer"] {
        let answer = world.ask_as(user, "POST", "/api/tickets").body(&body).send();
        assert_eq!(answer.refused(403), "EHTTPForbidden", "{user}");
    }
    assert!(world.sandbox.asked("/").is_empty());
}

#[test]
fn switched_off_it_is_not_there() {
    let world = world_with(|all| all.tickets.enabled = false);
    let body = json!({ "TicketOwner": OWNER, "DataArea": 5 });
    assert_eq!(
        world.post("/api/tickets", &body).refused(503),
        "EHTTPServiceUnavailable"
    );
    for path in ["/hs/tickets/", GET, CHECK] {
        assert_eq!(
            world.post(path, &body).refused(503),
            "EHTTPServiceUnavailable",
            "{path}"
        );
    }
}

#[test]
fn no_ticket_and_no_password_is_in_what_the_node_keeps() {
    let world = world_with(|all| all.tickets.issuer = true);
    let issued = ask(&world)["Ticket"].as_str().unwrap().to_owned();
    let kept = std::fs::read_dir(&world.node.settings.state_dir).unwrap();
    for file in kept {
        let path = file.unwrap().path();
        let bytes = if path.is_file() {
            std::fs::read(path).unwrap()
        } else {
            Vec::new()
        };
        for secret in [issued.as_str(), ACCOUNT.1] {
            assert!(!bytes.windows(secret.len()).any(|part| part == secret.as_bytes()));
        }
    }
}

#[test]
fn the_audit_log_tells_who_got_a_ticket_for_what_and_not_the_ticket() {
    let mut world = world();
    let got = ask(&world);
    world.sandbox.say_next(GET, canned(403, "{}"));
    ask(&world);
    let knock = json!({ "zone": 7, "openUrl": OWNER });
    world.post("/hs/tickets/", &knock).expect(201);
    check(&world, got["Ticket"].as_str().unwrap(), OWNER);
    let rows = audit(&mut world, "ticket%");
    let told: Vec<_> = rows
        .iter()
        .map(|(actor, event, object, detail)| {
            assert_eq!((actor.as_str(), object.as_str()), ("robot@127.0.0.1", OWNER));
            (event.as_str(), detail.as_str())
        })
        .collect();
    let held = format!("it holds, of {}", ACCOUNT.0);
    assert_eq!(
        told,
        [
            ("ticket", "area 5"),
            (
                "ticket-failure",
                "area 5 ОшибкаПодключения НеверныйЛогинИлиПароль"
            ),
            ("ticket", "area 7"),
            ("ticket-check", &held),
        ]
    );
}
