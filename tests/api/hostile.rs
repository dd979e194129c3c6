//! Hostile input: a clear error or a closed connection, and the others are served on.

use crate::common::http::basic;
use crate::common::{Answer, TestNode, Wire};
use serde_json::{Value, json};
use std::time::Duration;

/// A node under attack, and a client that has nothing to do with it.
struct Siege {
    node: TestNode,
    bystander: Wire,
}

impl Siege {
    fn new() -> Self {
        let node = TestNode::with(|settings| settings.api.body_timeout = Duration::from_millis(300));
        node.put(&crate::common::keys::licence());
        let bystander = Wire::connect(node.address());
        Self { node, bystander }
    }

    /// What came back of bytes on a connection of their own; the bystander is served meanwhile and after.
    fn attack(&mut self, bytes: &[u8], half_close: bool) -> Option<Answer> {
        let mut wire = Wire::connect(self.node.address());
        wire.send(bytes);
        self.node.ask("GET", "/api").over(&mut self.bystander).expect(200);
        if half_close {
            wire.finish();
        }
        let answer = wire.answer(false);
        self.node.ask("GET", "/api").over(&mut self.bystander).expect(200);
        answer
    }

    #[track_caller]
    fn refused(&mut self, bytes: &[u8], half_close: bool) {
        if let Some(answer) = self.attack(bytes, half_close) {
            assert!((400..=431).contains(&answer.status), "{answer:?}");
        }
    }

    fn head(&self, request: &str, headers: &str) -> String {
        let login = basic("admin", "admin");
        let address = self.node.address();
        format!("{request} HTTP/1.1\r\nHost: {address}\r\nAuthorization: {login}\r\n{headers}\r\n")
    }

    fn post(&self, body: impl AsRef<[u8]>) -> Answer {
        self.node.ask("POST", "/api/sessions").body(body).send()
    }
}

#[test]
fn wrong_types_for_every_field() {
    let siege = Siege::new();
    let session = [
        "KeyID",
        "ClientSessionID",
        "AppName",
        "UserName",
        "ComputerName",
        "SessionStarted",
        "SessionNumber",
        "InfoBaseConnectionStr",
        "AccessCode",
        "SessionConnection",
        "IsServer",
    ];
    let connection = [
        "OSVersion",
        "ComputerName",
        "LocalIP",
        "Process",
        "CPU",
        "PID",
        "PlatformVersion",
        "ModuleName",
        "Version",
        "KeyID",
        "IsServer",
    ];
    let wrong = [
        json!(7),
        json!(-1),
        json!(1.5e300),
        json!([]),
        json!({ "a": 1 }),
        json!(true),
        json!("text"),
    ];
    for (path, fields) in [("/api/sessions", session), ("/api/connections", connection)] {
        for field in fields {
            for value in &wrong {
                let fits = match field {
                    "IsServer" => value.is_boolean(),
                    "SessionStarted" | "SessionConnection" => false,
                    _ => value.is_string(),
                };
                let mut body = json!({ "KeyID": "672B", "ClientSessionID": "a" });
                body[field] = value.clone();
                let answer = siege.node.post(path, &body);
                if fits {
                    assert!(
                        [200, 201, 403, 404].contains(&answer.status),
                        "{body}: {}",
                        answer.text()
                    );
                } else {
                    assert_eq!(answer.refused(400), "EHTTPBadRequest", "{body}");
                    assert!(
                        answer.message().contains(&format!(") {field}: ")),
                        "{}",
                        answer.message()
                    );
                }
            }
        }
    }
}

#[test]
fn long_texts_and_odd_ones() {
    let siege = Siege::new();
    let fields = |name: &str, value: Value| {
        let mut body = json!({ "KeyID": "672B", "ClientSessionID": "a" });
        body[name] = value;
        body.to_string()
    };
    for (name, longest) in [
        ("AppName", 1024),
        ("InfoBaseConnectionStr", 4096),
        ("AccessCode", 128),
    ] {
        assert!(
            siege.post(fields(name, json!("ж".repeat(longest)))).status < 300,
            "{name}"
        );
        let long = siege
            .post(fields(name, json!("ж".repeat(longest + 1))))
            .expect(400);
        assert!(long.message().contains(name), "{}", long.message());
    }
    siege
        .node
        .delete("/api/sessions?KeyID=672B&ClientSessionID=a")
        .expect(200);
    // What is a text is kept as it is, control characters and all, and never gets into a header.
    let odd = "\u{0}\r\nLicence-Signature: x\r\n\u{7f}\u{202e}\u{1f600}\"\\</script>";
    let taken = siege.post(fields("UserName", json!(odd))).expect(201);
    let session = siege.node.get(taken.header("Location").unwrap()).expect(200);
    assert_eq!(session.json()["UserName"], odd);
    let client = json!({ "KeyID": "672B", "ClientSessionID": odd }).to_string();
    siege.post(&client).expect(201);
    siege.post(&client).expect(200);
    // Of one name twice the last counts.
    let twice = r#"{"KeyID":"0000","ClientSessionID":"x","ClientSessionID":"twice","KeyID":"672B"}"#;
    siege.post(twice).expect(201);
    siege
        .node
        .delete("/api/sessions?KeyID=672B&ClientSessionID=twice")
        .expect(200);
}

#[test]
fn bodies_that_are_no_json() {
    let siege = Siege::new();
    let nested = |open: &str, depth: usize| format!("{{\"KeyID\":{}", open.repeat(depth));
    for body in [
        nested("[", 30_000),
        nested("{\"a\":", 10_000),
        format!("{{\"x\":{}{}}}", "[".repeat(20_000), "]".repeat(20_000)),
        "{\"KeyID\":1e999}".to_owned(),
        "{\"KeyID\":-}".to_owned(),
        "{\"KeyID\":\"\\ud800\"}".to_owned(),
        "{\"KeyID\":\"672B\"\u{0}}".to_owned(),
        "NaN".to_owned(),
        "\u{feff}\u{feff}{}".to_owned(),
    ] {
        let start: String = body.chars().take(40).collect();
        assert_eq!(siege.post(&body).refused(400), "EHTTPBadRequest", "{start}");
    }
    for body in [
        &b"{\"KeyID\":\"\xff\"}"[..],
        b"\xff\xfe{\0}\0",
        b"\x80",
        b"{\"ClientSessionID\":\"\xed\xa0\x80\"}",
    ] {
        assert!(siege.post(body).expect(400).message().contains("UTF-8"));
    }
    // Numbers without end are numbers all the same: of the wrong type.
    let huge = format!("{{\"KeyID\":{}}}", "9".repeat(5_000));
    assert_eq!(siege.post(huge).refused(400), "EHTTPBadRequest");
}

#[test]
fn large_and_slow_bodies() {
    let mut siege = Siege::new();
    let large = vec![b' '; 10 * 1024 * 1024];
    let answer = siege.post(&large);
    assert_eq!(answer.refused(400), "EHTTPBadRequest");
    assert!(answer.message().contains("65536"), "{}", answer.message());
    let endless = siege.head("POST /api/sessions", "Content-Length: 99999999999\r\n");
    let endless = [endless.as_bytes(), &large, &large].concat();
    siege.refused(&endless, false);
    let fields = r#"{"KeyID":"672B","ClientSessionID":"chunked"}"#;
    let (first, second) = fields.split_at(20);
    let chunked = siege.head("POST /api/sessions", "Transfer-Encoding: chunked\r\n");
    let whole = format!(
        "{chunked}{:x}\r\n{first}\r\n{:X};extension=1\r\n{second}\r\n0\r\n\r\n",
        first.len(),
        second.len()
    );
    assert_eq!(siege.attack(whole.as_bytes(), false).unwrap().status, 201);
    for bad in [
        "zz\r\n",
        "-1\r\n",
        "fffffffffffffffff\r\n",
        "5\r\nabcdefgh\r\n0\r\n\r\n",
    ] {
        siege.refused(format!("{chunked}{bad}").as_bytes(), true);
    }
    let many = format!("{chunked}{}0\r\n\r\n", "1\r\n \r\n".repeat(70_000));
    assert_eq!(
        siege.attack(many.as_bytes(), false).unwrap().refused(400),
        "EHTTPBadRequest"
    );
    let begun = siege.head("POST /api/sessions", "Content-Length: 100\r\n") + "{\"KeyID\"";
    let slow = siege.attack(begun.as_bytes(), false).unwrap();
    assert!(slow.message().contains("in time"), "{}", slow.message());
    siege.refused(begun.as_bytes(), true);
}

#[test]
fn heads_that_are_no_heads() {
    let mut siege = Siege::new();
    let with = |siege: &Siege, headers: &str| siege.head("GET /api", headers).into_bytes();
    let huge = with(&siege, &format!("X: {}\r\n", "x".repeat(300_000)));
    let many = with(&siege, &"X: y\r\n".repeat(5_000));
    let both = with(&siege, "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n");
    let lengths = with(&siege, "Content-Length: 3\r\nContent-Length: 4\r\n");
    let signed = with(&siege, "Content-Length: +3\r\n");
    let negative = with(&siege, "Content-Length: -3\r\n");
    let folded = with(&siege, "X: a\r\n b\r\n");
    let nameless = with(&siege, ": a\r\n");
    let spaced = with(&siege, "X : a\r\n");
    let zero = with(&siege, "X: a\0b\r\n");
    for (what, bytes) in [
        ("huge", huge),
        ("many", many),
        ("both", both),
        ("lengths", lengths),
        ("signed", signed),
        ("negative", negative),
        ("folded", folded),
        ("nameless", nameless),
        ("spaced", spaced),
        ("zero", zero),
        (
            "line",
            format!("GET /{} HTTP/1.1\r\n\r\n", "x".repeat(300_000)).into_bytes(),
        ),
        ("bytes", (0..=255).cycle().take(5_000).collect()),
        ("tls", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".repeat(200)),
        ("http 2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec()),
        ("version", b"GET /api HTTP/9.9\r\n\r\n".to_vec()),
        ("nothing", b"\r\n\r\n\r\n".to_vec()),
    ] {
        let answer = siege.attack(&bytes, true);
        let status = answer.map(|answer| answer.status);
        let expected = if what == "nothing" { None } else { Some(400) };
        let too_large = status == Some(431) && ["huge", "many", "line"].contains(&what);
        assert!(status == expected || too_large, "{what}: {status:?}");
    }
}

#[test]
fn paths() {
    let mut siege = Siege::new();
    let secret = std::fs::read_to_string(siege.node.settings.state_dir.join("signing.key")).unwrap();
    for (path, expected) in [
        ("/api/%73essions", 200),
        ("/api/licences/%37131766", 200),
        ("/%61pi", 404),
        ("/api%2Fsessions", 404),
        ("/api/licences%2F7131766", 404),
        ("/api/licences/7131766%2F", 400),
        ("/api/licences/7131766%00", 400),
        ("//", 404),
        ("//api", 404),
        ("/api//", 404),
        ("/api//sessions", 404),
        ("/api/sessions//", 404),
        ("/api/./sessions", 404),
        ("/api/../api", 404),
        ("/api/sessions/..", 404),
        ("/api/../../../../etc/passwd", 404),
        ("/api/%2e%2e/%2e%2e/etc/passwd", 404),
        ("/api/licences/..%2f..%2fsigning.key", 400),
        ("/api/licences/%ff%fe", 400),
        ("/api/sessions/%ff", 404),
        ("/api/%", 404),
        ("/api/sessions;x=1", 404),
        ("/api/sessions\\", 404),
        ("/api/sessions?%", 400),
        ("/api/sessions?a=b?c=d", 400),
        ("/api?_pretty", 200),
        ("*", 404),
        ("/api/<script>\"'", 404),
    ] {
        let head = siege.head(&format!("GET {path}"), "");
        let answer = siege.attack(head.as_bytes(), false);
        let answer = answer.unwrap();
        // A target that HTTP itself does not know is refused before the API sees it.
        let early = answer.status == 400 && answer.body.is_empty();
        assert!(answer.status == expected || early, "{path}: {answer:?}");
        assert!(!String::from_utf8_lossy(&answer.body).contains(&secret));
        if !early {
            answer.json();
        }
    }
    let raw = [siege.head("GET /api/\u{44f}", "").as_bytes(), b""].concat();
    siege.refused(&raw, false);
    siege.refused(b"GET /api/\xff\xfe HTTP/1.1\r\nHost: localhost\r\n\r\n", false);
    let long = siege.head(&format!("GET /api/sessions?_x={}", "x".repeat(20_000)), "");
    assert_eq!(siege.attack(long.as_bytes(), false).unwrap().status, 200);
}

#[test]
fn requests_inside_of_others() {
    let siege = Siege::new();
    let mut wire = Wire::connect(siege.node.address());
    let inner = siege.head("DELETE /api/sessions?KeyID=672B&ClientSessionID=a", "");
    siege.node.seat("a");
    // A body is a body, whatever it looks like, also where nobody wants one.
    for verb in ["GET", "POST", "PUT", "DELETE"] {
        siege
            .node
            .ask(verb, "/api/nothing")
            .body(&inner)
            .over(&mut wire)
            .expect(404);
    }
    siege
        .node
        .ask("GET", "/api")
        .body(&inner)
        .over(&mut wire)
        .expect(200);
    siege
        .node
        .ask("HEAD", "/api")
        .body(&inner)
        .over(&mut wire)
        .expect(200);
    assert_eq!(
        siege
            .node
            .ask("GET", "/api/sessions")
            .over(&mut wire)
            .rows()
            .len(),
        1
    );
    // Nor is the rest of a body that came too late a request.
    let begun = siege.head(
        "POST /api/sessions",
        &format!("Content-Length: {}\r\n", inner.len()),
    );
    let mut wire = Wire::connect(siege.node.address());
    wire.send(&begun);
    assert_eq!(wire.answer(false).unwrap().refused(400), "EHTTPBadRequest");
    wire.send(&inner);
    wire.finish();
    assert!(wire.answer(false).is_none());
    assert_eq!(siege.node.get("/api/sessions").rows().len(), 1);
}
