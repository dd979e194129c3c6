//! What is made for Prometheus, judged by its own tool: the page itself, the alerts and their tests. Each alert says what
//! to do in a place that is there.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use crate::page::{Page, rich_node};

/// The folder of what is made for Prometheus.
fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("monitoring/prometheus")
}

fn read(name: &str) -> String {
    std::fs::read_to_string(folder().join(name)).unwrap()
}

#[track_caller]
fn promtool(arguments: &[&str], input: Stdio) -> Output {
    let output = Command::new("promtool")
        .args(arguments)
        .current_dir(folder())
        .stdin(input)
        .output()
        .unwrap_or_else(|error| panic!("promtool: {error}; packaging/setup.sh test installs it"));
    assert!(
        output.status.success(),
        "promtool {arguments:?}: {}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    output
}

/// Names of the alerts of the rules, or of those that have a test that expects them to fire, or not to.
fn alerts(text: &str, head: &str) -> Vec<String> {
    let names = text.lines().filter_map(|line| line.trim().strip_prefix(head));
    names.map(|name| name.trim().to_owned()).collect()
}

#[test]
fn promtool_has_nothing_to_say_of_the_page() {
    let page = Page::of(&rich_node()).0;
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), page).unwrap();
    let output = promtool(
        &["check", "metrics"],
        std::fs::File::open(file.path()).unwrap().into(),
    );
    let said = [output.stdout, output.stderr].concat();
    assert!(said.is_empty(), "{}", String::from_utf8_lossy(&said));
}

#[test]
fn rules_and_sample_are_right() {
    promtool(&["check", "rules", "keynode.rules.yml"], Stdio::null());
    promtool(
        &["check", "config", "--syntax-only", "prometheus.sample.yml"],
        Stdio::null(),
    );
}

#[test]
fn alerts_fire_when_they_should_and_only_then() {
    promtool(&["test", "rules", "keynode.rules.test.yml"], Stdio::null());
}

#[test]
fn each_alert_is_tested_both_ways_and_says_what_to_do() {
    let (rules, tests) = (read("keynode.rules.yml"), read("keynode.rules.test.yml"));
    let manual = include_str!("../../docs/operations.md");
    let headings: BTreeSet<String> = manual
        .lines()
        .filter(|line| line.starts_with('#'))
        .map(|line| {
            line.trim_start_matches('#')
                .trim()
                .to_lowercase()
                .replace(' ', "-")
        })
        .collect();
    let alerts = alerts(&rules, "- alert: ");
    assert!(alerts.len() > 10, "{alerts:?}");
    for alert in alerts {
        let tested = |expected: &str| {
            let mut parts = tests.split("- alertname: ").filter(|part| {
                let (name, rest) = part.split_once('\n').unwrap();
                name.trim() == alert && rest.lines().nth(1).unwrap().trim() == expected
            });
            parts.next().is_some()
        };
        assert!(tested("exp_alerts:"), "no test expects {alert} to fire");
        assert!(tested("exp_alerts: []"), "no test expects {alert} to stay silent");
        let anchor = alert.to_lowercase();
        assert!(
            rules.contains(&format!("runbook_url: docs/operations.md#{anchor}\n")),
            "{alert}"
        );
        assert!(
            headings.contains(&anchor),
            "docs/operations.md has no section {alert}"
        );
    }
}

#[test]
fn rules_are_about_metrics_that_there_are() {
    let families = Page::of(&rich_node()).families();
    let rules = read("keynode.rules.yml");
    let words = rules.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    let named = words.filter(|word| word.starts_with("keynode_") || word.starts_with("process_"));
    for name in named {
        assert!(families.contains(name), "{name} is no metric");
    }
}
