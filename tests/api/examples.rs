//! The JSON of each endpoint equals the manual's examples in names, order and types.

use crate::common::TestNode;
use crate::common::keys::{KEY_NO, licence};
use crate::manual::{CONNECTION, ERROR, INSTALL, LATER, LICENCE, ROOT, SERVER_INFO, SESSION, TAKE};
use serde_json::{Value, json};

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// Names and types in their order.
fn shape(object: &Value) -> Vec<(String, &'static str)> {
    let fields = object
        .as_object()
        .unwrap_or_else(|| panic!("no object: {object}"));
    fields
        .iter()
        .map(|(name, value)| (name.clone(), kind(value)))
        .collect()
}

fn parse(example: &str) -> Value {
    serde_json::from_str(example).unwrap()
}

#[track_caller]
fn assert_same(answer: &Value, example: &str) {
    assert_eq!(shape(answer), shape(&parse(example)));
}

/// As the manual's, with the later fields behind (row 17).
#[track_caller]
fn assert_licence(answer: &Value) {
    let mut expected = shape(&parse(LICENCE));
    let kinds = ["null", "null", "null", "null", "null", "bool", "string"];
    expected.extend(LATER.map(str::to_owned).into_iter().zip(kinds));
    assert_eq!(shape(answer), expected);
}

/// The one row of a list that is named so.
#[track_caller]
fn only(list: &Value, name: &str) -> Value {
    assert_eq!(shape(list), [(name.to_owned(), "array")]);
    let rows = list[name].as_array().unwrap();
    assert_eq!(rows.len(), 1, "{list}");
    rows[0].clone()
}

#[test]
fn root_and_server_info() {
    let node = TestNode::start();
    let root = node.get("/api").expect(200).json();
    assert_same(&root, ROOT);
    let documented = parse(ROOT)["Urns"].as_array().unwrap().clone();
    let urns = root["Urns"].as_array().unwrap();
    assert_eq!(urns[..4], documented[..], "the documented addresses come first");
    for urn in urns {
        node.get(urn.as_str().unwrap()).expect(200);
    }
    let info = node.get("/api/serverinfo").expect(200).json();
    assert_same(&info, SERVER_INFO);
    let id = info["ComputerID"].as_str().unwrap();
    assert!(
        id.len() == 40 && id.bytes().all(|b| matches!(b, b'0'..=b'9' | b'A'..=b'F')),
        "{id}"
    );
    assert_eq!(info["PID"], std::process::id());
    assert_eq!(info["Started"], "2026-01-15T12:00:00.000Z");
    assert!(
        info["OSVersion"]
            .as_str()
            .unwrap()
            .ends_with(&format!("({})", std::env::consts::ARCH))
    );
    let addresses = info["LocalIP"].as_str().unwrap();
    for address in addresses.split(',').filter(|address| !address.is_empty()) {
        address.parse::<std::net::Ipv4Addr>().unwrap();
    }
}

#[test]
fn licences() {
    let node = TestNode::start();
    let path = node.put(&licence());
    let one = node.licence(KEY_NO);
    assert_licence(&one);
    assert_eq!(
        only(&node.get("/api/licences").expect(200).json(), "Licences"),
        one
    );
    // The values of the manual's licence are there too, but for those that cannot be the same.
    let example = parse(LICENCE);
    let differs = ["FileName", "Version", "ITN", "ArticleName"];
    for (name, value) in example.as_object().unwrap() {
        if !differs.contains(&name.as_str()) {
            assert_eq!(&one[name], value, "{name}");
        }
    }
    assert_eq!(one["FileName"], path.to_str().unwrap());
    assert!(path.ends_with("672B.7131766.licence"));
}

#[test]
fn connections() {
    let node = TestNode::start();
    let made = node
        .ask("POST", "/api/connections")
        .body(CONNECTION)
        .send()
        .expect(201);
    let one = node.get(made.header("Location").unwrap()).expect(200).json();
    assert_same(&one, CONNECTION);
    assert_eq!(made.json(), one);
    let list = node.get("/api/connections").expect(200).json();
    assert_eq!(only(&list, "Connections"), one);
    let own = ["ID", "Created", "LastUsed", "ExpireTime"];
    for (name, value) in parse(CONNECTION).as_object().unwrap() {
        assert_eq!(
            &one[name] == value,
            !own.contains(&name.as_str()),
            "{name}: {}",
            one[name]
        );
    }
}

#[test]
fn sessions() {
    let node = TestNode::licensed();
    let mut fields = parse(SESSION);
    fields["ClientSessionID"] = json!("0123456789ABCDEF");
    let taken = node.post("/api/sessions", &fields).expect(201);
    assert_licence(&taken.json());
    let one = node.get(taken.header("Location").unwrap()).expect(200).json();
    assert_same(&one, SESSION);
    let list = node.get("/api/sessions").expect(200).json();
    assert_eq!(only(&list, "Sessions"), one);
    for (name, value) in parse(SESSION).as_object().unwrap() {
        let own = ["ID", "ExpireTime"].contains(&name.as_str());
        assert_eq!(&one[name] == value, !own, "{name}: {}", one[name]);
    }
}

#[test]
fn the_manuals_own_request_for_a_session() {
    let node = TestNode::licensed();
    let take = || node.ask("POST", "/api/sessions").body(TAKE).send();
    let (new, again) = (take().expect(201), take().expect(200));
    assert_licence(&new.json());
    assert_eq!(new.json(), again.json());
    assert_eq!(new.json(), node.licence(KEY_NO));
    let session = node.get(new.header("Location").unwrap()).expect(200).json();
    assert_eq!(session["AppName"], "MobileClient");
    assert_eq!(session["UserName"], "MobileUser");
    assert_eq!(session["ComputerName"], "Androud Table Sevice");
    assert_eq!(session["SessionStarted"], "2020-01-01T12:52:20.000Z");
}

#[test]
fn errors() {
    let node = TestNode::start();
    let answer = node.get("/api/someurl").expect(404);
    assert_eq!(answer.json(), parse(ERROR));
    assert_same(&answer.json(), ERROR);
    let install = node.ask("POST", "/api/licences").body(INSTALL).send();
    // Its ITN has a wrong check digit.
    assert_same(&install.expect(400).json(), ERROR);
}
