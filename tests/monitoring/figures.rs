//! What the figures say is what happened, and what clients and devices say is no part of them.

use keynode::devices::{Hardware, Inventory};
use serde_json::json;
use std::net::TcpListener;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::common::{TestNode, keys, plug};
use crate::page::{Page, forbidden, get, rich_node};

#[test]
fn the_page_is_in_the_text_format() {
    let node = rich_node();
    let answer = get(node.admin_address(), "/metrics", None).expect(200);
    assert_eq!(
        answer.header("Content-Type"),
        Some("text/plain; version=0.0.4; charset=utf-8")
    );
    for line in answer.text().lines().filter(|line| !line.starts_with('#')) {
        let (sample, value) = line.rsplit_once(' ').unwrap();
        assert!(value.parse::<f64>().is_ok(), "{line}");
        assert!(
            sample.starts_with("keynode_") || sample.starts_with("process_"),
            "{line}"
        );
    }
}

#[test]
fn seats_follow_sessions_and_refusals_are_counted() {
    let node = TestNode::licensed();
    let before = Page::of(&node);
    assert_eq!(before.value("keynode_seats{series=\"672B\"}"), 5.0);
    assert_eq!(before.value("keynode_seats_used{series=\"672B\"}"), 0.0);
    let no_free = "keynode_seats_refused_total{series=\"672B\",reason=\"ELicenceNoFree\"}";
    assert_eq!(before.value(no_free), 0.0);
    let sessions: Vec<String> = (0..5).map(|number| node.seat(&format!("c{number}"))).collect();
    node.take("one too many").expect(403);
    let full = Page::of(&node);
    assert_eq!(full.value("keynode_seats_used{series=\"672B\"}"), 5.0);
    assert_eq!(full.value("keynode_sessions"), 5.0);
    assert_eq!(full.value(no_free), 1.0);
    node.delete(&sessions[0]).expect(200);
    assert_eq!(Page::of(&node).value("keynode_seats_used{series=\"672B\"}"), 4.0);
    let posts = "keynode_http_requests_total{route=\"sessions\",status=\"2xx\"}";
    assert_eq!(full.value(posts), 5.0);
    assert!(
        full.value("keynode_store_commit_seconds_count") > before.value("keynode_store_commit_seconds_count")
    );
    assert!(full.value("keynode_signature_seconds_count{key=\"software\"}") >= 6.0);
}

#[test]
fn seats_of_a_missing_key_are_still_its_series() {
    let node = TestNode::start();
    let path = node.put(&keys::licence());
    node.seat("c1");
    node.remove(&path);
    let page = Page::of(&node);
    assert_eq!(page.value("keynode_seats{series=\"672B\"}"), 0.0);
    assert_eq!(page.value("keynode_seats_used{series=\"672B\"}"), 1.0);
}

#[test]
fn a_key_that_goes_is_shown_as_gone() {
    let node = TestNode::start();
    let path = node.put(&keys::licence());
    let enabled = "keynode_key_enabled{series=\"672B\",key_no=\"7131766\",kind=\"file\"}";
    assert_eq!(Page::of(&node).value(enabled), 1.0);
    node.remove(&path);
    let page = Page::of(&node);
    assert_eq!(page.value(enabled), 0.0);
    assert_eq!(page.value("keynode_keys{state=\"gone\"}"), 1.0);
    node.put(&keys::licence());
    assert_eq!(Page::of(&node).value(enabled), 1.0);
}

#[test]
fn what_is_left_of_a_period_counts_down() {
    let node = rich_node();
    let left = "keynode_key_left_seconds{series=\"672B\",key_no=\"7131767\",kind=\"file\"}";
    let before = Page::of(&node).value(left);
    assert_eq!(before - Page::of(&node).value(left), 1.0);
    let endless = "keynode_key_left_seconds{series=\"672B\",key_no=\"7131766\",kind=\"file\"}";
    assert_eq!(Page::of(&node).find(endless), None);
}

#[test]
fn hardware_is_counted_by_family_and_state() {
    let node = rich_node();
    let page = Page::of(&node);
    for (sample, value) in [
        ("keynode_devices{family=\"Test dongle\",access=\"ok\"}", 1.0),
        (
            "keynode_devices{family=\"Test dongle\",access=\"no_permission\"}",
            1.0,
        ),
        ("keynode_devices{family=\"Test dongle\",access=\"busy\"}", 0.0),
        (
            "keynode_device_access{family=\"Test dongle\",port=\"1-2\",access=\"ok\"}",
            1.0,
        ),
        (
            "keynode_device_access{family=\"Test dongle\",port=\"1-3\",access=\"ok\"}",
            0.0,
        ),
        (
            "keynode_device_access{family=\"Test dongle\",port=\"1-3\",access=\"no_permission\"}",
            1.0,
        ),
        ("keynode_carriers{driver=\"hid\",state=\"proven\"}", 1.0),
        ("keynode_device_event_overflows_total", 2.0),
        ("keynode_device_reconnects_total", 1.0),
    ] {
        assert_eq!(page.value(sample), value, "{sample}");
    }
}

#[test]
fn hostile_names_are_no_labels() {
    let node = TestNode::licensed();
    for number in 0..40 {
        let series = format!("{:04X}", 0xA000 + number);
        let wanted = json!({
            "KeyID": series, "ClientSessionID": "evil-client", "UserName": "evil-user",
            "ComputerName": "evil\"}\nkeynode_healthy 0", "AppName": "evil-app",
        });
        node.post("/api/sessions", &wanted).expect(404);
    }
    let session = json!({
        "KeyID": "672B", "ClientSessionID": "evil-client", "UserName": "evil-user",
        "ComputerName": "evil-computer", "AppName": "evil-app",
    });
    node.post("/api/sessions", &session).expect(201);
    node.get("/evil/path").expect(404);
    let mut device = forbidden("evil-serial");
    device.family = None;
    device.product = Some("evil-product".into());
    node.devices.set_hardware(Hardware {
        inventory: Arc::new(Inventory {
            devices: vec![Arc::new(device)],
            errors: Vec::new(),
        }),
        ..Hardware::default()
    });
    node.follow();
    let page = Page::of(&node);
    assert!(!page.0.contains("evil"), "{}", page.0);
    assert!(!page.0.contains("A00"), "{}", page.0);
    let others = "keynode_seats_refused_total{series=\"other\",reason=\"ELicenceNotFound\"}";
    assert_eq!(page.value(others), 40.0);
    assert_eq!(
        page.value("keynode_devices{family=\"other\",access=\"no_permission\"}"),
        1.0
    );
}

#[test]
fn whoever_asks_often_gets_the_same_page_for_a_second() {
    let node = TestNode::licensed();
    let jobs = "keynode_desk_jobs_total";
    let first = Page::of(&node);
    for _ in 0..20 {
        let again = get(node.admin_address(), "/metrics", None).expect(200);
        assert_eq!(again.text(), first.0);
    }
    assert!(Page::of(&node).value(jobs) - first.value(jobs) < 10.0);
}

#[test]
fn a_node_whose_desk_hangs_says_so_before_its_watchers_give_up() {
    let node = rich_node();
    let held = node.hold_desk();
    let address = node.admin_address();
    let ask = |path| {
        let began = Instant::now();
        let answer = get(address, path, None);
        (answer, began.elapsed())
    };
    let (health, metrics) = std::thread::scope(|scope| {
        let health = scope.spawn(|| ask("/health"));
        (health.join().unwrap(), ask("/metrics"))
    });
    // Zabbix waits for 5 s, Prometheus for 10.
    for (answer, took) in [&health, &metrics] {
        assert!(*took < Duration::from_secs(5), "{took:?}: {}", answer.text());
    }
    assert_eq!(health.0.expect(503).json()["store"], "does not answer");
    let page = Page(metrics.0.expect(200).text().to_owned());
    assert_eq!(page.value("keynode_part_healthy{part=\"store\"}"), 0.0);
    assert_eq!(page.value("keynode_keys{state=\"enabled\"}"), 3.0);
    for unknown in ["keynode_sessions", "keynode_seats_used{series=\"672B\"}"] {
        assert_eq!(page.find(unknown), None, "nobody knows");
    }
    drop(held);
    assert_eq!(Page::of(&node).value("keynode_sessions"), 0.0);
}

#[test]
fn messages_that_wait_for_a_webhook_are_counted() {
    // Nobody is there.
    let nowhere = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut node = TestNode::start();
    let path = node.put(&keys::licence());
    node.settings.gateway.proxy = Some("none".into());
    let hook = json!({ "url": format!("http://{nowhere}/secret-of-the-address") });
    let hook = serde_json::from_value(hook).unwrap();
    node.settings.webhooks.insert("office".into(), hook);
    // With that it starts, so it knows the key.
    node.restart(0);
    let waiting = "keynode_webhook_queue{webhook=\"office\"}";
    let until = |wanted: f64| {
        let patience = Instant::now() + Duration::from_secs(20);
        loop {
            let page = Page::of(&node);
            assert!(!page.0.contains("secret-of-the-address"), "{}", page.0);
            if page.find(waiting) == Some(wanted) {
                return;
            }
            assert!(Instant::now() < patience, "{}", page.0);
            std::thread::sleep(Duration::from_millis(10));
        }
    };
    until(0.0);
    node.remove(&path);
    until(1.0);
}

#[test]
fn a_dongle_without_its_carrier_is_no_key_that_gives_seats() {
    let node = rich_node();
    let enabled = "keynode_key_enabled{series=\"672B\",key_no=\"7131768\",kind=\"usb\"}";
    assert_eq!(Page::of(&node).value(enabled), 1.0);
    node.plug(Vec::new());
    assert_eq!(Page::of(&node).value(enabled), 0.0);
    node.plug(vec![plug::blank("other")]);
    assert_eq!(Page::of(&node).value(enabled), 0.0);
}
