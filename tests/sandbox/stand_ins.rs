//! The stand-ins' server: where it listens, and what it says when it is told to.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use keynode::sandbox::{Canned, Sandbox};
use serde_json::json;

use crate::world::{ACCOUNT, sandbox};

/// Everything that comes back for a request, until the connection is closed.
fn ask(address: SocketAddr, path: &str, body: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(body.as_bytes()).unwrap();
    let mut answer = Vec::new();
    // A connection that is cut may be reset.
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8(answer).unwrap()
}

fn address(sandbox: &Sandbox) -> SocketAddr {
    sandbox.url().strip_prefix("http://").unwrap().parse().unwrap()
}

/// A request that makes a ticket, and one that uses it up.
fn get_ticket() -> String {
    json!({ "login": ACCOUNT.0, "password": ACCOUNT.1, "serviceNick": "x" }).to_string()
}

#[test]
fn it_listens_on_loopback_only() {
    let directory = tempfile::tempdir().unwrap();
    let sandbox = sandbox(directory.path());
    let own = address(&sandbox);
    assert_eq!(own.ip().to_string(), "127.0.0.1");
    TcpStream::connect(own).unwrap();
    // What listened on all addresses would answer on this one too.
    TcpStream::connect(("127.0.0.2", own.port())).unwrap_err();
    drop(sandbox);
    TcpStream::connect(own).unwrap_err();
}

#[test]
fn it_remembers_what_it_was_asked() {
    let directory = tempfile::tempdir().unwrap();
    let sandbox = sandbox(directory.path());
    ask(address(&sandbox), "/some/where?a=1&b=%D0%98", "{\"c\":2}");
    ask(address(&sandbox), "/other", "no JSON");
    let asked = sandbox.asked("/some");
    let [one] = &asked[..] else { panic!("{asked:?}") };
    assert_eq!((one.method.as_str(), one.path.as_str()), ("POST", "/some/where"));
    assert_eq!(one.parameter("b").as_deref(), Some("И"));
    assert_eq!((one.header("host"), one.json()), (Some("x"), json!({ "c": 2 })));
    assert_eq!(sandbox.asked("/other")[0].json(), serde_json::Value::Null);
    assert_eq!(sandbox.asked("/").len(), 2);
}

#[test]
fn answers_are_put_into_its_mouth_one_after_the_other_by_path() {
    let directory = tempfile::tempdir().unwrap();
    let sandbox = sandbox(directory.path());
    let path = "/rest/public/ticket/get";
    for status in [429, 503] {
        let body = b"nonsense".to_vec();
        sandbox.say_next(
            path,
            Canned {
                status,
                body,
                ..Canned::default()
            },
        );
    }
    sandbox.say_next(
        "/other",
        Canned {
            status: 418,
            ..Canned::default()
        },
    );
    let asked = |path| ask(address(&sandbox), path, &get_ticket());
    assert!(asked(path).starts_with("HTTP/1.1 429 ") && asked(path).ends_with("nonsense"));
    assert!(asked(path).contains("\"ticket\""), "it is itself again");
    assert!(asked("/other/way").starts_with("HTTP/1.1 418 "));
}

#[test]
fn a_connection_is_cut_without_a_word() {
    let directory = tempfile::tempdir().unwrap();
    let sandbox = sandbox(directory.path());
    sandbox.say_next("/", Canned::default());
    assert_eq!(
        ask(address(&sandbox), "/rest/public/ticket/get", &get_ticket()),
        ""
    );
    assert!(ask(address(&sandbox), "/rest/public/ticket/get", &get_ticket()).contains("\"ticket\""));
}

#[test]
fn what_it_was_asked_may_be_done_though_its_answer_is_lost() {
    let directory = tempfile::tempdir().unwrap();
    let sandbox = sandbox(directory.path());
    let (get, check) = ("/rest/public/ticket/get", "/rest/public/ticket/check");
    let ticket = || {
        let answer = ask(address(&sandbox), get, &get_ticket());
        let body = answer.split("\r\n\r\n").nth(1).unwrap();
        let body: serde_json::Value = serde_json::from_str(body).unwrap();
        json!({ "ticket": body["ticket"], "serviceNick": "x" }).to_string()
    };
    for done in [false, true] {
        let ticket = ticket();
        let after_doing = done;
        sandbox.say_next(
            check,
            Canned {
                after_doing,
                ..Canned::default()
            },
        );
        assert_eq!(ask(address(&sandbox), check, &ticket), "");
        // A ticket is good once.
        let again = ask(address(&sandbox), check, &ticket);
        assert_eq!(again.starts_with("HTTP/1.1 200 "), !done, "{again}");
    }
}

#[test]
fn it_can_be_late_with_its_own_answer() {
    let directory = tempfile::tempdir().unwrap();
    let sandbox = sandbox(directory.path());
    let delay = Duration::from_millis(200);
    sandbox.say_next(
        "/",
        Canned {
            delay,
            only_late: true,
            ..Canned::default()
        },
    );
    let begun = Instant::now();
    assert!(ask(address(&sandbox), "/rest/public/ticket/get", &get_ticket()).contains("\"ticket\""));
    assert!(begun.elapsed() >= delay);
}
