//! What the desk tells: what is durable, once, in its order, and nothing that was taken back.

use crate::events::{Next, Subscription, Topic};
use crate::licence::Timestamp;
use crate::seats::Release;
use crate::seats::testing::*;
use crate::store::AuditEntry;

use super::tests::{Node, take};

/// What was told since the last question, in words; the desk has done everything that was asked before.
async fn told(node: &Node, news: &mut Subscription) -> Vec<String> {
    // Two rounds: the first one's answer goes out before it is told.
    for _ in 0..2 {
        node.handle.ask(|_, _, _| ()).await.unwrap();
    }
    let mut told = Vec::new();
    while let Some(Next::Event(event)) = futures_util::FutureExt::now_or_never(news.next()) {
        let fields: serde_json::Value = serde_json::from_slice(&event.json()).unwrap();
        let word = |name: &str| fields[name].as_str().unwrap_or_default().to_owned();
        let what = [word("What"), word("Reason"), word("Event")].concat();
        let whose = [word("ClientSessionID"), word("Object")].concat();
        told.push(format!("{} {what} {whose}", event.news.kind()));
    }
    told
}

fn entry(event: &str, object: &str) -> AuditEntry {
    AuditEntry {
        time: Timestamp::default(),
        actor: "node".into(),
        event: event.into(),
        object: object.into(),
        detail: String::new(),
    }
}

#[tokio::test]
async fn each_seat_that_is_given_refused_moved_and_lost_is_told_once() {
    let node = Node::new(&[main_key(1, 1)]);
    let mut news = node.feed.subscribe(None);
    let id = take(&node.handle, "a").await.unwrap().unwrap().session.id;
    assert!(take(&node.handle, "b").await.unwrap().is_err());
    take(&node.handle, "a").await.unwrap().unwrap();
    assert_eq!(
        told(&node, &mut news).await,
        ["session granted a", "refusal ELicenceNoFree b"],
        "a renewal is no news"
    );
    node.handle
        .offer(vec![missing(&main_key(1, 1)), main_key(2, 1)], || ());
    assert_eq!(told(&node, &mut news).await, ["session moved a"]);
    let released = move |desk: &mut super::Desk, _, time| drop(desk.ledger.release(time, id, None));
    node.handle.ask(released).await.unwrap();
    take(&node.handle, "c").await.unwrap().unwrap();
    node.pass(LIFE).await;
    assert_eq!(
        told(&node, &mut news).await,
        ["session released a", "session granted c", "session ended c"]
    );
    let node = node.restart(true);
    assert!(
        told(&node, &mut news).await.is_empty(),
        "what was restored is no news"
    );
}

#[tokio::test]
async fn what_a_failed_commit_takes_back_is_never_told_and_the_rest_once_it_is_on_disk() {
    let node = Node::new(&[main_key(1, 2)]);
    let mut news = node.feed.subscribe(None);
    let id = take(&node.handle, "a").await.unwrap().unwrap().session.id;
    assert_eq!(told(&node, &mut news).await, ["session granted a"]);
    node.break_disk(true);
    assert!(take(&node.handle, "b").await.is_err());
    let released = move |desk: &mut super::Desk, _, time| drop(desk.ledger.release(time, id, None));
    assert!(node.handle.ask(released).await.is_err());
    let ticket = node.handle.record(entry("ticket", "b"));
    assert!(ticket.await.is_err());
    assert!(told(&node, &mut news).await.is_empty());
    node.break_disk(false);
    take(&node.handle, "c").await.unwrap().unwrap();
    assert_eq!(
        told(&node, &mut news).await,
        ["session released a", "session granted c"]
    );
}

#[tokio::test]
async fn rows_about_the_services_are_told_whoever_made_them() {
    let node = Node::new(&[]);
    let mut news = node.feed.subscribe(None);
    node.handle.note(entry("session-key-failure", "7707083893"));
    node.handle.note(entry("login", "somebody"));
    node.handle.record(entry("taxcom", "42")).await.unwrap();
    assert_eq!(
        told(&node, &mut news).await,
        ["gateway session-key-failure 7707083893", "gateway taxcom 42"]
    );
}

#[tokio::test]
async fn what_is_no_event_changes_the_counts_of_what_shows_it() {
    let node = Node::new(&[main_key(1, 1)]);
    let counts = node.feed.generations();
    let now = || *counts.borrow();
    let peer = "127.0.0.1".parse().unwrap();
    let open = move |desk: &mut super::Desk, now, time| {
        let fields = super::super::ConnectionFields::default();
        desk.connections.open(now, time, peer, "shop", fields).unwrap().id
    };
    let before = now();
    let id = node.handle.ask(open).await.unwrap();
    told(&node, &mut node.feed.subscribe(None)).await;
    let opened = now();
    assert!(opened.of(Topic::Connections) > before.of(Topic::Connections));
    assert_eq!(opened.of(Topic::Sessions), before.of(Topic::Sessions));
    let beat = move |desk: &mut super::Desk, now, time| drop(desk.connections.heartbeat(now, time, id, None));
    node.handle.ask(beat).await.unwrap();
    take(&node.handle, "a").await.unwrap().unwrap();
    told(&node, &mut node.feed.subscribe(None)).await;
    let beaten = now();
    assert!(beaten.of(Topic::Connections) > opened.of(Topic::Connections));
    take(&node.handle, "a").await.unwrap().unwrap();
    node.handle.note(entry("activation", "code"));
    node.pass(super::RENEWAL_LAG).await;
    told(&node, &mut node.feed.subscribe(None)).await;
    let renewed = now();
    for topic in [Topic::Sessions, Topic::Audit, Topic::Activations] {
        assert!(renewed.of(topic) > beaten.of(topic), "{topic:?}");
    }
    node.pass(LIFE).await;
    let session = take(&node.handle, "b").await.unwrap().unwrap().session.id;
    node.pass(LIFE).await;
    let mut news = node.feed.subscribe(None);
    told(&node, &mut news).await;
    let ended = now();
    let release = move |desk: &mut super::Desk, _, time| match desk.ledger.release(time, session, None) {
        Release::Done(session) => session.ended,
        Release::Unknown | Release::NotYours => false,
    };
    assert!(
        node.handle.ask(release).await.unwrap(),
        "an ended one is still listed"
    );
    assert!(told(&node, &mut news).await.is_empty());
    assert!(
        now().of(Topic::Sessions) > ended.of(Topic::Sessions),
        "it is listed no more, which whoever shows the list has to know"
    );
}
