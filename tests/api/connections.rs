//! Section 8, "Sessions and connections": rows 29 and 31.

use crate::common::TestNode;
use crate::manual::CONNECTION;
use keynode::store::Role;
use serde_json::{Value, json};

#[test]
fn row_29_connections() {
    let node = TestNode::start();
    let made = node
        .ask("POST", "/api/connections")
        .body(CONNECTION)
        .send()
        .expect(201);
    let path = made.header("Location").unwrap().to_owned();
    let times = |row: &Value| {
        ["Created", "LastUsed", "ExpireTime"].map(|name| row[name].as_str().unwrap().to_owned())
    };
    let at = |millis: i64| node.now().plus(millis).to_string();
    assert_eq!(times(&made.json()), [at(0), at(0), at(20_000)]);
    node.advance(10_000);
    let beat = node.put_to(&path);
    assert_eq!((beat.status, beat.reason.as_str()), (202, "Updated"));
    assert_eq!(times(&beat.json()), [at(-10_000), at(0), at(20_000)]);
    assert_eq!(node.get(&path).expect(200).json(), beat.json());
    node.advance(19_999);
    node.put_to(&path).expect(202);
    node.advance(20_000);
    assert_eq!(
        node.put_to(&path).refused(404),
        "EConnectionNotFound",
        "a dead one has no heartbeat"
    );
    let other = node.post("/api/connections", &json!({})).expect(201);
    let other = other.header("Location").unwrap();
    assert_eq!(node.delete(other).expect(200).json()["Expired"], "False");
    for verb in ["GET", "PUT", "DELETE"] {
        assert_eq!(
            node.ask(verb, other).send().refused(404),
            "EConnectionNotFound",
            "{verb}"
        );
    }
}

#[test]
fn row_29_a_connection_is_its_owners() {
    let node = TestNode::start();
    node.add_user("till", Role::Client, "till's own");
    let path = node.post("/api/connections", &json!({})).expect(201);
    let path = path.header("Location").unwrap();
    for verb in ["PUT", "DELETE"] {
        let answer = node.ask(verb, path).login("till", "till's own").send();
        assert_eq!(answer.refused(403), "EHTTPForbidden");
    }
    let own = node
        .ask("POST", "/api/connections")
        .login("till", "till's own")
        .body("{}")
        .send();
    let own = own.expect(201).header("Location").unwrap().to_owned();
    node.ask("PUT", &own)
        .login("till", "till's own")
        .send()
        .expect(202);
    node.put_to(&own).expect(202);
    node.delete(&own).expect(200);
}

#[test]
fn row_29_sessions_and_their_connections() {
    let node = TestNode::licensed();
    let take = |fields: Value| {
        let mut body = json!({ "KeyID": "672B" });
        body.as_object_mut()
            .unwrap()
            .extend(fields.as_object().unwrap().clone());
        let taken = node.post("/api/sessions", &body).expect(201);
        node.get(taken.header("Location").unwrap()).expect(200).json()
    };
    // One connection for the application of a peer, made when it is needed.
    let till =
        take(json!({ "ClientSessionID": "1", "AppName": "Till", "ComputerName": "K1", "IsServer": true }));
    let again = take(json!({ "ClientSessionID": "2", "AppName": "Till" }));
    let other = take(json!({ "ClientSessionID": "3", "AppName": "Shop" }));
    let id = |session: &Value| session["SessionConnection"].as_str().unwrap().to_owned();
    assert_eq!(id(&till), id(&again));
    assert_ne!(id(&till), id(&other));
    let made = node
        .get(&format!("/api/connections/{}", id(&till)))
        .expect(200)
        .json();
    assert_eq!(
        (&made["PeerIP"], &made["Process"]),
        (&json!("127.0.0.1"), &json!("Till"))
    );
    assert_eq!(
        (&made["KeyID"], &made["ComputerName"]),
        (&json!("672B"), &json!("K1"))
    );
    // A session that names one keeps its connection alive, as each request over it does.
    let own = node
        .post("/api/connections", &json!({ "Process": "own" }))
        .expect(201);
    let own = own.header("Location").unwrap();
    let named = own.rsplit('/').next().unwrap();
    node.advance(15_000);
    let session = take(json!({ "ClientSessionID": "4", "SessionConnection": named }));
    assert_eq!(id(&session), named);
    let expires = || node.get(own).expect(200).json()["ExpireTime"].clone();
    assert_eq!(expires(), node.now().plus(20_000).to_string());
    node.advance(15_000);
    let path = format!("/api/sessions/{}", session["ID"].as_str().unwrap());
    node.put_to(&path).expect(202);
    assert_eq!(expires(), node.now().plus(20_000).to_string());
    // The connection dies, its session lives on to its own end.
    node.delete(own).expect(200);
    node.advance(10 * 60_000);
    assert!(node.get("/api/connections").rows().is_empty());
    assert_eq!(node.get("/api/sessions?Expired=False").rows().len(), 4);
    node.put_to(&path).expect(202);
    let later = take(json!({ "ClientSessionID": "5", "AppName": "Till" }));
    assert_ne!(id(&later), id(&till));
}

#[test]
fn row_31_ids() {
    let node = TestNode::licensed();
    let seat = node.seat("a");
    let connection = node.post("/api/connections", &json!({})).expect(201);
    let connection = connection.header("Location").unwrap();
    for (path, exception) in [
        (seat.as_str(), "ESessionNotFound"),
        (connection, "EConnectionNotFound"),
    ] {
        let (list, id) = path.rsplit_once('/').unwrap();
        assert!(
            id.len() == 32 && id.bytes().all(|b| matches!(b, b'0'..=b'9' | b'A'..=b'F')),
            "{id}"
        );
        assert_eq!(
            (&id[12..13], "89AB".contains(&id[16..17])),
            ("4", true),
            "UUID version 4"
        );
        let dashed = format!(
            "{}-{}-{}-{}-{}",
            &id[..8],
            &id[8..12],
            &id[12..16],
            &id[16..20],
            &id[20..]
        );
        let whole = node.get(path).expect(200).body;
        for form in [
            id.to_lowercase(),
            dashed.clone(),
            dashed.to_lowercase(),
            format!("{{{dashed}}}"),
            format!("{{{id}}}"),
            format!("%7B{}%7D", dashed.to_lowercase()),
        ] {
            assert_eq!(
                node.get(&format!("{list}/{form}")).expect(200).body,
                whole,
                "{form}"
            );
        }
        for bad in [
            "AF72CC4124DD4B588AA9039D31035A5C",
            "DB4AC14978FA4B5815A813550A031424B",
            "x",
            &id[1..],
            &format!("{{{dashed}"),
            "urn:uuid:af72cc41-24dd-4b58-8aa9-039d31035a5c",
            "%00",
        ] {
            for verb in ["GET", "PUT", "DELETE"] {
                let answer = node.ask(verb, &format!("{list}/{bad}")).send();
                assert_eq!(answer.refused(404), exception, "{verb} {bad}");
            }
        }
    }
}
