//! Section 8, "Sessions and connections": rows 23 to 28, 30 and 32.

use crate::common::TestNode;
use crate::common::keys::{KEY_NO, licence, numbered};
use keynode::licence::{DAY, KeyId, KeyType, Licence, Timestamp};
use keynode::store::Role;
use serde_json::{Value, json};

const MINUTE: u64 = 60_000;

/// A session's own row.
#[track_caller]
fn row(node: &TestNode, path: &str) -> Value {
    node.get(path).expect(200).json()
}

#[test]
fn row_23_identity() {
    let node = TestNode::licensed();
    let post = |key_id: Value, client: Value| {
        node.post(
            "/api/sessions",
            &json!({ "KeyID": key_id, "ClientSessionID": client }),
        )
    };
    let first = post(json!("672B"), json!("a")).expect(201);
    post(json!("672b"), json!("a")).expect(200);
    post(json!("672B"), json!("A")).expect(201);
    node.put(&Licence {
        key_id: KeyId::parse("0001").unwrap(),
        ..numbered(1)
    });
    post(json!("0001"), json!("a")).expect(201);
    // Characters are counted, not bytes.
    post(json!("672B"), json!("я".repeat(128))).expect(201);
    for (key_id, client, named) in [
        (json!("672B"), json!("я".repeat(129)), "ClientSessionID"),
        (json!("672B"), json!(""), "ClientSessionID"),
        (json!("672B"), json!(null), "ClientSessionID"),
        (json!("672B"), json!(7), "ClientSessionID"),
        (json!(""), json!("b"), "KeyID"),
        (json!(null), json!("b"), "KeyID"),
        (json!("6".repeat(129)), json!("b"), "KeyID"),
    ] {
        let answer = post(key_id, client).expect(400);
        assert!(answer.message().contains(named), "{}", answer.message());
    }
    // The rest may be absent: the start of the session is now, texts are null.
    let session = row(&node, first.header("Location").unwrap());
    assert_eq!(session["SessionStarted"], node.now().to_string());
    for absent in [
        "SessionNumber",
        "InfoBaseConnectionStr",
        "AppName",
        "ComputerName",
        "UserName",
        "AccessCode",
    ] {
        assert_eq!(session[absent], Value::Null, "{absent}");
    }
    for (number, (sent, means)) in [
        ("2020-01-01T12:52:20", "2020-01-01T12:52:20.000Z"),
        ("2020-01-01T12:52:20.5Z", "2020-01-01T12:52:20.500Z"),
        ("2020-01-01T12:52:20+03:00", "2020-01-01T09:52:20.000Z"),
        ("2020-01-01", "2020-01-01T00:00:00.000Z"),
    ]
    .into_iter()
    .enumerate()
    {
        let client = format!("started {number}");
        let body = json!({ "KeyID": "0001", "ClientSessionID": client, "SessionStarted": sent });
        let taken = node.post("/api/sessions", &body).expect(201);
        assert_eq!(
            row(&node, taken.header("Location").unwrap())["SessionStarted"],
            means
        );
    }
}

/// The key that the next session gets.
#[track_caller]
fn next_key(node: &TestNode, client: &str) -> Value {
    node.take(client).expect(201).json()["KeyNo"].clone()
}

#[test]
fn row_24_which_key() {
    let node = TestNode::start();
    let activation_date = node.now();
    let one = |key_no, key_type, period| Licence {
        key_type,
        period,
        activation_date,
        licence_count: 1,
        ..numbered(key_no)
    };
    let additional = node.put(&one(21, KeyType::Additional, 0));
    assert_eq!(
        node.take("x").refused(403),
        "ELicenceNotWorkable",
        "additional keys need a main one"
    );
    for (key_no, key_type, period) in [
        (10, KeyType::Main, 0),
        (12, KeyType::Main, 20),
        (14, KeyType::Main, 10),
        (16, KeyType::Main, 10),
        (11, KeyType::Main, 0),
        (20, KeyType::Additional, 10),
        (31, KeyType::Demonstration, 5),
        (30, KeyType::Demonstration, 0),
    ] {
        node.put(&one(key_no, key_type, period));
    }
    // By KeyType; of one type the soonest end; of one end the lowest number.
    for (place, expected) in [14, 16, 12, 10, 11, 20, 21, 31, 30].into_iter().enumerate() {
        assert_eq!(next_key(&node, &place.to_string()), expected, "{place}");
    }
    assert_eq!(node.take("last").refused(403), "ELicenceNoFree");
    assert_eq!(node.get("/api/sessions").rows().len(), 9, "one seat a session");
    // A seat given back is the next one given.
    node.delete("/api/sessions?KeyID=672B&ClientSessionID=2")
        .expect(200);
    assert_eq!(next_key(&node, "again"), 12);
    node.remove(&additional);
    node.delete("/api/sessions?KeyID=672B&ClientSessionID=6")
        .expect(200);
    assert_eq!(node.take("more").refused(403), "ELicenceNoFree");
}

#[test]
fn row_25_refusals() {
    let node = TestNode::start();
    for series in ["672B", "XYZ", "672B1", "нет"] {
        let answer = node.post(
            "/api/sessions",
            &json!({ "KeyID": series, "ClientSessionID": "a" }),
        );
        assert_eq!(answer.refused(404), "ELicenceNotFound", "{series}");
        assert!(answer.message().contains(series), "{}", answer.message());
    }
    let path = node.put(&Licence {
        licence_count: 2,
        ..licence()
    });
    node.take("a").expect(201);
    node.take("b").expect(201);
    assert_eq!(node.take("c").refused(403), "ELicenceNoFree");
    assert_eq!(node.take("d").refused(403), "ELicenceNoFree");
    node.take("a").expect(200);
    node.put_file("672B.7131766.licence", "damaged");
    let refusal = node.take("c");
    assert_eq!(refusal.refused(403), "ELicenceNotWorkable");
    assert!(
        refusal.message().contains("7131766") && refusal.message().contains("no licence"),
        "{}",
        refusal.message()
    );
    node.remove(&path);
    assert_eq!(node.take("c").refused(404), "ELicenceNotFound");
    // Counted by series and reason, where the administrator looks.
    let mut wire = crate::common::Wire::connect(node.admin_address());
    wire.send("GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n");
    let mut refusals = wire.answer(false).unwrap().expect(200).json()["refusals"].clone();
    let refusals = refusals.as_array_mut().unwrap();
    refusals.sort_by_key(ToString::to_string);
    let expected = [
        json!(["672B", "ELicenceNoFree", 2]),
        json!(["672B", "ELicenceNotFound", 2]),
        json!(["672B", "ELicenceNotWorkable", 1]),
    ];
    assert_eq!(refusals[..], expected);
}

#[test]
fn row_26_life_and_renewal() {
    let node = TestNode::start();
    node.put(&Licence {
        licence_count: 1,
        ..licence()
    });
    let path = node.seat("a");
    let expires = || row(&node, &path)["ExpireTime"].clone();
    let in_minutes = |minutes: i64| json!(node.now().plus(minutes * 60_000).to_string());
    assert_eq!(expires(), in_minutes(15));
    node.advance(10 * MINUTE);
    assert_eq!(expires(), in_minutes(5));
    let renewed = node.take("a").expect(200);
    assert_eq!(renewed.header("Location"), Some(path.as_str()));
    assert_eq!(expires(), in_minutes(15));
    node.advance(15 * MINUTE - 1);
    assert_eq!(row(&node, &path)["Expired"], "False");
    assert_eq!(node.take("b").refused(403), "ELicenceNoFree");
    // Its life has run out: the seat is another's, and nobody brings it back.
    node.advance(1);
    assert_eq!(row(&node, &path)["Expired"], "True");
    let other = node.seat("b");
    assert_eq!(node.take("a").refused(403), "ELicenceNoFree");
    node.put_to(&path).expect(404);
    node.delete(&other).expect(200);
    let new = node.seat("a");
    assert_ne!(new, path);
}

#[test]
fn row_27_how_a_caller_learns_of_its_session() {
    let node = TestNode::licensed();
    let mut path = String::new();
    for status in [201, 200] {
        node.advance(1_000);
        let answer = node.take("a").expect(status);
        let id = answer.header("Licence-SessionID").unwrap();
        path = format!("/api/sessions/{id}");
        assert_eq!(answer.header("Location"), Some(path.as_str()));
        let session = row(&node, &path);
        assert_eq!(session["ID"], id);
        assert_eq!(
            session["ExpireTime"],
            answer.header("Licence-SessionExpireTime").unwrap()
        );
        assert_eq!(answer.json(), node.licence(KEY_NO), "the body is the licence");
    }
    let renewed = node.put_to(&path).expect(202);
    assert_eq!(
        renewed.header("Licence-SessionExpireTime").unwrap(),
        row(&node, &path)["ExpireTime"]
    );
    assert!(node.get(&path).header("Licence-SessionID").is_none());
}

#[test]
fn row_28_renew_and_release() {
    let node = TestNode::start();
    node.put(&Licence {
        licence_count: 2,
        ..licence()
    });
    node.add_user("till", Role::Client, "till's own");
    node.add_user("shop", Role::Client, "shop's own");
    let by = |verb: &str, path: &str, user: &str| {
        node.ask(verb, path).login(user, &format!("{user}'s own")).send()
    };
    let body = json!({ "KeyID": "672B", "ClientSessionID": "a" }).to_string();
    let taken = node
        .ask("POST", "/api/sessions")
        .login("till", "till's own")
        .body(body)
        .send();
    let path = taken.expect(201).header("Location").unwrap().to_owned();
    node.advance(MINUTE);
    let renewed = by("PUT", &path, "till");
    assert_eq!((renewed.status, renewed.reason.as_str()), (202, "Updated"));
    assert_eq!(renewed.json(), row(&node, &path));
    assert_eq!(
        renewed.json()["ExpireTime"],
        node.now().plus(15 * 60_000).to_string()
    );
    let query = "/api/sessions?KeyID=672b&ClientSessionID=a";
    for (verb, path) in [("PUT", &*path), ("DELETE", &*path), ("DELETE", query)] {
        assert_eq!(
            by(verb, path, "shop").refused(403),
            "EHTTPForbidden",
            "{verb} {path}"
        );
    }
    let released = by("DELETE", &path, "till").expect(200).json();
    assert_eq!(released["ID"], renewed.json()["ID"]);
    for verb in ["GET", "PUT", "DELETE"] {
        assert_eq!(by(verb, &path, "till").refused(404), "ESessionNotFound", "{verb}");
    }
    assert_eq!(by("DELETE", query, "till").refused(404), "ESessionNotFound");
    // By identity, in any encoding; the seat is free at once.
    node.seat("я и ты");
    node.seat("b");
    assert_eq!(node.take("c").refused(403), "ELicenceNoFree");
    let name = "%D1%8F+%D0%B8%20%D1%82%D1%8B";
    node.delete(&format!("/api/sessions/?ClientSessionID={name}&KeyID=672B"))
        .expect(200);
    node.take("c").expect(201);
    for bad in [
        "",
        "?KeyID=672B",
        "?ClientSessionID=b",
        "?KeyID=672B&ClientSessionID=",
    ] {
        assert_eq!(
            node.delete(&format!("/api/sessions{bad}")).refused(400),
            "EHTTPBadRequest",
            "{bad}"
        );
    }
    node.delete("/api/sessions?KeyID=none&ClientSessionID=b")
        .expect(404);
    // An administrator releases anybody's.
    node.delete("/api/sessions?KeyID=672B&ClientSessionID=c")
        .expect(200);
    let body = json!({ "KeyID": "672B", "ClientSessionID": "d" }).to_string();
    let taken = node
        .ask("POST", "/api/sessions")
        .login("shop", "shop's own")
        .body(body)
        .send();
    let path = taken.expect(201).header("Location").unwrap().to_owned();
    node.put_to(&path).expect(202);
    node.delete(&path).expect(200);
    assert_eq!(node.get("/api/sessions").column("UserName").len(), 1);
}

#[test]
fn row_30_more_session_fields() {
    let node = TestNode::licensed();
    let connection = node.post("/api/connections", &json!({})).expect(201).json()["ID"].clone();
    let all = json!({
        "KeyID": "672B",
        "ClientSessionID": "a",
        "AppName": "1CV8C",
        "ComputerName": "MORA-HP",
        "UserName": "Мария",
        "SessionStarted": "2018-04-03T14:06:58.000Z",
        "IsServer": true,
        "SessionNumber": "2",
        "InfoBaseConnectionStr": "File=\"D:\\Db\";",
        "AccessCode": "open sesame",
        "SessionConnection": connection.as_str().unwrap().to_lowercase(),
    });
    let taken = node.post("/api/sessions", &all).expect(201);
    let session = row(&node, taken.header("Location").unwrap());
    for (name, sent) in all.as_object().unwrap() {
        match name.as_str() {
            "ClientSessionID" => assert!(session.get(name).is_none()),
            "SessionConnection" => assert_eq!(session[name], connection),
            _ => assert_eq!(&session[name], sent, "{name}"),
        }
    }
}

#[test]
fn row_32_expired_rows() {
    let node = TestNode::licensed();
    let path = node.seat("a");
    let connection = row(&node, &path)["SessionConnection"]
        .as_str()
        .unwrap()
        .to_owned();
    let connection = format!("/api/connections/{connection}");
    let listed = |list: &str| node.get(list).column("Expired");
    for (path, list, life) in [
        (&connection, "/api/connections", 20_000),
        (&path, "/api/sessions", 15 * MINUTE),
    ] {
        let left = Timestamp::parse(row(&node, path)["ExpireTime"].as_str().unwrap()).unwrap();
        let left = u64::try_from(left.millis() - node.now().millis()).unwrap();
        node.advance(left - 1);
        assert_eq!(listed(list), ["False"]);
        node.advance(1);
        assert_eq!(listed(list), ["True"]);
        let expired = row(&node, path);
        assert_eq!(expired["ExpireTime"], node.now().to_string(), "{expired}");
        node.advance(life - 1);
        assert_eq!(listed(list), ["True"]);
        assert_eq!(row(&node, path)["ExpireTime"], expired["ExpireTime"]);
        node.advance(1);
        assert_eq!(listed(list), Vec::<Value>::new());
        node.get(path).expect(404);
    }
    // However long nobody asks.
    let path = node.seat("b");
    node.advance(u64::try_from(DAY).unwrap());
    node.get(&path).expect(404);
}
