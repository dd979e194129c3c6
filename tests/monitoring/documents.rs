//! docs/metrics.md tells of exactly what there is.

use std::collections::{BTreeMap, BTreeSet};

use crate::page::{Page, rich_node};

/// Names and kinds in the document's tables: `| `name` | kind | labels | meaning |`.
fn documented() -> BTreeMap<String, Vec<String>> {
    let rows = include_str!("../../docs/metrics.md").lines().filter_map(|line| {
        let cells: Vec<&str> = line.strip_prefix("| `")?.split('|').map(str::trim).collect();
        let name = cells[0].trim_end_matches('`').to_owned();
        Some((name, cells.into_iter().map(str::to_owned).collect()))
    });
    rows.collect()
}

#[test]
fn all_metrics_are_documented_and_all_that_are_documented_exist() {
    let page = Page::of(&rich_node());
    let documented: BTreeSet<String> = documented().into_keys().collect();
    assert_eq!(documented, page.families());
}

#[test]
fn kinds_and_labels_are_as_documented() {
    let page = Page::of(&rich_node());
    for (name, cells) in documented() {
        let head = format!("# TYPE {name} {}", cells[1]);
        assert!(page.0.lines().any(|line| line == head), "{head}");
        let labels: BTreeSet<&str> = cells[2]
            .split(',')
            .map(|label| label.trim().trim_matches('`'))
            .collect();
        let labels: BTreeSet<&str> = labels.into_iter().filter(|label| !label.is_empty()).collect();
        for line in page.0.lines() {
            let own = line.strip_prefix(&name).and_then(|rest| rest.strip_prefix('{'));
            let Some((inside, _)) = own.and_then(|rest| rest.rsplit_once('}')) else {
                continue;
            };
            let found: BTreeSet<&str> = inside
                .split("\",")
                .map(|label| label.split('=').next().unwrap())
                .collect();
            assert_eq!(found, labels, "{line}");
        }
    }
}
