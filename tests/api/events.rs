//! GET /events on the second listener: what happens is told, in its order, to who may hear it, and to who comes back.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use keynode::licence::DAY;
use keynode::store::{Role, Users};
use serde_json::Value;

use crate::common::TestNode;
use crate::common::keys::{KEY_NO, licence};
use crate::common::node::author;
use crate::common::plug::loaded;

/// Nothing takes longer.
const PATIENCE: Duration = Duration::from_secs(20);

/// A stream that is open.
struct Listening(BufReader<Pieces>);

/// A body that comes in pieces, each after a line with its length.
struct Pieces {
    wire: BufReader<TcpStream>,
    left: u64,
}

impl Read for Pieces {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        if self.left == 0 {
            let mut length = line(&mut self.wire);
            if length.is_empty() {
                // The end of the piece before.
                length = line(&mut self.wire);
            }
            self.left = u64::from_str_radix(&length, 16).unwrap_or_default();
        }
        let read = (&mut self.wire).take(self.left).read(out)?;
        self.left -= read as u64;
        Ok(read)
    }
}

/// What was told.
#[derive(Debug)]
struct Told {
    id: String,
    kind: String,
    data: Value,
}

/// Sends a request, with these lines in its head.
fn ask(address: SocketAddr, verb: &str, target: &str, head: &str) -> BufReader<TcpStream> {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    write!(stream, "{verb} {target} HTTP/1.0\r\n{head}\r\n").unwrap();
    BufReader::new(stream)
}

fn line(reader: &mut impl BufRead) -> String {
    let mut line = String::new();
    reader.read_line(&mut line).unwrap();
    line.trim_end().to_owned()
}

/// Status and head of an answer.
fn head(reader: &mut BufReader<TcpStream>) -> (u16, String) {
    let status = line(reader).split(' ').nth(1).unwrap().parse().unwrap();
    let mut head = String::new();
    loop {
        match line(reader) {
            end if end.is_empty() => return (status, head.to_lowercase()),
            own => head.extend([own, "\n".to_owned()]),
        }
    }
}

impl Listening {
    fn open(node: &TestNode, query: &str, more: &str) -> Self {
        let mut reader = ask(node.admin_address(), "GET", &format!("/events{query}"), more);
        let (status, head) = head(&mut reader);
        assert_eq!(status, 200, "{head}");
        assert!(head.contains("content-type: text/event-stream\n"), "{head}");
        assert!(head.contains("cache-control: no-store\n"), "{head}");
        let mut reader = BufReader::new(Pieces {
            wire: reader,
            left: 0,
        });
        assert_eq!(line(&mut reader), "retry: 3000");
        assert_eq!(line(&mut reader), ": keynode");
        assert_eq!(line(&mut reader), "");
        Self(reader)
    }

    fn next(&mut self) -> Told {
        let mut told = Told {
            id: String::new(),
            kind: String::new(),
            data: Value::Null,
        };
        loop {
            let line = line(&mut self.0);
            match line.split_once(": ") {
                Some(("id", id)) => told.id = id.into(),
                Some(("event", kind)) => told.kind = kind.into(),
                Some(("data", data)) => told.data = serde_json::from_str(data).unwrap(),
                _ if line.is_empty() && !told.kind.is_empty() => return told,
                _ => {}
            }
        }
    }

    /// The next one of a kind.
    fn next_of(&mut self, kind: &str) -> Told {
        loop {
            let told = self.next();
            if told.kind == kind {
                return told;
            }
        }
    }
}

fn login(user: &str, password: &str) -> String {
    let both = STANDARD.encode(format!("{user}:{password}"));
    format!("Authorization: Basic {both}\r\n")
}

#[test]
fn all_that_happens_is_told_with_the_names_of_the_api() {
    let node = TestNode::start();
    let mut events = Listening::open(&node, "", "");
    let path = node.put(&licence());
    let came = events.next();
    assert_eq!((came.kind.as_str(), &came.data["What"]), ("key", &"came".into()));
    assert_eq!(came.data["KeyNo"], KEY_NO);
    let verdict = events.next();
    assert_eq!(
        (verdict.kind.as_str(), &verdict.data["Enabled"]),
        ("verdict", &true.into())
    );
    let session = node.seat("till 1");
    let granted = events.next();
    assert_eq!(
        (granted.kind.as_str(), &granted.data["What"]),
        ("session", &"granted".into())
    );
    assert_eq!(granted.data["ClientSessionID"], "till 1");
    assert_eq!(
        session,
        format!("/api/sessions/{}", granted.data["ID"].as_str().unwrap())
    );
    assert!(granted.id > came.id && granted.data["Time"].as_str().unwrap().ends_with('Z'));
    node.delete(&session).expect(200);
    assert_eq!(events.next().data["What"], "released");
    node.remove(&path);
    assert_eq!(events.next().data["What"], "went");
    node.take("till 2").refused(404);
    let refusal = events.next();
    assert_eq!(
        (refusal.kind.as_str(), &refusal.data["Reason"]),
        ("refusal", &"ELicenceNotFound".into())
    );
    node.plug(vec![loaded("A1", &licence())]);
    let plugged = events.next();
    assert_eq!(
        (plugged.kind.as_str(), &plugged.data["What"]),
        ("device", &"plugged".into())
    );
    let device = &plugged.data["Device"];
    let shown = node
        .get(&format!("/api/devices/{}", device["ID"].as_str().unwrap()))
        .json();
    assert_eq!(device["SerialNumber"], shown["SerialNumber"]);
    node.plug(vec![]);
    let unplugged = std::iter::repeat_with(|| events.next_of("device"));
    assert!(unplugged.take(3).any(|told| told.data["What"] == "unplugged"));
}

#[test]
fn who_comes_back_gets_what_it_missed_and_only_what_it_wants() {
    let mut node = TestNode::licensed();
    let mut events = Listening::open(&node, "?kinds=session", "");
    for client in ["a", "b", "c"] {
        node.seat(client);
    }
    let first = events.next();
    drop(events);
    for (query, head) in [
        (format!("?kinds=session&after={}", first.id), String::new()),
        (
            "?kinds=key,session".to_owned(),
            format!("Last-Event-ID: {}\r\n", first.id),
        ),
    ] {
        let mut again = Listening::open(&node, &query, &head);
        let missed = [again.next(), again.next()].map(|told| told.data["ClientSessionID"].clone());
        assert_eq!(missed, ["b", "c"]);
    }
    node.restart(1_000);
    let mut again = Listening::open(
        &node,
        "?kinds=session",
        &format!("Last-Event-ID: {}\r\n", first.id),
    );
    node.seat("d");
    let (lost, next) = (again.next(), again.next());
    assert_eq!(
        (lost.kind.as_str(), &lost.data["Lost"]),
        ("lost", &Value::Null),
        "nobody knows how much"
    );
    assert_eq!(next.data["ClientSessionID"], "d");
    assert!(next.id > first.id, "numbers go on");
    drop(again);
    // Also where the clock was set back, as on a computer that forgets the time.
    node.set_wall(node.now().plus(-DAY));
    node.restart(0);
    let mut later = Listening::open(&node, "?kinds=session", "");
    node.seat("e");
    assert!(later.next().id > next.id, "numbers never fall");
}

#[test]
fn what_is_only_looked_at_takes_no_other_verbs() {
    let node = TestNode::start();
    for path in ["/events", "/metrics", "/health", "/ready"] {
        for verb in ["GET", "HEAD"] {
            let answer = head(&mut ask(node.admin_address(), verb, path, ""));
            assert_eq!(answer.0, 200, "{verb} {path}");
        }
        for verb in ["POST", "DELETE"] {
            let (status, head) = head(&mut ask(
                node.admin_address(),
                verb,
                path,
                "Content-Length: 0\r\n",
            ));
            assert!(
                status == 405 && head.contains("allow: get, head\n"),
                "{verb} {path}: {head}"
            );
        }
    }
}

#[test]
fn only_who_may_hears_and_only_what_there_is() {
    let node = TestNode::start();
    for (user, role) in [("till", Role::Client), ("watch", Role::Monitor)] {
        node.add_user(user, role, "a password");
    }
    let of = |verb: &str, target: &str, more: &str| head(&mut ask(node.admin_address(), verb, target, more));
    assert_eq!(of("GET", "/events", &login("admin", "wrong")).0, 401);
    assert_eq!(of("GET", "/events", &login("till", "a password")).0, 403);
    assert_eq!(of("GET", "/events", "Host: evil.example\r\n").0, 403);
    assert_eq!(of("GET", "/events?kinds=nonsense", "").0, 400);
    assert_eq!(of("GET", "/events?after=nonsense", "").0, 400);
    let (status, head) = of("POST", "/events", "Content-Length: 0\r\n");
    assert!(
        status == 405 && head.contains("allow: get, head\n"),
        "{status} {head}"
    );
    let (status, head) = of("HEAD", "/events", "");
    assert!(
        status == 200 && head.contains("text/event-stream"),
        "{status} {head}"
    );
    Listening::open(&node, "", &login("watch", "a password"));
}

#[test]
fn a_node_that_stops_ends_its_streams_at_once() {
    let node = TestNode::start();
    let mut streams: Vec<_> = (0..4).map(|_| Listening::open(&node, "", "")).collect();
    let began = Instant::now();
    drop(node);
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    for stream in &mut streams {
        let mut rest = Vec::new();
        // Whether the end is in order or the connection is cut: it does not go on.
        let _ = stream.0.read_to_end(&mut rest);
    }
}

#[test]
fn streams_have_a_limit_and_those_that_end_make_room() {
    let node = TestNode::start();
    let streams: Vec<_> = (0..256)
        .map(|_| Listening::open(&node, "?kinds=gateway", ""))
        .collect();
    let status = || head(&mut ask(node.admin_address(), "GET", "/events", "")).0;
    assert_eq!(status(), 503);
    for stream in streams {
        // The connection is cut: one that is only closed is seen to be gone at the next comment.
        let socket = stream.0.into_inner().wire.into_inner();
        rustix::net::sockopt::set_socket_linger(&socket, Some(Duration::ZERO)).unwrap();
    }
    let deadline = Instant::now() + PATIENCE;
    while status() != 200 {
        assert!(Instant::now() < deadline, "no room was made");
        std::thread::yield_now();
    }
}

#[test]
fn who_may_hear_no_more_hears_no_more() {
    let node = TestNode::start();
    node.add_user("watch", Role::Monitor, "a password");
    let mut events = Listening::open(&node, "", &login("watch", "a password"));
    node.take("till 1").refused(404);
    assert_eq!(events.next().kind, "refusal");
    Users::open(&node.database())
        .unwrap()
        .set_password("watch", "another password", &author())
        .unwrap();
    node.advance(60_000);
    node.take("till 1").refused(404);
    let mut rest = String::new();
    events.0.read_to_string(&mut rest).unwrap();
    assert!(!rest.contains("refusal"), "{rest}");
}
