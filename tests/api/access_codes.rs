//! Section 8, "Access": row 40, keys that are reserved to an access code.

use crate::common::TestNode;
use crate::common::keys::numbered;
use keynode::licence::{KeyNo, Licence};
use serde_json::{Value, json};

/// A node with one seat on each of these keys.
fn node(keys: &[KeyNo], codes: &[(&str, &[KeyNo])]) -> TestNode {
    let node = TestNode::with(|settings| {
        let codes = codes
            .iter()
            .map(|(code, keys)| ((*code).to_owned(), keys.to_vec()));
        settings.access_codes = codes.collect();
    });
    for key_no in keys {
        node.put(&Licence {
            licence_count: 1,
            ..numbered(*key_no)
        });
    }
    node
}

/// The key that a session with this code gets, or the exception.
fn take(node: &TestNode, client: &str, code: Option<&str>) -> Value {
    let body = json!({ "KeyID": "672B", "ClientSessionID": client, "AccessCode": code });
    let answer = node.post("/api/sessions", &body);
    if answer.status == 201 {
        answer.json()["KeyNo"].clone()
    } else {
        answer.json()["Exception"].clone()
    }
}

#[test]
fn row_40_access_codes() {
    let node = node(&[1, 2, 3, 4], &[("WAREHOUSE", &[2, 3]), ("Shop", &[3])]);
    assert_eq!(take(&node, "open", None), 1);
    // Its own keys first, then the open ones.
    assert_eq!(take(&node, "shop", Some("Shop")), 3);
    assert_eq!(take(&node, "warehouse", Some("WAREHOUSE")), 2);
    assert_eq!(take(&node, "warehouse 2", Some("WAREHOUSE")), 4);
    assert_eq!(take(&node, "warehouse 3", Some("WAREHOUSE")), "ELicenceNoFree");
    node.delete("/api/sessions?KeyID=672B&ClientSessionID=warehouse")
        .expect(200);
    // Nobody else gets a reserved seat, not even while nothing else is free.
    for code in [None, Some("Shop"), Some("warehouse"), Some(""), Some("2")] {
        assert_eq!(take(&node, "other", code), "ELicenceNoFree", "{code:?}");
    }
    assert_eq!(take(&node, "other", Some("WAREHOUSE")), 2);
    let sessions = node.get("/api/sessions?AccessCode=warehouse").rows();
    assert_eq!(sessions.len(), 2);
}

#[test]
fn row_40_only_reserved_keys() {
    let mut node = node(&[1], &[("WAREHOUSE", &[1])]);
    let refused = node.take("a");
    assert_eq!(refused.refused(403), "ELicenceNoFree");
    assert!(refused.message().contains("AccessCode"), "{}", refused.message());
    assert_eq!(take(&node, "a", Some("nonsense")), "ELicenceNoFree");
    assert_eq!(take(&node, "a", Some("WAREHOUSE")), 1);
    // Renewing needs no code: the session has presented it.
    node.take("a").expect(200);
    node.delete("/api/sessions?KeyID=672B&ClientSessionID=a")
        .expect(200);
    // The settings may change while the node runs.
    node.reload(|settings| settings.access_codes.clear());
    node.take("b").expect(201);
}
