//! Section 8, "Sessions and connections": rows 33 to 35: keys that go away, restarts, clocks that jump.

use crate::common::TestNode;
use crate::common::keys::{KEY_NO, licence, numbered};
use crate::common::plug::{binding, failed, loaded, moved};
use keynode::devices::CarrierError;
use keynode::licence::{DAY, Licence};
use serde_json::{Value, json};

const MINUTE: u64 = 60_000;

fn with_seats(key_no: u64, licence_count: u32) -> Licence {
    Licence {
        licence_count,
        ..numbered(key_no)
    }
}

fn used(node: &TestNode) -> Vec<Value> {
    node.get("/api/sessions?Expired=False").column("UsedLicence")
}

#[test]
fn row_33_sessions_move_to_free_seats() {
    let node = TestNode::start();
    let file = node.put(&with_seats(1, 3));
    let seats = [node.seat("a"), node.seat("b"), node.seat("c")];
    node.put(&with_seats(2, 2));
    node.remove(&file);
    let mut keys: Vec<_> = used(&node).iter().map(|key| key.as_u64().unwrap()).collect();
    keys.sort_unstable();
    assert_eq!(keys, [1, 2, 2]);
    assert_eq!(node.take("d").refused(403), "ELicenceNoFree");
    // Whoever stayed moves as soon as there is room.
    let moved = seats
        .iter()
        .find(|seat| node.get(seat).json()["UsedLicence"] == 2)
        .unwrap();
    node.delete(moved).expect(200);
    assert_eq!(used(&node), [json!(2), json!(2)]);
    node.advance(11 * MINUTE);
    assert_eq!(
        used(&node).len(),
        2,
        "no grace is counted for those that have a seat"
    );
}

#[test]
fn row_33_grace() {
    let node = TestNode::with(|settings| settings.sessions.life = std::time::Duration::from_hours(2));
    let file = node.put(&with_seats(KEY_NO, 2));
    let seat = node.seat("a");
    node.put_file("672B.7131766.licence", "damaged");
    assert_eq!(node.licence(KEY_NO)["Workable"], false, "at once");
    assert_eq!(node.take("b").refused(403), "ELicenceNotWorkable");
    let renewed = node.take("a").expect(200);
    assert_eq!(
        renewed.json()["Workable"],
        false,
        "the licence of the session, as it is"
    );
    node.remove(&file);
    assert_eq!(node.take("b").refused(404), "ELicenceNotFound");
    let renewed = node.take("a").expect(200).json();
    assert_eq!(
        (&renewed["KeyNo"], &renewed["Workable"]),
        (&json!(KEY_NO), &json!(false))
    );
    // Back within the grace: nothing was lost.
    node.advance(6 * MINUTE);
    node.put(&with_seats(KEY_NO, 2));
    assert_eq!(node.licence(KEY_NO)["Workable"], true);
    assert_eq!(node.get(&seat).json()["Expired"], "False");
    node.take("b").expect(201);
    // Gone again before it has been back for as long: the grace goes on where it stopped.
    node.advance(9 * MINUTE);
    node.remove(&file);
    node.advance(4 * MINUTE - 1);
    assert_eq!(used(&node).len(), 2);
    node.advance(1);
    assert_eq!(used(&node).len(), 0);
    assert_eq!(node.get(&seat).json()["Expired"], "True");
    // Back for as long as a grace: a whole one again.
    node.put(&with_seats(KEY_NO, 2));
    node.seat("c");
    node.advance(10 * MINUTE);
    node.take("c").expect(200);
    node.remove(&file);
    node.advance(10 * MINUTE - 1);
    assert_eq!(used(&node).len(), 1);
    node.advance(1);
    assert_eq!(used(&node).len(), 0);
}

#[test]
fn row_33_a_usb_key_is_pulled_under_its_sessions() {
    let node = TestNode::start();
    let bound = |serial: &str, licence: Licence| {
        let binding = binding(serial);
        loaded(serial, &Licence { binding, ..licence })
    };
    let (five, two) = (bound("A1", with_seats(1, 5)), bound("B2", with_seats(2, 2)));
    node.plug(vec![five.clone()]);
    let seats = ["a", "b", "c", "d", "e"].map(|client| node.seat(client));
    node.plug(vec![five.clone(), two.clone()]);
    let on = |node: &TestNode, key: u64| used(node).iter().filter(|used| **used == key).count();
    // What fits moves, the rest keeps its grace.
    node.plug(vec![two.clone()]);
    assert_eq!(node.licence(1)["Workable"], false, "at once");
    assert_eq!((on(&node, 1), on(&node, 2)), (3, 2));
    assert_eq!(node.take("f").refused(403), "ELicenceNoFree");
    // Back within the grace, on another port: the same key, and nothing was lost.
    node.advance(9 * MINUTE);
    node.plug(vec![moved(five.clone(), "2-1"), two.clone()]);
    assert_eq!(node.licence(1)["Workable"], true);
    for seat in &seats {
        assert_eq!(node.get(seat).json()["Expired"], "False");
    }
    assert_eq!(used(&node).len(), 5);
    for client in ["f", "g"] {
        node.take(client).expect(201);
    }
    assert_eq!(node.take("h").refused(403), "ELicenceNoFree");
    // A device that fails, or another one in its place, is a key that is gone.
    node.plug(vec![failed(five.clone(), CarrierError::Wrong), two.clone()]);
    assert_eq!(node.licence(1)["Workable"], false);
    // The minute that is left of the grace, and they end.
    node.advance(MINUTE - 1);
    assert_eq!((on(&node, 1), on(&node, 2)), (5, 2));
    node.advance(1);
    assert_eq!((on(&node, 1), on(&node, 2)), (0, 2));
    node.plug(vec![five, two]);
    for client in ["i", "j", "k", "l", "m"] {
        node.take(client).expect(201);
    }
    assert_eq!(node.take("n").refused(403), "ELicenceNoFree");
}

#[test]
fn row_33_fewer_seats_than_sessions() {
    let node = TestNode::start();
    node.put(&with_seats(KEY_NO, 3));
    for client in ["a", "b", "c"] {
        node.seat(client);
    }
    node.put(&with_seats(KEY_NO, 1));
    assert_eq!(used(&node).len(), 3, "they have their grace");
    assert_eq!(node.take("d").refused(403), "ELicenceNoFree");
    node.advance(10 * MINUTE);
    assert_eq!(used(&node).len(), 1);
}

/// What a restart must not change of a session.
fn lasting(node: &TestNode, path: &str) -> Value {
    let mut session = node.get(path).expect(200).json();
    session.as_object_mut().unwrap().shift_remove("ExpireTime");
    session
}

fn left(node: &TestNode, path: &str) -> i64 {
    let session = node.get(path).expect(200).json();
    let expires = keynode::licence::Timestamp::parse(session["ExpireTime"].as_str().unwrap()).unwrap();
    expires.millis() - node.now().millis()
}

#[test]
fn row_34_restart() {
    let mut node = TestNode::licensed();
    let (old, young) = (node.seat("old"), node.seat("young"));
    node.advance(15 * MINUTE - 10_000);
    node.take("young").expect(200);
    node.advance(1_000);
    let before = [lasting(&node, &old), lasting(&node, &young)];
    node.restart(3 * 60 * MINUTE);
    assert_eq!([lasting(&node, &old), lasting(&node, &young)], before);
    assert_eq!(left(&node, &old), 30_000, "at least that");
    assert_eq!(left(&node, &young), 15 * 60_000 - 1_000, "as before");
    node.take("old").expect(200);
    for client in ["c", "d", "e"] {
        node.take(client).expect(201);
    }
    assert_eq!(node.take("f").refused(403), "ELicenceNoFree");
    // What was released before it stays released.
    node.delete(&old).expect(200);
    node.restart(0);
    node.get(&old).expect(404);
    assert_eq!(used(&node).len(), 4);
}

#[test]
fn row_34_crash() {
    let mut node = TestNode::licensed();
    let seats: Vec<_> = ["a", "b", "c", "d", "e"].map(|client| node.seat(client)).into();
    node.delete(&seats[4]).expect(200);
    node.seat("f");
    let before: Vec<_> = seats[..4].iter().map(|seat| lasting(&node, seat)).collect();
    node.crash(1_000);
    for (seat, before) in seats[..4].iter().zip(&before) {
        assert_eq!(&lasting(&node, seat), before);
        // What was renewed last may be lost: that much is added, so nobody loses time.
        assert!(
            (15 * 60_000..=16 * 60_000).contains(&left(&node, seat)),
            "{}",
            left(&node, seat)
        );
    }
    node.get(&seats[4]).expect(404);
    assert_eq!(
        node.take("g").refused(403),
        "ELicenceNoFree",
        "no seat is given twice"
    );
    node.take("a").expect(200);
    // A key that is missing after it leaves its sessions their grace.
    std::fs::remove_file(node.licence_dir().join(licence().file_name())).unwrap();
    node.crash(0);
    let renewed = node.take("a").expect(200).json();
    assert_eq!(
        (&renewed["KeyNo"], &renewed["KeyID"]),
        (&json!(KEY_NO), &json!("672B"))
    );
    assert_eq!(renewed["Workable"], false);
    node.put(&licence());
    assert_eq!(node.take("g").refused(403), "ELicenceNoFree");
    assert_eq!(used(&node).len(), 5);
}

#[test]
fn row_35_time() {
    let mut node = TestNode::start();
    let start = node.now();
    node.put(&Licence {
        period: 3,
        activation_date: start,
        ..licence()
    });
    node.put(&numbered(8));
    let seat = node.seat("a");
    let workable = |node: &TestNode| node.licence(KEY_NO)["Workable"] == true;
    // Life runs on the monotonic clock, whatever the wall clock does.
    node.set_wall(start.plus(2 * DAY));
    assert_eq!(node.get(&seat).json()["Expired"], "False");
    assert_eq!(left(&node, &seat), 15 * 60_000);
    assert!(workable(&node));
    let highest = node.now();
    node.set_wall(highest.plus(-5 * 60_000));
    assert!(workable(&node), "five minutes are no fraud");
    node.set_wall(highest.plus(-5 * 60_000 - 1));
    assert!(!workable(&node));
    let error = node.licence(KEY_NO)["OpenError"].as_str().unwrap().to_owned();
    assert!(error.contains("clock was turned back"), "{error}");
    assert_eq!(
        node.licence(8)["Workable"],
        true,
        "a key without a Period does not care"
    );
    assert_eq!(node.get(&seat).json()["UsedLicence"], 8, "its sessions moved");
    // The highest time seen is kept over a restart.
    node.set_wall(start);
    node.restart(0);
    assert!(!workable(&node));
    node.set_wall(highest);
    assert!(workable(&node), "until it is right");
}
