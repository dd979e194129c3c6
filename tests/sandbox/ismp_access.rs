//! Who may ask what about session keys of IS MP, and how; what the audit log tells of it, and what nobody is told.

use rusqlite::Connection;
use serde_json::json;

use crate::common::TestNode;
use crate::ismp::{ask, body, read, sign_ins};
use crate::keys::Key;
use crate::world::{FACILITY, ITN, World};

fn state_file(world: &World) -> std::path::PathBuf {
    world.node.settings.state_dir.join("keynode.db")
}

/// Rows of the audit log: actor, event, object, detail.
fn rows(world: &World) -> Vec<[String; 4]> {
    let state = Connection::open(state_file(world)).unwrap();
    let mut statement = state
        .prepare("SELECT actor, event, object, detail FROM audit ORDER BY seq")
        .unwrap();
    let rows = statement.query_map([], |row| Ok([row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?]));
    rows.unwrap().map(Result::unwrap).collect()
}

/// The state file and its log, as they are on disk.
fn files(world: &World) -> Vec<u8> {
    let mut log = state_file(world).into_os_string();
    log.push("-wal");
    let files = [std::fs::read(state_file(world)), std::fs::read(log)];
    files.into_iter().flatten().flatten().collect()
}

#[test]
fn roles_have_what_is_theirs() {
    let world = World::new(Key::File);
    ask(&world, "ИСМП").expect(201);
    let key = format!("/api/ismp/session-keys?TokenType=ISMP&ITN={ITN}");
    let looks = ["/api/ismp/tokens", "/api/ismp/reminders", "/api/ismp/responsible"];
    for target in looks {
        for (user, status) in [("robot", 200), ("monitor", 200), ("client", 403), ("signer", 403)] {
            let answer = world.ask_as(user, "GET", target).send();
            assert_eq!(answer.status, status, "{user} GET {target}");
        }
    }
    let asked = body("ИСМП").to_string();
    for user in ["monitor", "client", "signer"] {
        world.ask_as(user, "GET", &key).send().refused(403);
        for target in [
            "session-keys",
            "tokens/renew",
            "responsible/initialize",
            "reminders/snooze",
        ] {
            let target = format!("/api/ismp/{target}");
            let answer = world.ask_as(user, "POST", &target).body(&asked).send();
            answer.refused(403);
        }
    }
    world.node.get(&key).expect(200);
    assert_eq!(sign_ins(&world), 1);
}

#[test]
fn who_had_the_node_sign_in_is_in_the_audit_log_and_no_token_is() {
    let world = World::new(Key::File);
    for kind in ["ИСМП", "СУЗ", "ИСМПРозница"] {
        ask(&world, kind).expect(201);
        ask(&world, kind).expect(200);
        read(&world, kind).unwrap();
    }
    world.post(
        "/api/ismp/session-keys",
        &json!({ "TokenType": "ИСМП", "ITN": ITN, "ProductionFacility": FACILITY.0 }),
    );
    let rows = rows(&world);
    let mine: Vec<_> = rows.iter().filter(|row| row[1] == "session-key").collect();
    assert_eq!(mine.len(), 4, "{mine:?}");
    assert!(
        mine.iter()
            .all(|row| row[0].starts_with("robot@") && row[2] == ITN)
    );
    assert!(mine[1][3].starts_with("СУЗ, valid until "), "{}", mine[1][3]);
    let table = world.get("/api/ismp/tokens").text().to_owned();
    let files = files(&world);
    for token in world.sandbox.ismp_tokens() {
        assert!(rows.iter().all(|row| !format!("{row:?}").contains(&token)));
        assert!(!table.contains(&token));
        let found = files.windows(token.len()).any(|part| part == token.as_bytes());
        assert!(!found, "a token lies open in the state file");
    }
}

#[test]
fn requests_that_make_no_sense_are_refused_and_cost_nothing() {
    let world = World::new(Key::File);
    let many = vec![body("ИСМП"); 101];
    let wrong = [
        (json!({ "TokenType": "JWT", "ITN": ITN }), 400),
        (json!({ "TokenType": "ИСМП" }), 400),
        (json!({ "TokenType": "ИСМП", "ITN": "12" }), 400),
        (json!({ "TokenType": "ИСМП", "ITN": "7728168971" }), 404),
        (json!({ "TokenType": 5, "ITN": ITN }), 400),
        (
            json!({ "TokenType": "ИСМП", "ITN": ITN, "ProductionFacility": "Ц".repeat(257) }),
            400,
        ),
        (json!({ "RequestParameters": "ИСМП" }), 400),
        (json!({ "RequestParameters": [] }), 400),
        (json!({ "RequestParameters": many }), 400),
        (
            json!({ "RequestParameters": { "Организация": ITN, "ИмяПараметраСеанса": "Другое" } }),
            400,
        ),
    ];
    for (body, status) in wrong {
        let answer = world.post("/api/ismp/session-keys", &body);
        assert_eq!(answer.status, status, "{body}: {}", answer.text());
    }
    let none = json!({ "ProductKind": "Табак" });
    world
        .post("/api/ismp/session-keys/by-product", &none)
        .refused(400);
    assert!(world.sandbox.asked("/").is_empty());
}

#[test]
fn a_service_that_is_switched_off_says_so() {
    let node = TestNode::start();
    let target = format!("/api/ismp/session-keys?TokenType=ISMP&ITN={ITN}");
    assert!(node.get(&target).expect(503).message().contains("ismp.enabled"));
    let mut world = World::with(Key::File, |all| all.ismp.retail = false);
    assert!(
        ask(&world, "ИСМПРозница")
            .expect(503)
            .message()
            .contains("ismp.retail")
    );
    ask(&world, "ИСМП").expect(201);
    world.node.reload(|all| all.ismp.enabled = false);
    ask(&world, "ИСМП").refused(503);
}
