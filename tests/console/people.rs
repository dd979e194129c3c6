//! Who may come in, and what they see.

use crate::browser::run;
use crate::common::TestNode;
use crate::stage::{act, plain};

fn with(node: &TestNode, script: &str) {
    run(script, node.admin_address(), |what, value| act(node, what, value));
}

#[test]
fn a_login_is_refused_granted_and_ended() {
    with(&plain(), "login.mjs");
}

#[test]
fn the_initial_password_is_changed_before_anything_else() {
    with(&TestNode::licensed(), "initial.mjs");
}

#[test]
fn a_monitor_looks_and_has_no_buttons() {
    with(&plain(), "monitor.mjs");
}

#[test]
fn the_language_is_the_browsers_until_it_is_switched() {
    with(&plain(), "languages.mjs");
}

#[test]
fn keys_alone_are_enough() {
    with(&plain(), "keyboard.mjs");
}

#[test]
fn without_javascript_pages_are_read_and_a_seat_is_released() {
    with(&plain(), "plain.mjs");
}
