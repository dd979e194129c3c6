//! What stands between a node and its centre: nothing that answers, proxies, TLS.

use std::net::TcpListener;
use std::time::{Duration, Instant};

use keynode::settings::Settings;
use serde_json::json;

use crate::centre::{FakeCentre, Heard, Reply, honest};
use crate::common::{TestNode, Wire};
use crate::first::{files, node, order};
use crate::proxy::Proxy;

/// A node with this centre, and more settings.
fn node_with(url: &str, change: impl FnOnce(&mut Settings)) -> TestNode {
    let url = url.to_owned();
    TestNode::with(|settings| {
        settings.activation.centre = Some(url);
        settings.activation.proxy = Some("none".into());
        change(settings);
    })
}

#[track_caller]
fn unreachable(node: &TestNode, words: &str) {
    let answer = node.post("/api/licences", &order());
    assert_eq!(answer.refused(503), "EActivationCentreUnavailable");
    assert!(answer.message().contains(words), "{}", answer.message());
    assert_eq!(files(node), [""; 0]);
    assert_eq!(node.get("/api/licences").rows().len(), 0);
}

/// An address where nothing listens.
fn nowhere() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}

#[test]
fn a_centre_that_is_not_there_is_told_by_its_failure() {
    unreachable(&node_with(&nowhere(), |_| ()), "refused");
    // A name that no resolver asks anybody for.
    let name = format!("http://{}.invalid", "x".repeat(64));
    unreachable(&node_with(&name, |_| ()), "DNS");
    let plain = FakeCentre::start();
    unreachable(&node_with(&plain.url().replace("http:", "https:"), |_| ()), "TLS");
}

#[test]
fn what_never_left_is_not_repeated() {
    let mut node = node_with(&nowhere(), |_| ());
    unreachable(&node, "refused");
    let centre = FakeCentre::start();
    let url = centre.url();
    node.reload(|settings| settings.activation.centre = Some(url));
    // The revocations come first, and then there is nothing.
    node.advance(3_600_000);
    node.post("/api/licences", &order()).expect(201);
    assert_eq!(centre.heard().len(), 1);
}

#[test]
fn a_centre_that_hangs_holds_nobody_up() {
    let centre = FakeCentre::start();
    centre.script(|heard| match heard.line.as_str() {
        "POST /v1/activations" => Reply::Hang,
        _ => honest(heard),
    });
    let node = node_with(&centre.url(), |settings| {
        settings.activation.timeout = Duration::from_mins(5);
    });
    let mut waiting = Wire::connect(node.address());
    waiting.send(
        node.ask("POST", "/api/licences")
            .body(order().to_string())
            .bytes(),
    );
    centre.wait_for(1);
    assert_eq!(node.get("/api/licences").expect(200).rows().len(), 0);
    let other = json!({ "ActivationCodeString": "0000-0000-0000-0000-0000", "ITN": "1" });
    node.post("/api/licences", &other).expect(400);
    let start = Instant::now();
    drop(node);
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
}

#[test]
fn a_centre_is_waited_for_as_long_as_the_settings_say() {
    let centre = FakeCentre::start();
    centre.script(|_| Reply::Hang);
    let node = node_with(&centre.url(), |settings| {
        settings.activation.timeout = Duration::from_millis(200);
    });
    unreachable(&node, "200ms");
}

#[test]
fn the_settings_name_a_proxy() {
    let proxy = FakeCentre::start();
    let url = proxy.url();
    let node = node_with("http://localhost:1", |settings| {
        settings.activation.proxy = Some(url);
    });
    proxy.script(|heard| {
        let line = heard.line.replace("http://localhost:1", "");
        honest(&Heard {
            line,
            ..heard.clone()
        })
    });
    node.post("/api/licences", &order()).expect(201);
    assert_eq!(proxy.heard()[0].line, "POST http://localhost:1/v1/activations");
}

#[test]
fn a_proxy_that_is_not_there_is_an_unreachable_centre() {
    let centre = FakeCentre::start();
    let proxy = nowhere();
    let node = node_with(&centre.url(), |settings| settings.activation.proxy = Some(proxy));
    unreachable(&node, "refused");
    assert_eq!(centre.heard().len(), 0);
}

#[test]
fn a_centre_with_a_private_ca_is_trusted_where_the_settings_name_that() {
    let dir = tempfile::tempdir().unwrap();
    let (centre, authority) = FakeCentre::start_tls();
    let ca = dir.path().join("ca.pem");
    std::fs::write(&ca, authority).unwrap();
    let url = centre.url();
    unreachable(&node_with(&url, |_| ()), "TLS");
    assert_eq!(centre.heard().len(), 0);
    let trusting = node_with(&url, |settings| settings.activation.ca = Some(ca.clone()));
    trusting.post("/api/licences", &order()).expect(201);
    std::fs::write(&ca, "junk").unwrap();
    unreachable(
        &node_with(&url, |settings| settings.activation.ca = Some(ca.clone())),
        "activation.ca",
    );
    std::fs::remove_file(&ca).unwrap();
    unreachable(
        &node_with(&url, |settings| settings.activation.ca = Some(ca)),
        "activation.ca",
    );
}

#[test]
fn a_proxy_connects_to_a_centre_with_tls() {
    let dir = tempfile::tempdir().unwrap();
    let (centre, authority) = FakeCentre::start_tls();
    let ca = dir.path().join("ca.pem");
    std::fs::write(&ca, authority).unwrap();
    let proxy = Proxy::start();
    let address = format!("http://{}", proxy.address);
    let node = node_with(&centre.url(), |settings| {
        settings.activation.ca = Some(ca);
        settings.activation.proxy = Some(address);
    });
    node.post("/api/licences", &order()).expect(201);
    let asked = proxy.asked.lock().unwrap().clone();
    assert!(
        !asked.is_empty()
            && asked
                .iter()
                .all(|line| *line == format!("CONNECT {} HTTP/1.1", centre.name())),
        "{asked:?}"
    );
}

#[test]
fn requests_of_one_code_at_once_are_one_request() {
    let centre = FakeCentre::start();
    let node = node(&centre);
    let (all_have_asked, wait) = std::sync::mpsc::channel();
    centre.script(move |heard| {
        if heard.line.starts_with("POST") {
            wait.recv().unwrap();
        }
        honest(heard)
    });
    let mut wires: Vec<Wire> = (0..4).map(|_| Wire::connect(node.address())).collect();
    for wire in &mut wires {
        wire.send(
            node.ask("POST", "/api/licences")
                .body(order().to_string())
                .bytes(),
        );
    }
    all_have_asked.send(()).unwrap();
    let answers: Vec<u16> = wires
        .iter_mut()
        .map(|wire| wire.answer(false).unwrap().status)
        .collect();
    assert_eq!(
        answers.iter().filter(|status| **status == 201).count(),
        1,
        "{answers:?}"
    );
    assert_eq!(
        answers.iter().filter(|status| **status == 200).count(),
        3,
        "{answers:?}"
    );
    assert_eq!(centre.heard().len(), 1);
}
