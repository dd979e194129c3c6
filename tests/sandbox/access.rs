//! Who may use the services, whether they are on, and whether a licence is to work before they answer.

use keynode::settings::Settings;
use serde_json::json;

use crate::common::keys::licence;
use crate::keys::Key;
use crate::world::{ITN, World};

/// Verb, address, service, and which of a gateway's user and a monitor may ask; administrators may ask everything, clients and
/// signers nothing.
const CALLS: [(&str, &str, &str, [bool; 2]); 34] = [
    ("GET", "/api/organizations", "common", [true, true]),
    ("GET", "/api/organizations/7707083893", "common", [true, true]),
    ("PUT", "/api/organizations/x", "common", [false, false]),
    ("DELETE", "/api/organizations/x", "common", [false, false]),
    ("PUT", "/api/support-account", "common", [false, false]),
    ("POST", "/api/tickets", "tickets", [true, false]),
    ("POST", "/api/tickets/check", "tickets", [true, false]),
    ("GET", "/api/parameters/x", "ismp", [true, false]),
    ("GET", "/api/ismp/request-parameters", "ismp", [true, false]),
    ("GET", "/api/ismp/session-keys", "ismp", [true, false]),
    ("POST", "/api/ismp/session-keys", "ismp", [true, false]),
    ("POST", "/api/ismp/session-keys/by-product", "ismp", [true, false]),
    ("POST", "/api/ismp/responsible/initialize", "ismp", [true, false]),
    ("GET", "/api/ismp/responsible", "ismp", [true, true]),
    (
        "POST",
        "/api/ismp/responsible/settings/refresh",
        "ismp",
        [true, false],
    ),
    ("PUT", "/api/ismp/responsible/x", "ismp", [true, false]),
    ("DELETE", "/api/ismp/responsible/x", "ismp", [true, false]),
    ("GET", "/api/ismp/reminders", "ismp", [true, true]),
    ("POST", "/api/ismp/reminders/snooze", "ismp", [true, false]),
    ("GET", "/api/ismp/tokens", "ismp", [true, true]),
    ("POST", "/api/ismp/tokens/renew", "ismp", [true, false]),
    ("GET", "/api/ismp/parameter-names", "ismp", [true, false]),
    ("GET", "/api/crpt/connections", "crpt", [true, true]),
    ("POST", "/api/crpt/connections", "crpt", [true, false]),
    ("DELETE", "/api/crpt/connections", "crpt", [true, false]),
    ("GET", "/api/taxcom/processes", "taxcom", [true, true]),
    ("POST", "/api/taxcom/processes", "taxcom", [true, false]),
    ("GET", "/api/taxcom/processes/x", "taxcom", [true, true]),
    ("DELETE", "/api/taxcom/processes/x", "taxcom", [true, false]),
    ("POST", "/api/taxcom/processes/x/actions", "taxcom", [true, false]),
    ("POST", "/api/taxcom/cabinet", "taxcom", [true, false]),
    ("GET", "/api/taxcom/registered", "taxcom", [true, false]),
    ("HEAD", "/api/organizations", "common", [true, true]),
    ("HEAD", "/api/ismp/session-keys", "ismp", [true, false]),
];

/// Addresses beside /api whose callers are the node's users.
const DROP_INS: [(&str, &str); 2] = [
    ("/hs/tickets/", "tickets"),
    ("/public/api/program1c/connections/register", "crpt"),
];

fn status(world: &World, user: &str, verb: &str, target: &str) -> u16 {
    let ask = match user {
        "admin" => world.node.ask(verb, target),
        user => world.ask_as(user, verb, target),
    };
    // What asks for nothing that could be had: no service is asked.
    let ask = if matches!(verb, "GET" | "HEAD") {
        ask
    } else {
        ask.body("[]")
    };
    ask.send().status
}

#[test]
fn who_may_ask_what() {
    let world = World::new(Key::File);
    for (verb, target, _, allowed) in CALLS {
        let expected = [
            ("admin", true),
            ("robot", allowed[0]),
            ("monitor", allowed[1]),
            ("client", false),
            ("signer", false),
        ];
        for (user, may) in expected {
            let status = status(&world, user, verb, target);
            assert_eq!(status != 403, may, "{user} {verb} {target}: {status}");
            assert!(
                !matches!(status, 401 | 501 | 503),
                "{user} {verb} {target}: {status}"
            );
        }
        assert_eq!(
            world.ask(verb, target).anonymous().send().status,
            401,
            "{verb} {target}"
        );
    }
    for (target, _) in DROP_INS {
        for user in ["monitor", "client", "signer"] {
            let status = status(&world, user, "POST", target);
            assert!(matches!(status, 401 | 403), "{user} {target}: {status}");
        }
        let status = status(&world, "robot", "POST", target);
        assert!(!matches!(status, 401 | 403 | 503), "{target}: {status}");
    }
    // Nothing of all this asked a service for anything, and a gateway's user sees the node.
    assert!(world.sandbox.asked("/auth").is_empty());
    for target in ["/api", "/api/serverinfo", "/api/publickey"] {
        world.get(target).expect(200);
    }
    for target in [
        "/api/sessions",
        "/api/licences",
        "/api/devices",
        "/api/certificates",
    ] {
        assert_eq!(world.get(target).refused(403), "EHTTPForbidden", "{target}");
    }
}

fn switch(all: &mut Settings, service: &str, on: bool) {
    match service {
        "tickets" => all.tickets.enabled = on,
        "ismp" => all.ismp.enabled = on,
        "crpt" => all.crpt.enabled = on,
        _ => all.taxcom.enabled = on,
    }
}

#[test]
fn a_service_that_is_off_answers_503_and_the_others_go_on() {
    let mut world = World::new(Key::File);
    for off in ["tickets", "ismp", "crpt", "taxcom"] {
        world.node.reload(|all| switch(all, off, false));
        for (verb, target, service, _) in CALLS {
            let status = status(&world, "admin", verb, target);
            assert_eq!(
                status == 503,
                service == off,
                "{off} is off: {verb} {target}: {status}"
            );
        }
        for (target, service) in DROP_INS {
            let status = status(&world, "robot", "POST", target);
            assert_eq!(status == 503, service == off, "{off} is off: {target}: {status}");
        }
        let urns = world.get("/api").expect(200);
        assert!(!urns.text().contains(&format!("/api/{off}/")), "{}", urns.text());
        assert!(urns.text().contains("/api/organizations"));
        world.node.reload(|all| switch(all, off, true));
    }
    world.node.reload(|all| {
        for service in ["tickets", "ismp", "crpt", "taxcom"] {
            switch(all, service, false);
        }
    });
    for (verb, target, _, _) in CALLS {
        let status = status(&world, "admin", verb, target);
        assert_eq!(status, 503, "{verb} {target}");
    }
    let refused = world.node.get("/api/ismp/tokens");
    assert!(
        refused.message().contains("ismp.enabled"),
        "{}",
        refused.message()
    );
    assert!(!world.get("/api").expect(200).text().contains("organizations"));
}

#[test]
fn the_list_of_addresses_has_those_of_the_services() {
    let world = World::new(Key::File);
    let urns = world.get("/api").expect(200);
    for (verb, target, ..) in CALLS {
        let listed = verb == "GET"
            && !target.ends_with("/x")
            && !target.ends_with(ITN)
            && !target.ends_with("responsible");
        if listed {
            assert!(
                urns.text().contains(&format!("\"{target}\"")),
                "{target}: {}",
                urns.text()
            );
        }
    }
}

#[test]
fn a_licence_of_a_series_is_to_work_before_the_services_answer() {
    let series = |all: &mut Settings| all.gateway.requires = Some("672B".into());
    let world = World::with(Key::File, series);
    let ask = || world.get("/api/organizations");
    assert_eq!(ask().refused(403), "ELicenceNotWorkable");
    assert!(ask().message().contains("672B"));
    for (target, _) in DROP_INS {
        assert_eq!(status(&world, "robot", "POST", target), 403);
    }
    let path = world.node.put(&licence());
    ask().expect(200);
    world.node.remove(&path);
    assert_eq!(ask().refused(403), "ELicenceNotWorkable");
    let told = world
        .node
        .post("/api/tickets", &json!({ "TicketOwner": "login" }));
    assert_eq!(told.refused(403), "ELicenceNotWorkable");
}
