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
        // "Too many" is not told twice: the portal would go on counting.
        assert_eq!(ticket(&world, None), code, "{status}");
    }
}

#[test]
fn after_429_the_portal_is_left_in_peace_until_the_password_is_another() {
    let mut world = World::new(Key::File);
    let get = "/rest/public/ticket/get";
    let too_many = Canned {
        status: 429,
        ..Canned::default()
    };
    world.sandbox.say_next(AUTH, too_many);
    let held = put(&world, &body(ACCOUNT.1)).expect(200).json();
    assert_eq!(
        (&held["ErrorCode"], &held["Kept"]),
        (&json!("ПревышеноКоличествоПопыток"), &json!(true))
    );
    world.node.restart(1000);
    // Nor is it asked by setting the same again, for whichever area.
    for area in [Value::Null, json!(7)] {
        let mut same = body(ACCOUNT.1);
        if area.is_number() {
            same["DataArea"] = area.clone();
        }
        let told = put(&world, &same).expect(200).json();
        assert_eq!(
            (&told["ErrorCode"], &told["Kept"]),
            (&held["ErrorCode"], &json!(true)),
            "{area}"
        );
        assert_eq!(ticket(&world, area.as_i64()), "ПревышеноКоличествоПопыток");
    }
    assert_eq!(
        (world.sandbox.asked(AUTH).len(), world.sandbox.asked(get).len()),
        (1, 0)
    );
    // Another password is another try, and of that one nothing bad is known.
    let told = put(&world, &body("another")).expect(200).json();
    assert_eq!(
        (&told["ErrorCode"], &told["Kept"]),
        (&json!("НеверныйЛогинИлиПароль"), &json!(false))
    );
    assert_eq!(
        ticket(&world, None),
        "ПревышеноКоличествоПопыток",
        "what was set before stays"
    );
    world.sandbox.say_next(AUTH, Canned::default());
    assert_eq!(put(&world, &body("another")).expect(200).json()["Kept"], true);
    assert_eq!(ticket(&world, None), "НеверныйЛогинИлиПароль");
    // So is time.
    assert_eq!(put(&world, &body(ACCOUNT.1)).expect(200).json()["Checked"], true);
    world.sandbox.say_next(
        AUTH,
        Canned {
            status: 429,
            ..Canned::default()
        },
    );
    put(&world, &body(ACCOUNT.1)).expect(200);
    assert_eq!(ticket(&world, None), "ПревышеноКоличествоПопыток");
    world.node.advance(30 * 60_000);
    assert_eq!(ticket(&world, None), "");
}

#[test]
fn an_account_is_checked_at_the_portal_that_is_named() {
    let world = World::with(Key::File, |all| all.tickets.url = "http://127.0.0.1:9".into());
    let of = |domain: Value| {
        let mut body = body(ACCOUNT.1);
        body["Domain"] = domain;
        put(&world, &body).expect(200).json()["Checked"].clone()
    };
    assert_eq!((of(0.into()), of(1.into())), (json!(false), json!(true)));
    assert_eq!(put(&world, &body(ACCOUNT.1)).expect(200).json()["Checked"], false);
    // The portals are left in peace each for itself.
    world.sandbox.say_next(
        AUTH,
        Canned {
            status: 429,
            ..Canned::default()
        },
    );
    assert_eq!(of(1.into()), false);
    let ticket = |domain: i64| {
        let order = json!({ "TicketOwner": "login", "Domain": domain });
        world.post("/api/tickets", &order).expect(200).json()["ErrorInfo"].to_string()
    };
    assert!(ticket(1).contains("429"), "{}", ticket(1));
    assert!(!ticket(0).contains("429"), "{}", ticket(0));
}

#[test]
fn a_check_that_is_one_too_many_is_told_and_holds_nobody() {
    let world = World::new(Key::File);
    let check = "/rest/public/ticket/check";
    world.sandbox.say_next(
        check,
        Canned {
            status: 429,
            ..Canned::default()
        },
    );
    let order = json!({ "Ticket": "any", "TicketOwner": "login" });
    let told = world.post("/api/tickets/check", &order).expect(200).json();
    let codes = (&told["ErrorCode"], &told["Detail"], &told["Valid"]);
    assert_eq!(
        codes,
        (
            &json!("НеизвестнаяОшибка"),
            &json!("ПревышеноКоличествоПопыток"),
            &json!(false)
        )
    );
    assert_eq!(ticket(&world, None), "");
    let told = world.post("/api/tickets/check", &order).expect(200).json();
    assert_eq!((&told["ErrorCode"], &told["Valid"]), (&json!(""), &json!(false)));
    assert_eq!(world.sandbox.asked(check).len(), 2);
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
        (json!({ "Login": "a", "Password": "x", "Domain": 2 }), "Domain"),
        (json!({ "Login": "a", "Password": "x", "Area": 7 }), "Area"),
    ];
    for (body, field) in cases {
        let answer = put(&world, &body);
        assert_eq!(answer.refused(400), "EHTTPBadRequest", "{body}");
        assert!(answer.message().contains(field), "{body}");
    }
    assert!(world.sandbox.asked(AUTH).is_empty());
}
