//! GET /api/usage (an extension): the history of use over a day, a week, a year.

use serde_json::{Value, json};

use crate::common::TestNode;

const HOUR: u64 = 3_600_000;

fn rows(node: &TestNode, query: &str) -> Vec<Value> {
    let body = node.get(&format!("/api/usage{query}")).expect(200).json();
    body["Usage"].as_array().unwrap().clone()
}

fn used(rows: &[Value]) -> Vec<i64> {
    rows.iter().map(|row| row["Used"].as_i64().unwrap()).collect()
}

#[test]
fn a_node_without_keys_has_no_history() {
    let node = TestNode::start();
    assert!(rows(&node, "").is_empty());
    assert!(rows(&node, "?Period=year&KeyID=672B").is_empty());
}

#[test]
fn seats_taken_are_told_at_once_and_stay_in_the_history() {
    let node = TestNode::licensed();
    node.seat("till 1");
    let id = node.seat("till 2");
    let now = rows(&node, "");
    let last = now.last().unwrap();
    assert_eq!(
        (&last["KeyID"], &last["Seconds"], &last["Used"], &last["Refused"]),
        (&json!("672B"), &json!(300), &json!(2), &json!(0))
    );
    assert_eq!(last["Time"], "2026-01-15T12:00:00.000Z");
    node.delete(&format!("/api/sessions/{id}")).expect(200);
    node.advance(5 * 60_000);
    assert_eq!(used(&rows(&node, "")), [2, 1]);
    // Nobody renews: the session's life is over long before.
    node.advance(3 * HOUR);
    let day = rows(&node, "?Period=day");
    assert_eq!(used(&day)[..2], [2, 1]);
    assert_eq!(day.len(), 38);
    assert!(used(&day)[3..].iter().all(|used| *used == 0), "{day:?}");
    assert!(day.iter().all(|row| row["Seats"] == day[0]["Seats"]), "{day:?}");
    assert_eq!(used(&rows(&node, "?Period=week")), [2, 0, 0, 0]);
    let year = rows(&node, "?Period=year");
    assert_eq!(used(&year), [2]);
    assert_eq!(year[0]["Seconds"], 86_400);
}

#[test]
fn refusals_are_counted_where_the_series_was_ever_here() {
    let node = TestNode::licensed();
    let seats = rows(&node, "")[0]["Seats"].as_u64().unwrap();
    for client in 0..seats {
        node.seat(&format!("till {client}"));
    }
    for client in 0..3 {
        assert_ne!(node.take(&format!("late {client}")).status, 201);
    }
    let unknown = json!({ "KeyID": "FFFF", "ClientSessionID": "x" });
    assert_ne!(node.post("/api/sessions", &unknown).status, 201);
    let now = rows(&node, "");
    assert_eq!(now.len(), 1, "{now:?}");
    assert_eq!((&now[0]["Refused"], &now[0]["Used"]), (&json!(3), &json!(seats)));
}

#[test]
fn the_history_outlives_restart_and_crash() {
    let mut node = TestNode::licensed();
    node.seat("till 1");
    node.seat("till 2");
    node.restart(HOUR);
    assert_eq!(
        used(&rows(&node, "?Period=week")),
        [2, 2],
        "both have their seats again"
    );
    node.crash(HOUR);
    let week = used(&rows(&node, "?Period=week"));
    assert_eq!((week.len(), week[0], week[2]), (3, 2, 2), "{week:?}");
}

#[test]
fn the_list_is_filtered_sorted_and_cut_as_any() {
    let node = TestNode::licensed();
    node.seat("till 1");
    node.advance(10 * 60_000);
    let newest = rows(&node, "?KeyID=672b&_sort=-Time&_limit=1&_fields=Time,Used");
    assert_eq!(newest, [json!({ "Time": "2026-01-15T12:10:00.000Z", "Used": 1 })]);
    assert!(rows(&node, "?KeyID=0001").is_empty());
    node.get("/api/usage?Perod=day").expect(400);
    assert!(
        node.get("/api").expect(200).json()["Urns"]
            .to_string()
            .contains("/api/usage")
    );
}
