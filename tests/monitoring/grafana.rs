//! The Grafana dashboard: whole, about metrics that there are, and about nearly all of them.

use std::collections::BTreeSet;
use std::fmt::Write;

use serde_json::Value;

use crate::page::{Page, rich_node};

fn dashboard() -> Value {
    serde_json::from_str(include_str!("../../monitoring/grafana/keynode.json")).unwrap()
}

/// All queries of all panels.
fn queries(dashboard: &Value) -> Vec<String> {
    let panels = dashboard["panels"].as_array().unwrap().iter();
    let targets = panels.filter_map(|panel| panel["targets"].as_array()).flatten();
    let mut queries: Vec<String> = targets
        .map(|target| target["expr"].as_str().unwrap().to_owned())
        .collect();
    let variables = dashboard["templating"]["list"].as_array().unwrap().iter();
    queries.extend(variables.filter_map(|variable| Some(variable["definition"].as_str()?.to_owned())));
    queries
}

/// The metrics that a query names; those of a histogram by the name of their family.
fn named(query: &str) -> BTreeSet<String> {
    let words = query.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    let names = words.filter(|word| word.starts_with("keynode_") || word.starts_with("process_"));
    names
        .map(|name| name.trim_end_matches("_bucket").to_owned())
        .collect()
}

#[test]
fn every_query_is_about_metrics_that_there_are_and_none_is_forgotten() {
    let dashboard = dashboard();
    let queries = queries(&dashboard);
    let named: BTreeSet<String> = queries.iter().flat_map(|query| named(query)).collect();
    let mut families = Page::of(&rich_node()).families();
    let strange: Vec<_> = named.difference(&families).collect();
    assert!(strange.is_empty(), "there are no metrics {strange:?}");
    families.remove("process_virtual_memory_bytes");
    let forgotten: Vec<_> = families.difference(&named).collect();
    assert!(forgotten.is_empty(), "no panel shows {forgotten:?}");
}

#[test]
fn every_panel_asks_the_data_source_that_was_chosen() {
    let dashboard = dashboard();
    let variables = dashboard["templating"]["list"].as_array().unwrap();
    assert_eq!(variables[0]["name"], "datasource");
    assert_eq!(variables[0]["type"], "datasource");
    for panel in dashboard["panels"].as_array().unwrap() {
        if panel["type"] == "row" {
            continue;
        }
        assert_eq!(panel["datasource"]["uid"], "${datasource}", "{}", panel["title"]);
        for target in panel["targets"].as_array().unwrap() {
            assert_eq!(target["datasource"]["uid"], "${datasource}", "{}", panel["title"]);
        }
    }
}

#[test]
fn panels_have_their_own_numbers_and_places() {
    let dashboard = dashboard();
    assert_eq!(dashboard["schemaVersion"], 37);
    assert!(
        dashboard["id"].is_null(),
        "a number would take another dashboard's place"
    );
    let (mut numbers, mut taken) = (BTreeSet::new(), BTreeSet::new());
    for panel in dashboard["panels"].as_array().unwrap() {
        let title = panel["title"].as_str().unwrap();
        assert!(!title.is_empty());
        assert!(numbers.insert(panel["id"].as_u64().unwrap()), "{title}");
        let [x, y, width, height] = ["x", "y", "w", "h"].map(|name| panel["gridPos"][name].as_u64().unwrap());
        assert!(width > 0 && height > 0 && x + width <= 24, "{title}");
        for x in x..x + width {
            for y in y..y + height {
                assert!(
                    taken.insert((x, y)),
                    "{title} lies over another panel at {x}, {y}"
                );
            }
        }
    }
}

#[test]
fn queries_are_accepted_by_promtool() {
    // As rules, for promtool reads no queries otherwise; variables become what Grafana would put there.
    let dashboard = dashboard();
    let of_panels = queries(&dashboard)
        .into_iter()
        .filter(|query| !query.starts_with("label_values"));
    let mut rules = String::new();
    for (number, query) in of_panels.enumerate() {
        let query = query.replace("$instance", ".*").replace("$job", "keynode");
        let query = serde_json::to_string(&query).unwrap();
        writeln!(rules, "  - record: q:{number}\n    expr: {query}").unwrap();
    }
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(
        file.path(),
        format!("groups:\n- name: queries\n  rules:\n{rules}"),
    )
    .unwrap();
    let output = std::process::Command::new("promtool")
        .args(["check", "rules"])
        .arg(file.path())
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}
