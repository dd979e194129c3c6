//! PUT /api/support-account: checked with the portal, kept sealed, never told.

use keynode::sandbox::Canned;
use serde_json::{Value, json};

use crate::keys::Key;
use crate::world::{ACCOUNT, World, audit};

const AUTH: &str = "/rest/public/user/auth";

fn put(world: &World, body: &Value) -> crate::common::Answer {
    let put = world
        .node
        .ask("PUT", "/api/support-account")
        .body(body.to_string());
    put.send()
}

fn body(password: &str) -> Value {
    json!({ "Login": ACCOUNT.0, "Password": password })
}

/// The code of a ticket that is asked for: empty where the account is good.
fn ticket(world: &World, area: Option<i64>) -> Value {
    let told = world.post(
        "/api/tickets",
        &json!({ "TicketOwner": "login", "DataArea": area }),
    );
    told.expect(200).json()["Detail"].clone()
}

#[test]
fn an_account_that_the_portal_knows_is_kept() {
    let mut world = World::new(Key::File);
    let told = put(&world, &body(ACCOUNT.1)).expect(200);
    assert!(!told.text().contains(ACCOUNT.1));
    let expected = json!({
        "Login": ACCOUNT.0, "DataArea": null, "Kept": true, "Checked": true,
        "ErrorCode": "", "ErrorMessage": "", "ErrorInfo": "", "Detail": "",
    });
    assert_eq!(told.json(), expected);
    assert_eq!(
        world.sandbox.asked(AUTH)[0].json(),
        json!({ "login": ACCOUNT.0, "password": ACCOUNT.1 })
    );
    assert_eq!(ticket(&world, None), "");
    world.node.restart(0);
    assert_eq!(ticket(&world, None), "");
    let rows = audit(&mut world, "support-account%");
    assert_eq!(rows.len(), 1);
    assert_eq!(
        (rows[0].1.as_str(), rows[0].2.as_str()),
        ("support-account", "all areas")
    );
}

#[test]
fn an_account_that_the_portal_refuses_is_not_kept_and_the_old_one_stays() {
    let mut world = World::new(Key::File);
    let told = put(&world, &body("another")).expect(200).json();
    assert_eq!(told["ErrorCode"], "НеверныйЛогинИлиПароль");
    assert_eq!((&told["Kept"], &told["Checked"]), (&json!(false), &json!(true)));
    assert_eq!(ticket(&world, None), "");
    let rows = audit(&mut world, "support-account%");
    assert_eq!(rows[0].1, "support-account-failure");
    assert!(!rows[0].3.contains("another"));
}

#[test]
fn an_account_that_cannot_be_checked_is_kept() {
    let world = World::new(Key::File);
    for (status, code) in [(0, ""), (500, ""), (429, "ПревышеноКоличествоПопыток")]
    {
        let canned = Canned {
            status,
            ..Canned::default()
        };
        world.sandbox.say_next(AUTH, canned);
        let told = put(&world, &body(ACCOUNT.1)).expect(200).json();
        assert_eq!(told["ErrorCode"], code, "{status}");
        assert_eq!(
            (&told["Kept"], &told["Checked"]),
            (&json!(true), &json!(false)),
            "{status}"
        );
        assert_eq!(ticket(&world, None), "", "{status}");
    }
}

#[test]
fn an_area_of_data_has_an_account_of_its_own() {
    let world = World::new(Key::File);
    // Taken at its word, for the portal is not asked.
    world.sandbox.say_next(
        AUTH,
        Canned {
            status: 0,
            ..Canned::default()
        },
    );
    let own = json!({ "Login": "area@example.com", "Password": "a password of the area", "DataArea": 7 });
    let told = put(&world, &own).expect(200).json();
    assert_eq!((&told["DataArea"], &told["Kept"]), (&json!(7), &json!(true)));
    assert_eq!(ticket(&world, Some(7)), "НеверныйЛогинИлиПароль");
    assert_eq!(ticket(&world, Some(8)), "");
}

#[test]
fn without_a_portal_nobody_is_asked() {
    let mut world = World::new(Key::File);
    world
        .node
        .reload(|all| (all.tickets.issuer, all.crpt.enabled) = (true, false));
    let told = put(&world, &body("whatever")).expect(200).json();
    assert_eq!((&told["Kept"], &told["Checked"]), (&json!(true), &json!(false)));
    assert!(world.sandbox.asked(AUTH).is_empty());
}

#[test]
fn a_field_that_is_wrong_is_named() {
    let world = World::new(Key::File);
    let cases = [
        (json!({}), "Login"),
        (json!({ "Login": " ", "Password": "x" }), "Login"),
        (json!({ "Login": "a" }), "Password"),
        (json!({ "Login": "a", "Password": "" }), "Password"),
        (
            json!({ "Login": "a", "Password": "x", "DataArea": "7" }),
            "DataArea",
        ),
        (json!({ "Login": "a", "Password": "x", "Area": 7 }), "Area"),
    ];
    for (body, field) in cases {
        let answer = put(&world, &body);
        assert_eq!(answer.refused(400), "EHTTPBadRequest", "{body}");
        assert!(answer.message().contains(field), "{body}");
    }
    assert!(world.sandbox.asked(AUTH).is_empty());
}
