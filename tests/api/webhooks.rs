//! Webhooks: what is told, signed how, tried again when, and kept over what.

use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use keynode::licence::{DAY, Licence};
use keynode::settings::Settings;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::common::TestNode;
use crate::common::keys::{KEY_NO, licence};
use crate::office::{Office, hook};

const SECRET: &[u8] = b"correct horse battery staple";

fn secret_file(dir: &Path, mode: u32) -> PathBuf {
    let path = dir.join("secret");
    fs::write(&path, [SECRET, b"\n"].concat()).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
    path
}

/// HMAC with SHA-256 as RFC 2104 has it, in hexadecimal digits.
fn hmac(key: &[u8], message: &str) -> String {
    let pad = |byte: u8| -> Vec<u8> {
        let mut block = vec![byte; 64];
        for (own, key) in block.iter_mut().zip(key) {
            *own ^= key;
        }
        block
    };
    let inner = Sha256::digest([pad(0x36), message.as_bytes().to_vec()].concat());
    let outer = Sha256::digest([pad(0x5c), inner.to_vec()].concat());
    outer
        .iter()
        .fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

fn health(node: &TestNode) -> String {
    // A report is a second old at most.
    node.clock.advance(1_001);
    let mut stream = std::net::TcpStream::connect(node.admin_address()).unwrap();
    write!(stream, "GET /health HTTP/1.0\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let body: Value = serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap();
    body["webhooks"].as_str().unwrap().to_owned()
}

/// A node with this licence and these webhooks, which know the licence already.
fn start(licence: &Licence, webhooks: impl FnOnce(&mut Settings)) -> (TestNode, PathBuf) {
    let mut node = TestNode::start();
    let path = node.put(licence);
    webhooks(&mut node.settings);
    node.restart(0);
    (node, path)
}

/// Lets so much time pass, as often as it needs, until there is something.
#[track_caller]
fn until<T>(node: &TestNode, millis: u64, mut look: impl FnMut() -> Option<T>) -> T {
    for _ in 0..60 {
        // What that time brings about is done by threads of the node.
        let patience = Instant::now() + Duration::from_millis(300);
        while Instant::now() < patience {
            if let Some(found) = look() {
                return found;
            }
            thread::sleep(Duration::from_millis(5));
        }
        node.advance(millis);
    }
    panic!("nothing came");
}

#[test]
fn a_lost_key_is_told_signed_and_again_where_it_was_not_taken() {
    let dir = tempfile::tempdir().unwrap();
    let receiver = Office::new(&[500, 302]);
    let secret = secret_file(dir.path(), 0o600);
    let (node, path) = start(&licence(), |settings| {
        hook(settings, "office", &receiver, Some(&secret), None);
    });
    node.remove(&path);
    let lost = receiver.next();
    assert_eq!((lost.event(), &lost.body["KeyNo"]), ("key-lost", &KEY_NO.into()));
    assert_eq!(lost.body["Cause"], "the licence file is gone");
    node.put(&licence());
    let delivery = lost.header("Keynode-Delivery");
    // Neither a fault nor a redirect is an answer; the order stays.
    for _ in 0..2 {
        let again = until(&node, 20_000, || receiver.soon());
        assert_eq!(again.header("Keynode-Delivery"), delivery);
        assert_eq!(again.text, lost.text);
    }
    let back = receiver.next();
    assert_eq!((back.event(), &back.body["Cause"]), ("key-back", &Value::Null));
    assert_ne!(back.header("Keynode-Delivery"), delivery);
    assert_eq!(back.header("Keynode-Event"), "key-back");
    let signature = back.header("Keynode-Signature");
    let (time, mac) = signature.strip_prefix("t=").unwrap().split_once(",v1=").unwrap();
    assert_eq!(mac, hmac(SECRET, &format!("{time}.{}", back.text)));
    let skew = node.now().millis() / 1000 - time.parse::<i64>().unwrap();
    assert!((0..60).contains(&skew), "{skew}");
}

#[test]
fn what_waits_survives_a_crash_and_what_was_told_is_not_told_again() {
    let receiver = Office::new(&[500]);
    let node = TestNode::start();
    let soon = Licence {
        period: 20,
        activation_date: node.now(),
        ..licence()
    };
    drop(node);
    let (mut node, _) = start(&soon, |settings| hook(settings, "office", &receiver, None, None));
    let told = receiver.next();
    assert_eq!((told.event(), &told.body["DaysLeft"]), ("days-left", &20.into()));
    node.crash(60_000);
    assert_eq!(receiver.next().text, told.text);
    node.restart(0);
    node.advance(6 * u64::try_from(DAY).unwrap());
    // What was delivered at the very end of a run may be delivered again: its name tells.
    let next = loop {
        let came = receiver.next();
        if came.text != told.text {
            break came;
        }
    };
    assert_eq!(next.body["DaysLeft"], 14, "only the next step");
}

#[test]
fn no_free_seat_is_told_once_and_again_when_it_was_free_meanwhile() {
    let receiver = Office::new(&[]);
    let one = Licence {
        licence_count: 1,
        ..licence()
    };
    let (node, _) = start(&one, |settings| {
        hook(settings, "office", &receiver, None, Some("no-free-seat"));
    });
    node.seat("a");
    for _ in 0..3 {
        assert_eq!(node.take("b").refused(403), "ELicenceNoFree");
    }
    let told = receiver.next();
    assert_eq!(
        (told.event(), &told.body["KeyID"]),
        ("no-free-seat", &"672B".into())
    );
    node.advance(11 * 60_000);
    node.take("a").expect(200);
    node.take("c").refused(403);
    assert_eq!(receiver.next().body["ClientSessionID"], "c");
}

#[test]
fn one_that_is_silent_holds_up_nobody_else_and_each_is_told_what_it_wants() {
    let (silent, quick) = (Office::new(&[0]), Office::new(&[]));
    let (node, path) = start(&licence(), |settings| {
        hook(settings, "silent", &silent, None, None);
        hook(settings, "quick", &quick, None, Some("key-back, days-left"));
    });
    node.remove(&path);
    assert_eq!(silent.next().event(), "key-lost");
    node.put(&licence());
    assert_eq!(quick.next().event(), "key-back");
}

#[test]
fn a_secret_that_others_can_read_is_not_used_and_health_says_so_in_time() {
    let dir = tempfile::tempdir().unwrap();
    let receiver = Office::new(&[]);
    let secret = secret_file(dir.path(), 0o644);
    assert_eq!(health(&TestNode::start()), "off");
    let (node, path) = start(&licence(), |settings| {
        hook(settings, "office", &receiver, Some(&secret), None);
    });
    until(&node, 1, || Some(health(&node)).filter(|told| told == "ok"));
    node.remove(&path);
    let told = until(&node, 16 * 60_000, || {
        Some(health(&node)).filter(|told| told.contains("office"))
    });
    assert!(told.contains("can be read by others"), "{told}");
    assert!(!told.contains("correct horse"), "{told}");
    assert!(receiver.came.try_recv().is_err(), "it was not sent");
    fs::set_permissions(&secret, fs::Permissions::from_mode(0o600)).unwrap();
    let came = until(&node, 30 * 60_000, || receiver.soon());
    assert_eq!(came.event(), "key-lost");
    assert!(came.header("Keynode-Signature").starts_with("t="));
}

#[test]
fn a_webhook_that_is_set_while_the_node_runs_is_told_from_then_on() {
    let receiver = Office::new(&[]);
    let mut node = TestNode::licensed();
    node.reload(|settings| hook(settings, "office", &receiver, None, None));
    until(&node, 1, || Some(health(&node)).filter(|told| told == "ok"));
    node.remove(&node.licence_dir().join(licence().file_name()));
    assert_eq!(receiver.next().event(), "key-lost");
}

#[test]
fn a_key_that_does_not_come_back_after_a_start_is_told_when_the_node_has_settled() {
    let receiver = Office::new(&[]);
    let (mut node, path) = start(&licence(), |settings| {
        hook(settings, "office", &receiver, None, None);
    });
    fs::remove_file(&path).unwrap();
    node.restart(0);
    node.advance(59_000);
    assert!(receiver.soon().is_none(), "slow hardware may still come");
    node.advance(1_000);
    let lost = receiver.next();
    assert_eq!((lost.event(), &lost.body["KeyNo"]), ("key-lost", &KEY_NO.into()));
    assert_eq!(lost.body["FileName"], path.to_str().unwrap());
    assert_eq!(lost.body["LicenceCount"], licence().licence_count);
    node.restart(0);
    node.put(&licence());
    // What was delivered at the very end of a run may be delivered again.
    let back = std::iter::from_fn(|| Some(receiver.next())).find(|came| came.text != lost.text);
    assert_eq!(back.unwrap().event(), "key-back");
}

#[test]
fn what_cannot_be_kept_is_told_once_it_can_and_health_says_so_meanwhile() {
    let receiver = Office::new(&[]);
    let (node, path) = start(&licence(), |settings| {
        hook(settings, "office", &receiver, None, None);
    });
    until(&node, 1, || Some(health(&node)).filter(|told| told == "ok"));
    let connection = node.database().connect().unwrap();
    connection
        .execute_batch(
            "CREATE TRIGGER full BEFORE INSERT ON webhook_queue BEGIN SELECT RAISE(ABORT, 'disk full'); END",
        )
        .unwrap();
    node.remove(&path);
    let told = until(&node, 1, || Some(health(&node)).filter(|told| told != "ok"));
    assert!(
        told.contains("cannot be kept") && told.contains("disk full"),
        "{told}"
    );
    connection.execute_batch("DROP TRIGGER full").unwrap();
    node.wake();
    assert_eq!(receiver.next().event(), "key-lost");
    until(&node, 1, || Some(health(&node)).filter(|told| told == "ok"));
}

#[test]
fn a_message_that_is_refused_for_good_holds_up_the_others_for_an_hour() {
    let receiver = Office::new(&[413, 429, 413, 413, 413, 413, 413, 413, 413]);
    let (node, path) = start(&licence(), |settings| {
        hook(settings, "office", &receiver, None, None);
    });
    node.remove(&path);
    let lost = receiver.next();
    node.put(&licence());
    let began = node.now();
    let back = std::iter::from_fn(|| Some(until(&node, 15 * 60_000, || receiver.soon())));
    let back = back.skip_while(|came| came.text == lost.text).next();
    assert_eq!(back.unwrap().event(), "key-back");
    let waited = (node.now().millis() - began.millis()) / 60_000;
    assert!((60..=3 * 60).contains(&waited), "{waited} minutes");
    let connection = node.database().connect().unwrap();
    let told = until(&node, 1, || {
        let text = "SELECT object, detail FROM audit WHERE event = 'webhook-failure'";
        let row = connection.query_row(text, [], |row| Ok((row.get(0)?, row.get(1)?)));
        row.ok()
    });
    assert_eq!(
        told,
        (
            "office".to_owned(),
            "key-lost given up: it answered 413".to_owned()
        )
    );
}

#[test]
fn a_clock_that_is_set_back_holds_up_no_message() {
    let receiver = Office::new(&[500]);
    let (node, path) = start(&licence(), |settings| {
        hook(settings, "office", &receiver, None, None);
    });
    node.remove(&path);
    let lost = receiver.next();
    node.set_wall(node.now().plus(-DAY));
    let again = until(&node, 10_000, || receiver.soon());
    assert_eq!(again.text, lost.text);
}

#[test]
fn the_first_webhook_of_a_running_node_hears_of_a_licence_that_ends() {
    let receiver = Office::new(&[]);
    let mut node = TestNode::start();
    node.put(&Licence {
        period: 5,
        activation_date: node.now(),
        ..licence()
    });
    node.reload(|settings| hook(settings, "office", &receiver, None, None));
    let told = receiver.next();
    assert_eq!((told.event(), &told.body["DaysLeft"]), ("days-left", &5.into()));
}
