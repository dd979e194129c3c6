//! Who gets the metrics.

use std::fs;
use std::net::SocketAddr;

use keynode::store::{Database, INITIAL_PASSWORD, INITIAL_USER, Role, Users};

use crate::common::http::Ask;
use crate::common::node::author;
use crate::common::{TestNode, Wire};
use crate::page::get;

#[test]
fn on_loopback_nobody_logs_in_but_who_does_must_be_somebody() {
    let node = TestNode::start();
    node.add_user("watch", Role::Monitor, "secret-1");
    node.add_user("client", Role::Client, "secret-2");
    let ask = |login| get(node.admin_address(), "/metrics", login).status;
    assert_eq!(ask(None), 200);
    assert_eq!(ask(Some(("watch", "secret-1"))), 200);
    assert_eq!(ask(Some((INITIAL_USER, INITIAL_PASSWORD))), 200);
    assert_eq!(ask(Some(("watch", "secret-2"))), 401);
    assert_eq!(ask(Some(("client", "secret-2"))), 403);
}

#[test]
fn a_page_of_a_browser_under_another_name_gets_nothing() {
    let node = TestNode::start();
    let ask = Ask::new(node.admin_address(), "GET", "/metrics")
        .anonymous()
        .host("evil.example");
    let mut wire = Wire::connect(node.admin_address());
    wire.send(ask.bytes());
    let answer = wire.answer(false).unwrap().expect(403);
    assert!(!answer.text().contains("keynode_"), "{}", answer.text());
}

#[test]
fn beyond_loopback_only_administrators_and_monitors_get_them() {
    let node = TestNode::with(|settings| {
        settings.admin_listen = SocketAddr::from(([0, 0, 0, 0], 0));
        fs::create_dir_all(&settings.state_dir).unwrap();
        let users = Users::open(&Database::open(&settings.state_dir).unwrap()).unwrap();
        users.ensure_initial().unwrap();
        users
            .set_password(INITIAL_USER, "correct horse", &author())
            .unwrap();
    });
    node.add_user("watch", Role::Monitor, "secret-1");
    node.add_user("client", Role::Client, "secret-2");
    let address = SocketAddr::from(([127, 0, 0, 1], node.admin_address().port()));
    let refused = get(address, "/metrics", None).expect(401);
    assert!(refused.header("WWW-Authenticate").unwrap().starts_with("Basic "));
    assert!(!refused.text().contains("keynode_seats"), "{}", refused.text());
    get(address, "/metrics", Some(("client", "secret-2"))).expect(403);
    get(address, "/metrics", Some(("watch", "secret-1"))).expect(200);
}
