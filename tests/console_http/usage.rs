//! The history of use: the plot's data, the table, and that both say what the API says.

use serde_json::Value;

use super::{boss, node, watcher};

/// As the page and its script get it.
fn data(node: &super::TestNode, query: &str) -> Value {
    let page = boss(node).get(&format!("/console/usage.json{query}")).expect(200);
    assert!(
        page.header("content-type")
            .unwrap()
            .starts_with("application/json")
    );
    serde_json::from_slice(&page.body).unwrap()
}

#[test]
fn seats_and_refusals_are_on_the_page_at_once() {
    let node = node();
    node.seat("till 1");
    node.seat("till 2");
    let now = data(&node, "");
    assert_eq!((&now["KeyID"], &now["Period"]), (&"672B".into(), &"day".into()));
    let last = |field: &str| now[field].as_array().unwrap().last().unwrap().as_u64().unwrap();
    assert_eq!(last("Used"), 2);
    assert!(last("Seats") >= 2);
    let api = node.get("/api/usage?Period=day&KeyID=672B").expect(200).json();
    let rows = api["Usage"].as_array().unwrap();
    assert_eq!(rows.last().unwrap()["Used"], 2);
    assert_eq!(rows.len(), now["Time"].as_array().unwrap().len());
    for period in ["week", "year"] {
        let used = data(&node, &format!("?period={period}&series=672B"))["Used"].clone();
        assert_eq!(used.as_array().unwrap().last(), Some(&2.into()), "{period}");
    }
    let page = watcher(&node)
        .get("/console/usage?period=week")
        .expect(200)
        .text();
    assert!(
        page.contains("data-plot=\"/console/usage.json?period=week"),
        "{page}"
    );
    assert!(
        page.contains("<details>") && page.contains("uplot.js") && page.contains("plot.js"),
        "{page}"
    );
}

#[test]
fn the_overview_has_the_plot_and_a_way_to_the_table() {
    let node = node();
    node.seat("till 1");
    let page = boss(&node).get("/console/?period=year").expect(200).text();
    assert!(
        page.contains("data-plot=\"/console/usage.json?period=year"),
        "{page}"
    );
    assert!(page.contains("href=\"/console/usage?period=year\""), "{page}");
    assert!(!page.contains("<script>"), "no script stands in the page: {page}");
}

#[test]
fn nothing_is_plotted_where_there_is_no_history() {
    let node = super::TestNode::with(|_| ());
    node.add_user("boss", keynode::store::Role::Admin, super::PASSWORD);
    node.advance(1_000);
    let mut boss = boss(&node);
    let page = boss.get("/console/usage").expect(200).text();
    assert!(
        page.contains("There is no history yet") && !page.contains("data-plot"),
        "{page}"
    );
    let json = boss.get("/console/usage.json").expect(200);
    let json: Value = serde_json::from_slice(&json.body).unwrap();
    assert_eq!(json["Time"], serde_json::json!([]));
    boss.get("/console/usage.json/x").expect(404);
}
