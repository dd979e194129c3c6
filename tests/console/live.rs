//! Pages that change by themselves, and what is done on them.

use serde_json::Value;

use crate::browser::run;
use crate::outage::Way;
use crate::stage::{act, plain};

fn on_a_plain_node(script: &str) {
    let node = plain();
    run(script, node.admin_address(), |what, value| {
        act(&node, what, value)
    });
}

#[test]
fn a_dongle_is_seen_to_come_and_go() {
    on_a_plain_node("dongle.mjs");
}

#[test]
fn seats_are_seen_to_come_and_go_in_two_consoles_at_once() {
    on_a_plain_node("seats.mjs");
}

#[test]
fn a_seat_is_released_after_a_question() {
    on_a_plain_node("release.mjs");
}

#[test]
fn what_a_client_calls_itself_stays_text() {
    on_a_plain_node("hostile.mjs");
}

#[test]
fn more_tabs_than_connections_all_answer() {
    on_a_plain_node("tabs.mjs");
}

#[test]
fn a_page_says_that_the_node_is_away_and_finds_it_again() {
    let mut node = plain();
    let way = Way::to(node.admin_address());
    run("outage.mjs", way.address, |what, value| {
        match what {
            "cut" => way.cut(),
            "mend" => way.mend(node.admin_address()),
            "restart" => {
                way.cut();
                node.restart(0);
                way.mend(node.admin_address());
            }
            _ => return act(&node, what, value),
        }
        Value::Null
    });
}
