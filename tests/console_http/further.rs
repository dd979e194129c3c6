//! The pages about what is plugged in, certificates, services, activations and the audit log.

use keynode::store::{AuditEntry, append_audit};

use super::{PASSWORD, boss, node, watcher};

const PAGES: [&str; 5] = ["devices", "certificates", "gateway", "activations", "usage"];

#[test]
fn every_page_is_there_in_both_languages_for_both_roles() {
    let node = node();
    for mut browser in [boss(&node), watcher(&node)] {
        for path in PAGES {
            browser.language = "en";
            let english = browser.get(&format!("/console/{path}")).expect(200).text();
            assert!(
                english.contains("<h1>") && english.contains("aria-current=\"page\""),
                "{english}"
            );
            browser.language = "ru";
            let russian = browser.get(&format!("/console/{path}")).expect(200).text();
            assert!(
                russian.contains("<html lang=\"ru\"") && russian.contains("<h1>"),
                "{russian}"
            );
        }
        for path in PAGES {
            browser.get(&format!("/console/{path}/none/none")).expect(404);
        }
    }
}

#[test]
fn services_that_are_off_say_which_setting_switches_them_on() {
    let node = node();
    let text = boss(&node).get("/console/gateway").expect(200).text();
    for setting in [
        "[tickets] enabled",
        "[ismp] enabled",
        "[crpt] enabled",
        "[taxcom] enabled",
    ] {
        assert!(text.contains(setting), "{text}");
    }
    assert!(text.contains("All services are off."), "{text}");
}

#[test]
fn what_is_on_has_its_table() {
    let node = super::with(|settings| {
        settings.ismp.enabled = true;
        settings.taxcom.enabled = true;
    });
    let text = boss(&node).get("/console/gateway").expect(200).text();
    for heading in ["Organisations", "Session keys of IS MP", "Processes of 1C-Taxcom"] {
        assert!(text.contains(&format!("<h2>{heading}</h2>")), "{heading}: {text}");
    }
    assert!(!text.contains("<h2>Connections to CRPT</h2>"), "{text}");
}

#[test]
fn where_no_certificates_are_the_page_says_how_to_name_some() {
    let node = node();
    let text = boss(&node).get("/console/certificates").expect(200).text();
    assert!(
        text.contains("[tokens.NAME]") && text.contains("Certificates: 0."),
        "{text}"
    );
}

#[test]
fn the_audit_log_is_for_administrators() {
    let node = node();
    let mut watcher = watcher(&node);
    watcher.get("/console/audit").expect(403);
    let menu = watcher.get("/console/keys").expect(200).text();
    assert!(!menu.contains("/console/audit"), "{menu}");
    let menu = boss(&node).get("/console/keys").expect(200).text();
    assert!(menu.contains("/console/audit"), "{menu}");
}

/// Rows in the log beside those that the node writes.
fn write(node: &super::TestNode, entries: impl Iterator<Item = (&'static str, String)>) {
    let mut connection = node.database().connect().unwrap();
    let entries: Vec<_> = entries
        .map(|(event, detail)| AuditEntry {
            time: keynode::licence::Timestamp::parse("2026-01-10").unwrap(),
            actor: "tester@10.0.0.7".into(),
            event: event.into(),
            object: "<b>object</b>".into(),
            detail,
        })
        .collect();
    append_audit(&mut connection, &entries).unwrap();
}

#[test]
fn the_audit_log_is_searched_by_text_event_actor_and_day_part_by_part() {
    let node = node();
    write(
        &node,
        (0..150).map(|n| ("probe", format!("Строка number{n} <script>"))),
    );
    let mut boss = boss(&node);
    let mut found = |query: &str| {
        let text = boss.get(&format!("/console/audit?{query}")).expect(200).text();
        assert!(
            !text.contains("<script>") || !text.contains("<b>object"),
            "{text}"
        );
        text
    };
    let one = found("text=%D0%A1%D0%A2%D0%A0%D0%9E%D0%9A%D0%90+NUMBER77&event=probe");
    assert!(
        one.contains("number77 &#60;script&#62;") && !one.contains("number78"),
        "{one}"
    );
    assert!(found("actor=tester").contains("number149"));
    assert!(found("actor=nobody").contains("No matching rows."));
    assert!(found("event=probe&from=2026-01-11").contains("No matching rows."));
    assert!(found("event=probe&from=2026-01-10&until=2026-01-10").contains("number149"));
    let first = found("event=probe");
    assert!(
        first.contains("number149") && first.contains("number50 ") && !first.contains("number49 "),
        "{first}"
    );
    let at = first.find("before=").expect("older rows");
    let before = first[at..].split('"').next().unwrap();
    let second = found(&format!("event=probe&{before}"));
    assert!(
        second.contains("number49 ") && second.contains("number0 ") && !second.contains("number50 "),
        "{second}"
    );
    assert!(!second.contains("rel=\"next\""), "{second}");
}

#[test]
fn the_audit_log_is_checked_on_demand() {
    let node = node();
    write(
        &node,
        [("probe", "one".to_owned()), ("probe", "two".to_owned())].into_iter(),
    );
    let mut boss = boss(&node);
    let page = boss.get("/console/audit").expect(200);
    let whole = boss.submit(&page, "/console/audit", &[]).expect(200).text();
    assert!(whole.contains("none changed, none missing"), "{whole}");
    let connection = node.database().connect().unwrap();
    connection
        .execute("UPDATE audit SET detail = 'other' WHERE detail = 'one'", [])
        .unwrap();
    let broken = boss.submit(&page, "/console/audit", &[]).expect(200).text();
    assert!(broken.contains("tampered"), "{broken}");
    boss.post("/console/audit", &[]).expect(403);
}

#[test]
fn no_page_shows_a_password() {
    let node = node();
    let mut boss = boss(&node);
    for path in PAGES.iter().chain(&["audit"]) {
        let text = boss.get(&format!("/console/{path}")).expect(200).text();
        assert!(
            !text.contains(PASSWORD) && !text.contains("argon2"),
            "{path}: {text}"
        );
    }
}
