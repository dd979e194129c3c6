//! What an open page is told, and when its stream ends.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::json;

use super::browser::{Browser, Stream};
use super::{boss, node, watcher};

/// A change is on the page within this time.
const SOON: Duration = Duration::from_secs(1);

#[test]
fn a_change_is_on_the_page_within_a_second_and_sent_once() {
    let node = node();
    let mut boss = boss(&node);
    let page = boss.get("/console/sessions").expect(200);
    let mut stream = Stream::open(&boss, "sessions");
    assert_eq!(
        stream.next().as_deref(),
        Some("sessions"),
        "a new stream tells all"
    );
    boss.get(&page.live()).expect(204);

    node.seat("till 1");
    let began = Instant::now();
    assert_eq!(stream.next().as_deref(), Some("sessions"));
    let part = boss.get(&page.live()).expect(200);
    assert!(began.elapsed() < SOON, "{:?}", began.elapsed());
    assert!(part.text().contains("Sessions: 1."), "{}", part.text());
    boss.get(&part.live()).expect(204);
}

#[test]
fn changes_are_told_twice_a_second_at_most() {
    let node = node();
    let mut boss = boss(&node);
    boss.get("/console/sessions").expect(200);
    let mut stream = Stream::open(&boss, "sessions");
    stream.next();
    let began = Instant::now();
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut number = 0;
            while !stop.load(Ordering::Relaxed) {
                number += 1;
                node.take(&format!("till {number}"));
            }
        });
        for _ in 0..4 {
            assert_eq!(stream.next().as_deref(), Some("sessions"));
        }
        stop.store(true, Ordering::Relaxed);
    });
    assert!(
        began.elapsed() > Duration::from_millis(1400),
        "{:?}",
        began.elapsed()
    );
}

#[test]
fn other_topics_wake_no_page() {
    let node = node();
    let boss = boss(&node);
    let mut stream = Stream::open(&boss, "keys");
    assert_eq!(stream.next().as_deref(), Some("keys"));
    node.seat("till 1");
    let path = node.licence_dir();
    let file = std::fs::read_dir(path).unwrap().next().unwrap().unwrap().path();
    node.remove(&file);
    assert_eq!(stream.next().as_deref(), Some("keys"));
}

/// The clock of this node stands still: a report of health would be given out again for ever.
#[test]
fn health_is_drawn_as_of_the_change_and_not_as_somebody_saw_it_before() {
    let node = node();
    let mut boss = boss(&node);
    for path in ["/console/health", "/console/"] {
        let page = boss.get(path).expect(200);
        let before = boss.get(&page.live());
        assert!(before.status == 204 || before.status == 200, "{before:?}");
        node.post("/api/connections", &json!({ "ComputerName": path }))
            .expect(201);
        let deadline = Instant::now() + 3 * SOON;
        while boss.get(&page.live()).status == 204 {
            assert!(Instant::now() < deadline, "{path} is not drawn anew");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
    let text = boss.get("/console/health").expect(200).text();
    assert!(text.contains("<dt>Connections</dt><dd>2</dd>"), "{text}");
}

#[test]
fn the_overview_follows_all_that_it_shows() {
    let node = node();
    let page = boss(&node).get("/console/").expect(200).text();
    for topic in [
        "keys",
        "sessions",
        "devices",
        "connections",
        "tokens",
        "gateway",
        "activations",
        "health",
    ] {
        assert!(page.contains(&format!("sse:{topic}")), "{topic}: {page}");
    }
}

#[test]
fn a_page_that_was_open_over_a_restart_is_told_that_its_login_is_over() {
    let mut node = node();
    let mut browser = boss(&node);
    browser.get("/console/keys").expect(200);
    let cookies = browser.cookies;
    node.restart(0);
    let mut again = Browser::new(node.admin_address());
    again.cookies = cookies;
    let mut stream = Stream::open(&again, "keys");
    assert_eq!(stream.next().as_deref(), Some("end"));
}

#[test]
fn a_stream_ends_with_its_login() {
    let node = node();
    let mut boss = boss(&node);
    let page = boss.get("/console/").expect(200);
    let mut stream = Stream::open(&boss, "");
    boss.submit(&page, "/console/logout", &[]).expect(303);
    assert_eq!(stream.next().as_deref(), Some("end"));
    assert_eq!(stream.next(), None);
    // A browser keeps the connection, and asks for the door on it.
    let door = stream.get(&boss, "/console/").expect(303);
    assert_eq!(door.header("location"), Some("/console/login?back=%2Fconsole%2F"));

    let stranger = Browser::new(node.admin_address());
    let mut wire = stranger.open("GET", "/console/live?topics=keys", &[], None);
    super::browser::head(&mut wire).expect(200);
    let mut said = String::new();
    std::io::Read::read_to_string(&mut std::io::Read::take(wire, 12), &mut said).unwrap();
    assert_eq!(said, "event: end\nd");
}

#[test]
fn a_login_has_so_many_pages_open_and_no_more() {
    let node = node();
    let (first, second) = (boss(&node), boss(&node));
    let mut streams: Vec<Stream> = (0..64).map(|_| Stream::open(&first, "keys")).collect();
    for stream in &mut streams {
        assert_eq!(stream.next().as_deref(), Some("keys"));
    }
    let mut wire = first.open("GET", "/console/live?topics=keys", &[], None);
    super::browser::head(&mut wire).expect(429);
    Stream::open(&second, "keys");
}

#[test]
fn open_streams_do_not_hold_up_the_end_of_the_node() {
    let node = node();
    let streams: Vec<Stream> = (0..5).map(|_| Stream::open(&watcher(&node), "keys")).collect();
    let began = Instant::now();
    drop(node);
    assert!(began.elapsed() < SOON, "{:?}", began.elapsed());
    for mut stream in streams {
        while stream.next().is_some() {}
    }
}
