//! This node as the issuer of tickets, for networks without the portal.

use keynode::gateway::{Changes, Issued};
use serde_json::{Value, json};

use crate::common::Answer;
use crate::keys::Key;
use crate::tickets::OWNER;
use crate::world::{ACCOUNT, PASSWORD, World};

const GET: &str = "/rest/public/ticket/get";
const CHECK: &str = "/rest/public/ticket/check";
const AUTH: &str = "/rest/public/user/auth";

fn world() -> World {
    World::with(Key::File, |all| all.tickets.issuer = true)
}

fn knock(world: &World, path: &str, body: &Value) -> Answer {
    let ask = world.node.ask("POST", path).anonymous();
    ask.body(body.to_string()).send()
}

fn get(world: &World) -> String {
    let body = json!({ "login": "robot", "password": PASSWORD, "serviceNick": OWNER });
    let answer = knock(world, GET, &body).expect(200).json();
    answer["ticket"].as_str().unwrap().to_owned()
}

fn check(world: &World, ticket: &str, owner: &str) -> Answer {
    knock(world, CHECK, &json!({ "ticket": ticket, "serviceNick": owner }))
}

fn kept(world: &World) -> usize {
    let services = world.node.gateway();
    services.now().shared.state.all::<Issued>().unwrap().len()
}

#[test]
fn a_ticket_is_good_for_one_check_of_the_right_service() {
    let world = world();
    let ticket = get(&world);
    assert_eq!(ticket.len(), 64);
    check(&world, &ticket, "https://another.service").expect(403);
    check(&world, "nonsense", OWNER).expect(403);
    assert_eq!(
        check(&world, &ticket, OWNER).expect(200).json(),
        json!({ "login": "robot" })
    );
    check(&world, &ticket, OWNER).expect(403);
    assert!(world.sandbox.asked("/").is_empty(), "the portal is not asked");
}

#[test]
fn of_fifty_checks_at_once_one_succeeds() {
    let world = world();
    let ticket = get(&world);
    let held = std::thread::scope(|scope| {
        let checks: Vec<_> = (0..50)
            .map(|_| scope.spawn(|| check(&world, &ticket, OWNER).status))
            .collect();
        checks
            .into_iter()
            .map(|check| check.join().unwrap())
            .collect::<Vec<_>>()
    });
    assert_eq!(
        held.iter().filter(|status| **status == 200).count(),
        1,
        "{held:?}"
    );
    assert_eq!(
        held.iter().filter(|status| **status == 403).count(),
        49,
        "{held:?}"
    );
}

#[test]
fn a_ticket_survives_a_crash_and_its_use_too() {
    let mut world = world();
    let (used, unused) = (get(&world), get(&world));
    check(&world, &used, OWNER).expect(200);
    world.node.crash(1000);
    check(&world, &used, OWNER).expect(403);
    check(&world, &unused, OWNER).expect(200);
}

#[test]
fn a_ticket_ends_and_is_removed() {
    let world = world();
    let (late, left) = (get(&world), get(&world));
    assert_eq!(kept(&world), 2);
    world.node.advance(60_000);
    check(&world, &late, OWNER).expect(403);
    world.until("what is over is to be removed", || kept(&world) == 0);
    check(&world, &left, OWNER).expect(403);
}

#[test]
fn a_clock_that_is_set_back_lengthens_no_tickets_life() {
    let world = world();
    let (first, second) = (get(&world), get(&world));
    world.node.set_wall(world.node.now().plus(-30 * 60_000));
    check(&world, &first, OWNER).expect(403);
    world.until("what nobody can use is removed", || kept(&world) == 0);
    check(&world, &second, OWNER).expect(403);
    let new = get(&world);
    check(&world, &new, OWNER).expect(200);
}

#[test]
fn logins_are_those_of_the_nodes_users() {
    let world = world();
    for path in [GET, AUTH] {
        let body = |login: &str, password: &str| json!({ "login": login, "password": password, "serviceNick": OWNER });
        knock(&world, path, &body("robot", PASSWORD)).expect(200);
        knock(&world, path, &body("admin", "admin")).expect(200);
        knock(&world, path, &body("robot", "wrong")).expect(403);
        knock(&world, path, &body("nobody", PASSWORD)).expect(403);
        knock(&world, path, &body("client", PASSWORD)).expect(403);
        knock(&world, path, &body("robot\0", PASSWORD)).expect(403);
        assert_eq!(
            knock(&world, path, &json!({ "password": "x" })).refused(400),
            "EHTTPBadRequest"
        );
    }
    let no_owner = json!({ "login": "robot", "password": PASSWORD, "serviceNick": "" });
    assert_eq!(knock(&world, GET, &no_owner).refused(400), "EHTTPBadRequest");
}

#[test]
fn whoever_guesses_is_told_429() {
    let world = World::with(Key::File, |all| {
        all.tickets.issuer = true;
        (all.login.free_attempts, all.login.refuse_after) = (3, 3);
    });
    let body = json!({ "login": "robot", "password": "a guess", "serviceNick": OWNER });
    for status in [403, 403, 403, 429] {
        knock(&world, GET, &body).expect(status);
    }
    let last = knock(&world, GET, &body).expect(429);
    assert!(last.header("Retry-After").is_some());
}

#[test]
fn where_this_node_is_no_issuer_there_is_no_such_address() {
    let world = crate::tickets::world();
    let body = json!({ "login": "robot", "password": PASSWORD, "serviceNick": OWNER, "ticket": "t" });
    for path in [GET, CHECK, AUTH] {
        assert_eq!(knock(&world, path, &body).refused(404), "EHTTPNotFound", "{path}");
    }
}

#[test]
fn the_nodes_own_functions_get_its_own_tickets() {
    let world = world();
    let order = json!({ "TicketOwner": OWNER, "DataArea": 5 });
    let got = world.post("/api/tickets", &order).expect(200).json();
    let body = json!({ "Ticket": got["Ticket"], "TicketOwner": OWNER });
    for (valid, login) in [(true, ACCOUNT.0), (false, "")] {
        let checked = world.post("/api/tickets/check", &body).expect(200).json();
        assert_eq!(
            (&checked["Valid"], &checked["Login"], &checked["ErrorCode"]),
            (&valid.into(), &login.into(), &"".into())
        );
    }
    let knocked = json!({ "zone": 5, "openUrl": OWNER });
    let got = world.post("/hs/tickets/", &knocked).expect(201).json();
    check(&world, got["ticket"].as_str().unwrap(), OWNER).expect(200);
    assert!(world.sandbox.asked("/").is_empty());
}

#[test]
fn tickets_that_nobody_checks_are_bounded() {
    let mut world = world();
    let last = get(&world);
    let expires = world.node.now().plus(59_000).to_string();
    let alive = |number: usize| {
        let issued = json!({ "owner": OWNER, "login": "robot", "area": null, "expires": expires });
        let issued: Issued = serde_json::from_value(issued).unwrap();
        (0..number).fold(Changes::new(), |changes, place| {
            changes.put(&format!("{place:064}"), &issued)
        })
    };
    let services = world.node.gateway();
    services.now().shared.state.commit(alive(9_999)).unwrap();
    world.node.restart(1);
    let order = json!({ "TicketOwner": OWNER, "DataArea": 5 });
    let refused = world.post("/api/tickets", &order).expect(200).json();
    assert_eq!(
        (&refused["ErrorCode"], &refused["Detail"]),
        (&"НеизвестнаяОшибка".into(), &"ПревышеноКоличествоПопыток".into())
    );
    let body = json!({ "login": "robot", "password": PASSWORD, "serviceNick": OWNER });
    knock(&world, GET, &body).expect(429);
    // One is used up: there is room for one.
    check(&world, &last, OWNER).expect(200);
    get(&world);
    knock(&world, GET, &body).expect(429);
}
