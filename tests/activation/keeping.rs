//! What a node does about its activations by itself: signs of life, renewal, another computer, returns.

use std::collections::HashSet;
use std::time::Duration;

use keynode::activation::{Action, Refusal, Request};
use keynode::clock::Millis;
use keynode::licence::{DAY, Licence, Revocation, RevocationReason, Revocations};
use keynode::store::{ActivationRow, Activations, Database};
use serde_json::{Value, json};

use crate::centre::{FakeCentre, KEY_NO, Reply, honest, licence, refuse};
use crate::common::{TestNode, keys};
use crate::first::{CODE, files, node, order};
use crate::harness::eventually;
use crate::http::Client;

fn days(count: i64) -> Millis {
    Millis::try_from(count * DAY).unwrap()
}

pub(crate) fn rows(node: &TestNode) -> Vec<ActivationRow> {
    let database = Database::open(&node.settings.state_dir).unwrap();
    Activations::open(&database).unwrap().all().unwrap()
}

/// What the node says of its activations; lets a moment pass, for it says the same for a second.
fn health(node: &TestNode) -> String {
    node.advance(1_000);
    let report = Client::new(node.admin_address()).get("/health");
    assert_eq!(report.status, 200, "{}", report.body);
    report.json()["activation"].as_str().unwrap().to_owned()
}

/// Waits until the one key is Workable, or is not.
#[track_caller]
pub(crate) fn wait_for_workable(node: &TestNode, workable: bool) -> Value {
    let look = || Some(node.licence(KEY_NO)).filter(|licence| licence["Workable"] == workable);
    eventually("another verdict", look).0
}

/// Another installation on another board: no licence bound to the computer of before tolerates that.
pub(crate) fn change_computer(node: &TestNode, name: &str) {
    let machine = node.settings.state_dir.parent().unwrap().join("machine");
    // The node looks once, when all is changed.
    let serial = machine.join("sys/class/dmi/id/board_serial");
    std::fs::write(serial, format!("BOARD{name}\n")).unwrap();
    std::fs::write(machine.join("etc/machine-id"), format!("{name:0>32}\n")).unwrap();
    let uuid = format!("4c4c4544-0042-3510-8057-{name:0>12}\n");
    node.change_computer("sys/class/dmi/id/product_uuid", &uuid);
}

fn renewed(request: &Request, period: u32) -> Reply {
    let first = licence(request);
    let file = Licence { period, ..first };
    Reply::Say(200, json!({ "Licence": keys::sealed(&file) }).to_string())
}

#[test]
fn a_licence_gives_a_sign_of_life_each_day_and_says_which_request_was_before() {
    let centre = FakeCentre::start();
    let node = node(&centre);
    node.post("/api/licences", &order()).expect(201);
    for count in 2..4 {
        node.advance(days(1));
        let heard = centre.wait_for(count);
        let (before, now) = (heard[count - 2].request(), heard[count - 1].request());
        assert_eq!(now.action, Action::Renew);
        assert_eq!(now.last, Some(before.nonce));
        let contact = node.now();
        eventually("the record", || {
            (rows(&node)[0].contact == Some(contact)).then_some(())
        });
    }
    assert_eq!(files(&node).len(), 1);
    assert_eq!(health(&node), "ok");
}

#[test]
fn a_licence_is_renewed_before_it_ends() {
    let centre = FakeCentre::start();
    let mut node = node(&centre);
    node.reload(|settings| settings.activation.check = Duration::ZERO);
    centre.give(|_, licence| {
        keys::sealed(&Licence {
            period: 30,
            ..licence
        })
    });
    let first = node.post("/api/licences", &order()).expect(201).json();
    let bound = licence(&centre.heard()[0].request());
    centre.script(move |heard| {
        let request = heard.request();
        let (issued, nonce) = (Some(request.time), Some(request.nonce.to_string()));
        let longer = Licence {
            period: 60,
            issued,
            nonce,
            ..bound.clone()
        };
        Reply::Say(200, json!({ "Licence": keys::sealed(&longer) }).to_string())
    });
    node.advance(days(16));
    let renewal = centre.wait_for(2)[1].request();
    assert_eq!(renewal.action, Action::Renew);
    assert_eq!(renewal.time, node.now(), "renew_days before the end");
    let look = || Some(node.licence(KEY_NO)).filter(|licence| licence["Period"] == 60);
    let (longer, _) = eventually("the longer licence", look);
    assert_eq!(longer["FileName"], first["FileName"]);
    assert_eq!(files(&node).len(), 1);
}

#[test]
fn a_renewal_for_somebody_else_changes_nothing() {
    let centre = FakeCentre::start();
    let node = node(&centre);
    node.post("/api/licences", &order()).expect(201);
    let before = std::fs::read(node.licence_dir().join(&files(&node)[0])).unwrap();
    // Bound to nothing, and of another number: neither is what this licence is.
    centre.script(|heard| renewed(&heard.request(), 60));
    node.advance(days(1));
    centre.wait_for(2);
    let trouble = || rows(&node)[0].trouble.clone();
    let (trouble, _) = eventually("trouble", trouble);
    assert!(trouble.contains("not accepted"), "{trouble}");
    assert_eq!(
        std::fs::read(node.licence_dir().join(&files(&node)[0])).unwrap(),
        before
    );
}

#[test]
fn a_licence_is_activated_again_on_a_computer_that_changed() {
    let centre = FakeCentre::start();
    let node = node(&centre);
    let first = node.post("/api/licences", &order()).expect(201).json();
    change_computer(&node, "1");
    let heard = centre.wait_for(2);
    let (before, again) = (heard[0].request(), heard[heard.len() - 1].request());
    assert_eq!((again.action, &again.code), (Action::Activate, &before.code));
    assert_eq!(again.last, Some(before.nonce));
    assert_ne!(again.computer, before.computer);
    let again = wait_for_workable(&node, true);
    assert_eq!(again["FileName"], first["FileName"]);
    assert_eq!(files(&node).len(), 1);
}

#[test]
fn a_refusal_names_the_way_out_and_holds_until_the_computer_changes_again() {
    let centre = FakeCentre::start();
    let node = node(&centre);
    node.post("/api/licences", &order()).expect(201);
    let file = node.licence_dir().join(&files(&node)[0]);
    let before = std::fs::read(&file).unwrap();
    centre.script(|heard| match heard.line.as_str() {
        "POST /v1/activations" => refuse(&Refusal::NoMoves { again: None }),
        _ => honest(heard),
    });
    change_computer(&node, "1");
    let look = || Some(health(&node)).filter(|words| words != "ok");
    let (words, _) = eventually("trouble", look);
    assert!(
        words.contains(
            "ask the vendor for a recovery code; with it: keynode activation move 77000001 --recovery"
        ) && words.contains("allows more moves: keynode activation move 77000001, "),
        "{words}"
    );
    assert!(!words.contains(CODE), "{words}");
    assert_eq!(node.licence(KEY_NO)["Workable"], false);
    assert_eq!(
        std::fs::read(&file).unwrap(),
        before,
        "a refusal changes no licence"
    );
    let row = &rows(&node)[0];
    assert!(
        row.pending.is_none() && row.next.unwrap() > node.now().plus(DAY / 2),
        "{row:?}"
    );
    centre.honest();
    change_computer(&node, "2");
    wait_for_workable(&node, true);
    let mut again = || Some(health(&node)).filter(|words| words == "ok");
    eventually("no trouble", &mut again);
}

#[test]
fn a_refusal_holds_for_a_day() {
    let centre = FakeCentre::start();
    let node = node(&centre);
    node.post("/api/licences", &order()).expect(201);
    centre.script(|_| refuse(&Refusal::Used));
    change_computer(&node, "1");
    eventually("the refusal", || rows(&node)[0].refused_for.clone());
    centre.honest();
    node.advance(days(1));
    wait_for_workable(&node, true);
}

#[test]
fn a_centre_that_is_down_is_asked_again_with_the_same_request() {
    let centre = FakeCentre::start();
    let node = node(&centre);
    node.post("/api/licences", &order()).expect(201);
    centre.script(|_| Reply::Say(503, "<html>".into()));
    change_computer(&node, "1");
    eventually("the failure", || rows(&node)[0].trouble.clone());
    let asked = centre.wait_for(2).len();
    centre.honest();
    node.advance(3_600_000 + 3_600_000 / 8);
    let heard = centre.wait_for(asked + 1);
    let all: HashSet<&str> = heard[asked - 1..]
        .iter()
        .map(|heard| heard.body.as_str())
        .collect();
    assert_eq!(all.len(), 1, "the same request");
    wait_for_workable(&node, true);
}

#[test]
fn a_licence_that_is_the_centres_no_more_stays_where_it_is() {
    let centre = FakeCentre::start();
    let node = node(&centre);
    node.post("/api/licences", &order()).expect(201);
    centre.script(|_| refuse(&Refusal::NotHere));
    node.advance(days(1));
    let trouble = || rows(&node)[0].trouble.clone();
    let (trouble, _) = eventually("trouble", trouble);
    assert!(
        trouble.contains("CODE --itn N --again") && trouble.contains("forget 77000001"),
        "{trouble}"
    );
    assert_eq!(node.licence(KEY_NO)["Workable"], true);
    assert!(rows(&node)[0].pending.is_none());
    eventually("trouble", || {
        Some(health(&node)).filter(|words| words.contains(&trouble))
    });
    // Nobody misses a licence whose file is gone.
    std::fs::remove_file(node.licence_dir().join(&files(&node)[0])).unwrap();
    eventually("no trouble", || Some(health(&node)).filter(|words| words == "ok"));
    assert_eq!(rows(&node)[0].trouble, Some(trouble));
}

#[test]
fn revocations_are_fetched_and_trouble_with_them_is_told() {
    let centre = FakeCentre::start();
    centre.script_all(|heard| match heard.line.as_str() {
        "GET /v1/revocations" => Reply::Say(200, "nonsense".into()),
        _ => honest(heard),
    });
    let node = node(&centre);
    let look = || Some(health(&node)).filter(|words| words.starts_with("revocations: "));
    eventually("trouble", look);
    centre.honest();
    node.advance(3_600_000);
    eventually("no trouble", || Some(health(&node)).filter(|words| words == "ok"));
}

#[test]
fn a_list_of_a_key_from_before_is_asked_for_by_its_name() {
    let centre = FakeCentre::start();
    let node = node(&centre);
    node.post("/api/licences", &order()).expect(201);
    wait_for_workable(&node, true);
    // The centre has another key, which this node does not trust yet, and signs with the one from before where that is named.
    let until = node.now();
    let by_name = format!("GET /v1/revocations?kid={}", keys::vendor_kid());
    centre.script_all(move |heard| match heard.line.as_str() {
        "GET /v1/revocations" => Reply::Say(200, "signed by another".into()),
        line if line == by_name => {
            let list = Revocations {
                number: 9,
                issued: until,
                keys: [(KEY_NO, Revocation(until, RevocationReason::Revoked))].into(),
            };
            Reply::Say(200, keys::notice(&list))
        }
        _ => honest(heard),
    });
    node.advance(days(1));
    wait_for_workable(&node, false);
    assert!(health(&node).starts_with("revocations: "));
}

#[test]
fn a_list_that_is_known_is_not_fetched_again() {
    let centre = FakeCentre::start();
    centre.script_all(|heard| {
        let list = keys::notice(&Revocations::default());
        let answer = match heard.known {
            None => format!(
                "HTTP/1.1 200 OK\r\nETag: \"7\"\r\nContent-Length: {}\r\n\r\n{list}",
                list.len()
            ),
            Some(_) => "HTTP/1.1 304 Not Modified\r\nETag: \"7\"\r\n\r\n".to_owned(),
        };
        Reply::Raw(answer.into())
    });
    let node = node(&centre);
    assert_eq!(centre.heard_of("GET", 1)[0].known, None);
    // Its next look is a day after that one ends.
    let mut heard = Vec::new();
    eventually("the next look", || {
        node.advance(days(1));
        heard = centre.heard_of("GET", 0);
        (heard.len() > 1).then_some(())
    });
    assert_eq!(heard[1].known.as_deref(), Some("\"7\""));
    assert_eq!(health(&node), "ok");
}
