//! Header names on the wire, read from raw sockets: every name exactly as spelled, every body untouched.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod client;
mod listening;
mod server;
mod tls;

use client::{Client, request};
use server::{large, plain};

#[test]
fn single_request() {
    let served = plain();
    let mut client = Client::connect(&served);
    client.send("GET /a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    let answer = client.answer();
    answer.assert_path("/a");
    assert_eq!(answer.value("Connection"), "close");
    client.assert_closed();
}

#[test]
fn keep_alive_sequence() {
    let served = plain();
    let mut client = Client::connect(&served);
    for round in 0..50 {
        let path = format!("/{round}");
        client.send(&request("GET", &path));
        client.answer().assert_path(&path);
    }
}

#[test]
fn pipelined_requests_in_one_write() {
    let served = plain();
    let mut client = Client::connect(&served);
    let paths: Vec<_> = (0..20).map(|number| format!("/{number}")).collect();
    client.send(&paths.iter().map(|path| request("GET", path)).collect::<String>());
    for path in &paths {
        let answer = client.answer();
        answer.assert_path(path);
        assert_eq!(answer.value("Licence-QueryID"), path);
    }
}

#[test]
fn pipelined_posts_with_bodies() {
    let served = plain();
    let mut client = Client::connect(&served);
    let post = |path: &str, body: &str| {
        format!(
            "POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )
    };
    let body = "1\r\n\r\nHEAD /not-a-request HTTP/1.1\r\n\r\n2";
    client.send(
        &[
            post("/later", body),
            request("HEAD", "/h"),
            post("/b", ""),
            post("/c", body),
        ]
        .concat(),
    );
    let first = client.answer();
    assert!(
        first.text().contains("/later") && first.text().contains(body),
        "{}",
        first.text()
    );
    client.head().assert_names();
    client.answer().assert_path("/b");
    assert!(client.answer().text().contains(body));
}

#[test]
fn chunked_request_then_another() {
    let served = plain();
    let mut client = Client::connect(&served);
    client.send("POST /c HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n");
    client.send("5\r\n\r\n\r\nd\r\n0\r\n\r\n");
    let answer = client.answer();
    answer.assert_names();
    assert!(answer.text().contains("abc\r\n\r\nd"), "{}", answer.text());
    client.send(&request("GET", "/d"));
    client.answer().assert_path("/d");
}

#[test]
fn request_split_byte_by_byte() {
    let served = plain();
    let mut client = Client::connect(&served);
    for path in ["/a", "/b"] {
        for byte in request("GET", path).chars() {
            client.send(&byte.to_string());
        }
        client.answer().assert_path(path);
    }
}

#[test]
fn head_then_get() {
    let served = plain();
    let mut client = Client::connect(&served);
    for _ in 0..3 {
        client.send(&request("HEAD", "/h"));
        let head = client.head();
        head.assert_names();
        assert_ne!(head.value("Content-Length"), "0");
        client.send(&request("GET", "/g"));
        client.answer().assert_path("/g");
    }
}

#[test]
fn head_pipelined_with_gets() {
    let served = plain();
    let mixed: [&[&str]; 2] = [
        &["GET", "HEAD", "GET", "HEAD", "HEAD", "GET"],
        &["HEAD", "GET", "GET", "HEAD"],
    ];
    for (path, methods) in [
        ("/g", mixed[0]),
        ("/g", mixed[1]),
        ("/later", mixed[0]),
        ("/later", mixed[1]),
    ] {
        let mut client = Client::connect(&served);
        client.send(
            &methods
                .iter()
                .map(|method| request(method, path))
                .collect::<String>(),
        );
        for method in methods {
            if *method == "HEAD" {
                client.head().assert_names();
            } else {
                client.answer().assert_path(path);
            }
        }
    }
}

#[test]
fn each_pipelined_answer_keeps_its_own_connection_header() {
    let served = plain();
    let mut client = Client::connect(&served);
    let last = "GET /b HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    client.send(&[&request("GET", "/later"), &request("GET", "/a"), last].concat());
    for path in ["/later", "/a"] {
        let answer = client.answer();
        answer.assert_path(path);
        assert!(!answer.names().contains(&"Connection"), "{}", answer.head);
    }
    assert_eq!(client.answer().value("Connection"), "close");
    client.assert_closed();
}

#[test]
fn answers_without_a_body() {
    let served = plain();
    let mut client = Client::connect(&served);
    client.send(
        &[
            request("GET", "/nothing"),
            request("GET", "/unchanged"),
            request("GET", "/g"),
        ]
        .concat(),
    );
    for status in [204, 304] {
        let head = client.head();
        head.assert_names();
        assert_eq!(head.status(), status);
    }
    client.answer().assert_path("/g");
}

#[test]
fn expect_continue() {
    let served = plain();
    let mut client = Client::connect(&served);
    client.send("POST /p HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n");
    assert_eq!(client.head().head, "HTTP/1.1 100 Continue\r\n\r\n");
    client.send("abc");
    let answer = client.answer();
    answer.assert_names();
    assert!(answer.text().contains("abc"));
}

#[test]
fn large_body_is_intact() {
    let served = plain();
    let mut client = Client::connect(&served);
    client.send(&[request("GET", "/large"), request("GET", "/g")].concat());
    let answer = client.answer();
    answer.assert_names();
    assert!(answer.body == large(), "a large body changed on its way");
    client.answer().assert_path("/g");
}

#[test]
fn malformed_request() {
    let served = plain();
    let mut client = Client::connect(&served);
    client.send(&(request("HEAD", "/h") + "nonsense\r\n\r\n"));
    client.head().assert_names();
    let answer = client.answer();
    assert_eq!(answer.status(), 400);
    assert_eq!(answer.names(), ["Content-Length", "Date"]);
    client.assert_closed();
}
