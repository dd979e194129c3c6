//! Section 8, "Responses and signature": rows 1 to 11. What every answer has in common is checked by the client
//! itself, for each answer of each test (`Ask::over`).

use crate::common::keys::{self, KEY_NO, node_public};
use crate::common::{Answer, TestNode, Wire};
use serde_json::{Value, json};

/// The names of an answer's headers.
fn names(answer: &Answer) -> Vec<&str> {
    let mut names: Vec<_> = answer.headers.iter().map(|(name, _)| name.as_str()).collect();
    names.sort_unstable();
    names
}

#[test]
fn row_01_header_name() {
    let mut node = TestNode::licensed();
    let common = [
        "Content-Length",
        "Content-Type",
        "Date",
        "Licence-QuerySignature",
        "Licence-ServerVersion",
        "Licence-Signature",
    ];
    assert_eq!(names(&node.get("/api")), common);
    let not_a_number = node.get("/api/licences/x").expect(400);
    let not_found = node.get("/api/nothing").expect(404);
    let no_licence = node
        .post(
            "/api/sessions",
            &json!({ "KeyID": "0000", "ClientSessionID": "a" }),
        )
        .expect(404);
    for answer in [not_a_number, not_found, no_licence] {
        assert_eq!(names(&answer), common, "{answer:?}");
    }
    let unauthorized = node.ask("GET", "/api").anonymous().send().expect(401);
    assert!(names(&unauthorized).contains(&"WWW-Authenticate"));
    let host = node.ask("GET", "/api").host("evil.example").send();
    assert_eq!(names(&host.expect(403)), common);
    let verb = node.ask("PATCH", "/api").send().expect(501);
    assert!(names(&verb).contains(&"Allow"));
    node.reload(|settings| settings.api.enabled = false);
    assert_eq!(names(&node.get("/api").expect(503)), common);
    // 500 is in the verifier's run.
}

#[test]
fn row_02_padding_and_encoding() {
    use rsa::pkcs1v15::{Signature, VerifyingKey};
    use rsa::pkcs8::DecodePublicKey;
    use rsa::signature::Verifier;

    let answer = TestNode::start().get("/api/serverinfo").expect(200);
    let signature = answer.header("Licence-Signature").unwrap();
    assert_eq!(signature.len(), 344);
    assert!(signature.ends_with("=="));
    let bytes = base64::Engine::decode(&base64::engine::general_purpose::STANDARD, signature).unwrap();
    let key = VerifyingKey::<rsa::sha2::Sha256>::from_public_key_pem(node_public()).unwrap();
    let signature = Signature::try_from(bytes.as_slice()).unwrap();
    key.verify(&answer.body, &signature).unwrap();
}

#[test]
fn row_03_what_is_signed() {
    let node = TestNode::start();
    let id = "20200127230600";
    let answer = node.ask("GET", "/api").query_id(id).send();
    assert!(answer.is_signed(id.as_bytes(), &answer.body));
    assert!(!answer.is_signed(b"", &answer.body));
    assert!(!answer.is_signed(format!("{id}\n").as_bytes(), &answer.body));
    // The bytes as received: blanks around a header's value are no part of it, what is inside it is.
    let answer = node.ask("GET", "/api").header("Licence-QueryID", "  a\"b%20 ");
    let mut wire = Wire::connect(node.address());
    wire.send(answer.bytes());
    let answer = wire.answer(false).unwrap().expect(200);
    assert_eq!(answer.header("Licence-QueryID"), Some("a\"b%20"));
    assert!(answer.is_signed(b"a\"b%20", &answer.body));
    let without = node.get("/api").expect(200);
    assert!(without.is_signed(b"", &without.body));
}

#[test]
fn row_04_query_id_limits() {
    let node = TestNode::start();
    let all: Vec<u8> = (b'!'..=b'~').collect();
    for good in [b"x".to_vec(), vec![b'~'; 256], all] {
        node.ask("GET", "/api").query_id(&good).send().expect(200);
    }
    let bad: [&[u8]; 7] = [
        &[b'x'; 257],
        b"",
        "номер".as_bytes(),
        b"\xff",
        b"a b",
        b"a\tb",
        &[b'x'; 3000],
    ];
    for bad in bad {
        // The client holds that nothing is echoed and that the body alone is signed.
        let answer = node.ask("GET", "/api").header("Licence-QueryID", bad).send();
        assert_eq!(answer.refused(400), "EHTTPBadRequest", "{bad:?}");
        assert!(answer.message().contains("Licence-QueryID"), "{bad:?}");
    }
    let twice = node.ask("GET", "/api");
    let twice = twice
        .header("Licence-QueryID", "1")
        .header("licence-queryid", "1");
    assert_eq!(twice.send().refused(400), "EHTTPBadRequest");
    // A body that nobody looks at does not keep its sender from reading the answer, nor from asking again.
    let mut wire = Wire::connect(node.address());
    let bad = node.ask("POST", "/api/sessions").header("Licence-QueryID", "");
    bad.body("x".repeat(20_000)).over(&mut wire).expect(400);
    node.ask("GET", "/api").over(&mut wire).expect(200);
}

#[test]
fn row_05_whose_key() {
    use keynode::signing::{Message, verify};
    use std::os::unix::fs::PermissionsExt;

    let mut node = TestNode::start();
    let answer = node.get("/api/publickey").expect(200).json();
    assert_eq!(answer["PublicKey"], node_public());
    assert_eq!(answer["Bits"], 2048);
    assert!(node_public().starts_with("-----BEGIN PUBLIC KEY-----\n"));
    // A node without a key makes one of its own, private to its owner, and keeps it.
    let path = node.settings.state_dir.join(keynode::node::SIGNING_KEY);
    std::fs::remove_file(&path).unwrap();
    let mut made = Vec::new();
    for _ in 0..2 {
        node.restart(0);
        let mut wire = Wire::connect(node.address());
        wire.send(node.ask("GET", "/api/publickey").bytes());
        let answer = wire.answer(false).unwrap().expect(200);
        let pem = answer.json()["PublicKey"].as_str().unwrap().to_owned();
        let message = Message {
            query_id: b"",
            body: &answer.body,
        };
        verify(&pem, message, answer.header("Licence-Signature").unwrap()).unwrap();
        made.push(pem);
        assert_eq!(
            std::fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o600
        );
    }
    assert_ne!(made[0], node_public());
    assert_eq!(made[0], made[1]);
}

#[test]
fn row_06_never_empty_never_compressed() {
    let node = TestNode::licensed();
    node.seat("a");
    for path in [
        "/api",
        "/api/serverinfo",
        "/api/licences",
        "/api/sessions",
        "/api/connections",
    ] {
        let get = node
            .ask("GET", path)
            .header("Accept-Encoding", "gzip, br, deflate");
        let get = get.query_id("7").send().expect(200);
        assert!(serde_json::from_slice::<Value>(&get.body).is_ok());
        for absent in ["Content-Encoding", "Transfer-Encoding"] {
            assert!(get.header(absent).is_none());
        }
        let head = node.ask("HEAD", path).query_id("7").send().expect(200);
        assert!(head.body.is_empty());
        let dateless = |answer: &Answer| {
            let mut headers = answer.headers.clone();
            headers.retain(|(name, _)| name != "Date");
            headers.sort();
            headers
        };
        assert_eq!(dateless(&head), dateless(&get), "{path}");
    }
    let head = node.ask("HEAD", "/api/nothing").send().expect(404);
    assert_ne!(head.header("Content-Length"), Some("0"));
    let released = node
        .delete("/api/sessions?KeyID=672B&ClientSessionID=a")
        .expect(200);
    assert_eq!(released.json()["UsedLicence"], KEY_NO);
}

#[test]
fn row_07_layout() {
    let node = TestNode::licensed();
    let path = format!("/api/licences/{KEY_NO}");
    let compact = node.get(&path).expect(200);
    assert!(
        compact.text().contains("\"ProductName\":\"Тестовая серия\""),
        "{}",
        compact.text()
    );
    assert!(!compact.text().contains('\n'));
    assert_eq!(compact.text(), serde_json::to_string(&compact.json()).unwrap());
    for way in ["_pretty=true", "_pretty=1", "_pretty"] {
        let pretty = node.ask("GET", &format!("{path}?{way}")).query_id("1").send();
        assert!(
            pretty.text().starts_with("{\n  \"Type\": \"Virtual\",\n"),
            "{}",
            pretty.text()
        );
        assert_eq!(pretty.json(), compact.json());
    }
    assert_eq!(node.get(&format!("{path}?_pretty=false")).body, compact.body);
    node.get(&format!("{path}?_pretty=perhaps")).expect(400);
}

#[test]
fn row_08_server_version() {
    let node = TestNode::start();
    let version = node.get("/api").json()["Version"].as_str().unwrap().to_owned();
    let numbers: Vec<_> = version.split('.').collect();
    assert_eq!(numbers.len(), 4, "{version}");
    assert!(
        numbers.iter().all(|number| number.parse::<u32>().is_ok()),
        "{version}"
    );
    let info = node.get("/api/serverinfo").expect(200);
    let json = info.json();
    let text = |name: &str| json[name].as_str().unwrap();
    let whole = format!("{},{},{}", text("Version"), text("OSType"), text("CPU"));
    for answer in [
        info.clone(),
        node.get("/api/nothing"),
        node.get("/elsewhere").expect(404),
    ] {
        assert_eq!(answer.header("Licence-ServerVersion"), Some(whole.as_str()));
    }
    assert_eq!((text("Version"), text("OSType")), (version.as_str(), "Linux"));
}

#[test]
fn row_09_methods() {
    let node = TestNode::licensed();
    let seat = node.seat("a");
    let connection = node.post("/api/connections", &json!({})).expect(201);
    let connection = connection.header("Location").unwrap().to_owned();
    let licence = format!("/api/licences/{KEY_NO}");
    let looks = "GET, HEAD";
    let one = "GET, HEAD, PUT, DELETE";
    let known = [
        ("/api", looks),
        ("/api/serverinfo", looks),
        ("/api/publickey", looks),
        ("/api/licences", "GET, HEAD, POST"),
        (&licence, looks),
        ("/api/connections", "GET, HEAD, POST"),
        (&connection, one),
        ("/api/sessions", "GET, HEAD, POST, DELETE"),
        (&seat, one),
    ];
    for (path, allowed) in known {
        let whole = node.get(path).expect(200);
        assert_eq!(
            node.get(&format!("{path}/")).expect(200).body,
            whole.body,
            "{path}/"
        );
        for verb in [
            "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "QUERY", "get",
        ] {
            if allowed.split(", ").any(|own| own == verb) {
                continue;
            }
            let answer = node.ask(verb, path).send();
            assert_eq!(answer.refused(501), "EHTTPNotImplemented", "{verb} {path}");
            assert_eq!(answer.header("Allow"), Some(allowed), "{verb} {path}");
            assert_eq!(answer.reason, "Not Implemented");
            assert!(answer.message().contains(verb), "{}", answer.message());
        }
        node.get(&path.replace("api", "Api")).expect(404);
    }
    for path in [
        "/api/x",
        "/API",
        "/api/Licences",
        "/api/licences//",
        "//api",
        "/apix",
        "/",
        "/api/sessions/a/b",
    ] {
        for verb in ["GET", "POST", "DELETE", "PATCH"] {
            let answer = node.ask(verb, path).send();
            assert_eq!(answer.refused(404), "EHTTPNotFound", "{verb} {path}");
            let sentence = format!("(EHTTPNotFound) The requested URL \"{path}\" was not found.");
            assert_eq!(answer.message(), sentence);
        }
    }
}

#[test]
fn row_10_input() {
    let node = TestNode::licensed();
    let fields =
        json!({ "KeyID": "672B", "ClientSessionID": "a", "Colour": ["unknown"], "_": {} }).to_string();
    let post = |body: &[u8]| node.ask("POST", "/api/sessions").body(body).send();
    post(fields.as_bytes()).expect(201);
    let sized = |size: usize| format!("{fields}{}", " ".repeat(size - fields.len()));
    post(sized(64 * 1024 - 1).as_bytes()).expect(200);
    post(sized(64 * 1024).as_bytes()).expect(200);
    let large = post(sized(64 * 1024 + 1).as_bytes());
    assert_eq!(large.refused(400), "EHTTPBadRequest");
    assert!(large.message().contains("65536"), "{}", large.message());
    post(&[b"\xEF\xBB\xBF", fields.as_bytes()].concat()).expect(200);
    for kind in [
        "text/plain",
        "application/json;charset=utf-8",
        "application/xml",
        "nonsense",
    ] {
        let ask = node.ask("POST", "/api/sessions").header("Content-Type", kind);
        ask.body(&fields).send().expect(200);
    }
    for bad in [
        "",
        "{",
        "[]",
        "null",
        "7",
        "{\"KeyID\":\"672B\",}",
        "{'KeyID':'672B'}",
        "{}{}",
    ] {
        assert_eq!(post(bad.as_bytes()).refused(400), "EHTTPBadRequest", "{bad}");
    }
    let wrong = [
        (json!({ "KeyID": 672, "ClientSessionID": "a" }), "KeyID"),
        (json!({ "ClientSessionID": "a" }), "KeyID"),
        (json!({ "KeyID": "672B" }), "ClientSessionID"),
        (
            json!({ "KeyID": "672B", "ClientSessionID": "a", "IsServer": "True" }),
            "IsServer",
        ),
        (
            json!({ "KeyID": "672B", "ClientSessionID": "a", "SessionStarted": "soon" }),
            "SessionStarted",
        ),
    ];
    for (body, field) in wrong {
        let answer = post(body.to_string().as_bytes()).expect(400);
        assert!(
            answer.message().contains(&format!(") {field}")),
            "{}",
            answer.message()
        );
    }
}

#[test]
fn row_11_api_switched_off() {
    let mut node = TestNode::licensed();
    node.reload(|settings| settings.api.enabled = false);
    let asks = || {
        [
            node.ask("GET", "/api"),
            node.ask("GET", "/api/licences"),
            node.ask("GET", "/api/nothing"),
            node.ask("PATCH", "/api"),
            node.ask("GET", "/api").anonymous(),
            node.ask("GET", "/api").login("admin", "wrong"),
            node.ask("POST", "/api/sessions").body("{"),
            node.ask("GET", "/api").header("Licence-QueryID", ""),
        ]
    };
    for ask in asks() {
        let answer = ask.send();
        assert_eq!(answer.refused(503), "EHTTPServiceUnavailable");
        assert_eq!(answer.reason, "Service Unavailable");
    }
    node.ask("GET", "/api").query_id("7").send().expect(503);
    node.reload(|settings| settings.api.enabled = true);
    assert_eq!(node.licence(KEY_NO)["KeyID"], keys::licence().key_id.as_str());
}
