//! Section 8, row 38: who may do what.

use crate::common::TestNode;
use crate::common::keys::licence;
use keynode::licence::Licence;
use keynode::store::Role;
use serde_json::json;

/// Verb, path, and what becomes of it for an administrator, a client, a monitor and a signer. `{session}` and
/// `{connection}` are the caller's own, or an administrator's where the caller cannot have one.
const TABLE: [(&str, &str, [u16; 4]); 55] = [
    ("GET", "/api", [200, 200, 200, 200]),
    ("HEAD", "/api", [200, 200, 200, 200]),
    ("POST", "/api", [501, 501, 501, 501]),
    ("GET", "/api/serverinfo", [200, 200, 200, 200]),
    ("PUT", "/api/serverinfo", [501, 501, 501, 501]),
    ("GET", "/api/publickey", [200, 200, 200, 200]),
    ("GET", "/api/licences", [200, 403, 200, 403]),
    ("HEAD", "/api/licences", [200, 403, 200, 403]),
    ("POST", "/api/licences", [400, 403, 403, 403]),
    ("PUT", "/api/licences", [501, 501, 501, 501]),
    ("GET", "/api/licences/7131766", [200, 403, 200, 403]),
    ("GET", "/api/licences/1", [404, 403, 404, 403]),
    ("GET", "/api/licences/x", [400, 403, 400, 403]),
    ("DELETE", "/api/licences/7131766", [501, 501, 501, 501]),
    ("GET", "/api/connections", [200, 200, 200, 403]),
    ("POST", "/api/connections", [201, 201, 403, 403]),
    ("DELETE", "/api/connections", [501, 501, 501, 501]),
    ("GET", "{connection}", [200, 200, 200, 403]),
    ("HEAD", "{connection}", [200, 200, 200, 403]),
    ("PUT", "{connection}", [202, 202, 403, 403]),
    ("POST", "{connection}", [501, 501, 501, 501]),
    ("DELETE", "{connection}", [200, 200, 403, 403]),
    ("PUT", "/api/connections/x", [404, 404, 403, 403]),
    ("GET", "/api/sessions", [200, 200, 200, 403]),
    ("POST", "/api/sessions", [201, 201, 403, 403]),
    ("GET", "{session}", [200, 200, 200, 403]),
    ("HEAD", "{session}", [200, 200, 200, 403]),
    ("PUT", "{session}", [202, 202, 403, 403]),
    ("PATCH", "{session}", [501, 501, 501, 501]),
    ("DELETE", "{session}", [200, 200, 403, 403]),
    (
        "DELETE",
        "/api/sessions?KeyID=672B&ClientSessionID=new",
        [200, 200, 403, 403],
    ),
    (
        "DELETE",
        "/api/sessions?KeyID=672B&ClientSessionID=none",
        [404, 404, 403, 403],
    ),
    ("DELETE", "/api/sessions", [400, 400, 403, 403]),
    ("PUT", "/api/sessions", [501, 501, 501, 501]),
    ("GET", "/api/sessions/x", [404, 404, 404, 403]),
    ("DELETE", "/api/sessions/x", [404, 404, 403, 403]),
    ("GET", "/api/devices", [200, 403, 200, 403]),
    ("GET", "/api/devices/x", [404, 403, 404, 403]),
    ("POST", "/api/devices", [501, 501, 501, 501]),
    ("GET", "/api/usage", [200, 403, 200, 403]),
    ("HEAD", "/api/usage?Period=week", [200, 403, 200, 403]),
    ("GET", "/api/usage?Period=hour", [400, 403, 400, 403]),
    ("POST", "/api/usage", [501, 501, 501, 501]),
    ("GET", "/api/certificates", [200, 403, 200, 200]),
    ("HEAD", "/api/certificates", [200, 403, 200, 200]),
    ("POST", "/api/certificates", [501, 501, 501, 501]),
    ("GET", "/api/certificates/x", [404, 403, 404, 404]),
    ("PUT", "/api/certificates/x", [501, 501, 501, 501]),
    ("POST", "/api/certificates/x/signatures", [403, 403, 403, 404]),
    ("GET", "/api/certificates/x/signatures", [501, 501, 501, 501]),
    ("POST", "/api/certificates/x/decryptions", [403, 403, 403, 404]),
    ("POST", "/api/rescan", [200, 403, 403, 403]),
    ("GET", "/api/rescan", [501, 501, 501, 501]),
    ("GET", "/api/nothing", [404, 404, 404, 404]),
    ("POST", "/api/nothing", [404, 404, 404, 404]),
];

#[test]
fn row_38_roles() {
    let node = TestNode::start();
    node.put(&Licence {
        licence_count: 100,
        ..licence()
    });
    node.add_user("client", Role::Client, "password of client");
    node.add_user("monitor", Role::Monitor, "password of monitor");
    node.add_user("signer", Role::Signer, "password of signer");
    let body = |client: &str| json!({ "KeyID": "672B", "ClientSessionID": client }).to_string();
    for (place, role) in ["admin", "client", "monitor", "signer"].into_iter().enumerate() {
        let password = if role == "admin" {
            "admin".to_owned()
        } else {
            format!("password of {role}")
        };
        let ask = |verb: &str, path: &str| node.ask(verb, path).login(role, &password);
        let make = |path: &str, body: String| {
            let own = match role {
                "monitor" | "signer" => node.ask("POST", path),
                _ => ask("POST", path),
            };
            own.body(body)
                .send()
                .expect(201)
                .header("Location")
                .unwrap()
                .to_owned()
        };
        let (session, connection) = (
            make("/api/sessions", body(role)),
            make("/api/connections", "{}".into()),
        );
        for (verb, path, expected) in TABLE {
            let target = path
                .replace("{session}", &session)
                .replace("{connection}", &connection);
            let mut request = ask(verb, &target);
            if verb == "POST" {
                request = request.body(body("new"));
            }
            let answer = request.send();
            assert_eq!(answer.status, expected[place], "{role} {verb} {path}");
            if answer.status == 403 && verb != "HEAD" {
                assert_eq!(answer.refused(403), "EHTTPForbidden");
                assert!(answer.message().contains(role), "{}", answer.message());
            }
        }
    }
}
