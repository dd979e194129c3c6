//! The centre stands in the internet: whatever comes in, it answers in order, and goes on.

use std::io::Write;
use std::time::Duration;

use keynode::activation::MAX_REQUEST;
use keynode::activation::centre::http::FailureRules;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::client::{Call, connect, exchange};
use super::served::{Asking, ITN, Served};

/// A centre that refuses nobody for having failed.
fn patient() -> Served {
    let failures = FailureRules {
        per_code: u32::MAX,
        per_address: u32::MAX,
    };
    Served::with(failures, &[], None)
}

#[test]
fn bodies_that_are_no_requests_are_refused_as_such() {
    let (centre, node) = (patient(), Asking::new("one"));
    let sealed = node.seal(&node.activate(&centre.code(), ITN));
    let nested = "[".repeat(MAX_REQUEST - 1);
    let cases: [&[u8]; 8] = [
        b"",
        b"null",
        b"{}",
        b"\xff\xfe\0",
        &sealed.as_bytes()[..sealed.len() / 2],
        nested.as_bytes(),
        br#"{"payload":"","protected":"","signature":""}"#,
        br#"{"payload":1,"protected":[],"signature":{}}"#,
    ];
    for target in ["/v1/activations", "/v1/renewals", "/v1/returns"] {
        for body in cases {
            assert_eq!(centre.post(target, body).refused(400), "EActivationRequest");
        }
    }
    let large = centre
        .post("/v1/activations", vec![b' '; MAX_REQUEST + 1])
        .expect(400);
    assert!(large.text().contains("65536"), "{}", large.text());
    centre.post("/v1/activations", sealed).expect(201);
}

#[test]
fn random_bodies_never_stop_it() {
    let (centre, node) = (patient(), Asking::new("one"));
    let sealed = node.seal(&node.activate(&centre.code(), ITN));
    let config = Config {
        cases: 64,
        failure_persistence: None,
        ..Config::default()
    };
    let changed = (any::<prop::sample::Index>(), any::<u8>());
    TestRunner::new(config)
        .run(&changed, |(place, byte)| {
            let mut bytes = sealed.clone().into_bytes();
            let place = place.index(bytes.len());
            prop_assume!(bytes[place] != byte);
            bytes[place] = byte;
            let status = centre.post("/v1/activations", bytes).status;
            // Blanks, and bits that base64 does not use, may change without harm; everything else is refused.
            prop_assert!([200, 201, 400].contains(&status), "{}", status);
            Ok(())
        })
        .unwrap();
    assert_eq!(centre.get("/health").status, 200);
}

#[test]
fn heads_that_are_no_http_end_the_connection_and_nothing_else() {
    let centre = patient();
    for head in [
        &b"\0\0\0\0\r\n\r\n"[..],
        b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
        b"POST /v1/activations HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n",
        b"GET \xff\xfe HTTP/1.1\r\n\r\n",
    ] {
        if let Some(reply) = exchange(connect(centre.address), head) {
            assert_eq!(reply.status, 400, "{head:?}");
        }
    }
    let endless = [b"GET / HTTP/1.1\r\nX: ".to_vec(), vec![b'a'; 1024 * 1024]].concat();
    if let Some(reply) = exchange(connect(centre.address), &endless) {
        assert!((400..500).contains(&reply.status), "{reply:?}");
    }
    // A body that is announced and does not come is not waited for by others.
    let mut silent = connect(centre.address);
    silent
        .write_all(b"POST /v1/activations HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
        .unwrap();
    silent.set_read_timeout(Some(Duration::from_millis(1))).unwrap();
    assert_eq!(centre.get("/health").status, 200);
}

#[test]
fn strange_addresses_and_headers_are_answered_in_order() {
    let centre = patient();
    for target in [
        "/..%2f..%2fetc/passwd",
        "/v1/vendor/../../health",
        "/%00",
        "/%ff%fe",
        "//",
        "/v1/vendor/keys/99999999999999999999",
    ] {
        let status = centre.get(target).status;
        assert!([400, 401, 404].contains(&status), "{target} {status}");
    }
    for (name, value) in [
        ("If-None-Match", "\"\u{fffd}\""),
        ("X-Forwarded-For", ",,,,::::,[,]"),
        ("Accept-Language", ";;;q=,,ru;q=NaN,en;q=1e999"),
        ("Authorization", "Bearer"),
        ("Range", "bytes=0-"),
    ] {
        for target in ["/", "/v1/revocations", "/v1/vendor/products"] {
            let status = Call::new("GET", target)
                .header(name, value)
                .send(centre.address)
                .status;
            assert!([200, 401].contains(&status), "{target} {name} {status}");
        }
    }
}

#[test]
fn every_answer_has_the_headers_that_protect_browsers() {
    let centre = patient();
    for target in [
        "/",
        "/health",
        "/v1/revocations",
        "/v1/vendor/products",
        "/nothing",
    ] {
        let reply = centre.get(target);
        assert_eq!(
            reply.header("x-content-type-options"),
            Some("nosniff"),
            "{target}"
        );
        assert_eq!(reply.header("x-frame-options"), Some("DENY"), "{target}");
        assert_eq!(reply.header("referrer-policy"), Some("no-referrer"), "{target}");
        let policy = reply.header("content-security-policy").unwrap();
        assert!(policy.starts_with("default-src 'none'") && policy.contains("frame-ancestors 'none'"));
        assert_eq!(reply.header("strict-transport-security"), None, "{target}");
    }
}
