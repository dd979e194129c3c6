//! What a man in the middle may answer: it is refused, and nothing is written.

use keynode::activation::Request;
use keynode::licence::binding::{Binding, CarrierBinding, ComponentKind, ComputerBinding};
use keynode::licence::{ActivationCode, DAY, Iec, Itn, Licence, Timestamp};
use serde_json::json;

use crate::centre::{FakeCentre, KEY_NO, Reply, licence};
use crate::common::{TestNode, keys};
use crate::first::{files, node, order};
use crate::forgery;

/// Has a node activate while the centre answers so: it refuses with words that have these in them, and has what it had.
#[track_caller]
fn refused(node: &TestNode, status: u16, words: &str) {
    let before = (files(node), node.get("/api/licences").rows());
    let answer = node.post("/api/licences", &order());
    assert!(answer.status >= 400, "{words}: {}", answer.text());
    let expected = if status == 500 {
        "EActivationAnswer"
    } else {
        "EActivationCentreUnavailable"
    };
    assert_eq!(answer.refused(status), expected, "{}", answer.message());
    assert!(
        answer.message().contains(words),
        "{} without {words}",
        answer.message()
    );
    assert_eq!((files(node), node.get("/api/licences").rows()), before, "{words}");
}

type Change = Box<dyn Fn(&Request, Licence) -> String + Send>;

/// The licence that would be right but for this.
fn but(change: impl Fn(&mut Licence) + Send + 'static) -> Change {
    Box::new(move |_, mut licence| {
        change(&mut licence);
        keys::sealed(&licence)
    })
}

fn changed(_: &Request, mut licence: Licence) -> String {
    let honest = keys::sealed(&licence);
    licence.licence_count = 500;
    let more = keys::sealed(&licence);
    let (head, signature) = honest.rsplit_once('.').unwrap();
    let payload = more.split('.').nth(1).unwrap();
    format!("{}.{payload}.{signature}", head.split('.').next().unwrap())
}

fn elsewhere(licence: &mut Licence) {
    let Binding::Computer(ComputerBinding { components, .. }) = &mut licence.binding else {
        panic!("{licence:?}");
    };
    for component in components
        .iter_mut()
        .filter(|part| part.kind != ComponentKind::Ram)
    {
        component.value = component.value.chars().rev().collect();
    }
}

#[test]
fn licences_that_are_not_what_was_asked_for_are_refused() {
    let centre = FakeCentre::start();
    let node = node(&centre);
    node.put(&Licence {
        activation_code: None,
        ..keys::numbered(5)
    });
    let carrier = CarrierBinding {
        driver: "serial".into(),
        serial: "1209:0001:A".into(),
        public_key: None,
    };
    let cases: Vec<(&str, Change)> = vec![
        ("signature is wrong", Box::new(changed)),
        (
            "signature is wrong",
            Box::new(|_, licence| forgery::forged(&licence)),
        ),
        (
            "unknown vendor",
            Box::new(|_, licence| forgery::foreign(&licence)),
        ),
        (
            "another request",
            but(|licence| licence.nonce = Some("AAAAAAAAAAAAAAAAAAAAAA".into())),
        ),
        ("another request", but(|licence| licence.nonce = None)),
        (
            "another activation code",
            but(|licence| licence.activation_code = ActivationCode::parse("0000-0000-0000-0000-0000").ok()),
        ),
        (
            "another activation code",
            but(|licence| licence.activation_code = None),
        ),
        (
            "another ITN",
            but(|licence| licence.itn = Itn::parse("7707083893").ok()),
        ),
        (
            "another ITN",
            but(|licence| licence.iec = Iec::parse("770701001").ok()),
        ),
        ("another computer", but(elsewhere)),
        ("something else", but(|licence| licence.binding = Binding::None)),
        (
            "something else",
            but(move |licence| licence.binding = Binding::Carrier(carrier.clone())),
        ),
        ("something else", but(|licence| licence.blank_key_no = Some(7))),
        ("when it was issued", but(|licence| licence.issued = None)),
        (
            "in the future",
            but(|licence| licence.issued = licence.issued.map(|time| time.plus(DAY + 60_000))),
        ),
        ("out of range", but(|licence| licence.key_no = 0)),
        ("no licence, or it is cut off", Box::new(|_, _| "nonsense".into())),
    ];
    for (words, change) in cases {
        centre.give(change);
        refused(&node, 500, words);
    }
    centre.honest();
    node.post("/api/licences", &order()).expect(201);
    let nonces: Vec<_> = centre.heard().iter().map(|heard| heard.request().nonce).collect();
    assert!(
        nonces.iter().all(|nonce| *nonce == nonces[0]),
        "one request, until it is answered"
    );
}

#[test]
fn an_answer_to_another_node_is_refused() {
    let centre = FakeCentre::start();
    let (mine, theirs) = (node(&centre), node(&centre));
    theirs.post("/api/licences", &order()).expect(201);
    let file = licence(&centre.heard()[0].request());
    centre.give(move |_, _| keys::sealed(&file));
    refused(&mine, 500, "another request");
}

#[test]
fn what_no_centre_says_is_refused() {
    let centre = FakeCentre::start();
    let node = node(&centre);
    let elsewhere = FakeCentre::start();
    let page = "<html><body>Log in to the network of the hotel</body></html>";
    let moved = format!(
        "HTTP/1.1 302 Found\r\nLocation: {}/v1/activations\r\nContent-Length: 0\r\n\r\n",
        elsewhere.url()
    );
    let giant = format!(r#"{{"Licence":"{}"}}"#, "x".repeat(300_000));
    let cut = "HTTP/1.1 201 Created\r\nContent-Length: 1000\r\n\r\n{\"Lic";
    let no_end = "HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{\"Lic\r\n";
    let lie = r#"{"Code":403,"Text":"","Message":"","Exception":"EActivationCodeUsed"}"#;
    for (reply, status, words) in [
        (Reply::Say(200, page.into()), 500, "JSON"),
        (Reply::Say(404, page.into()), 500, "404"),
        (Reply::Say(502, page.into()), 503, "502"),
        (Reply::Say(403, page.into()), 500, "403"),
        (Reply::Say(404, lie.into()), 500, "404"),
        (Reply::Say(200, "{}".into()), 500, "no licence"),
        (
            Reply::Say(200, json!({ "Licence": null }).to_string()),
            500,
            "no licence",
        ),
        (Reply::Say(200, json!({ "Licence": 7 }).to_string()), 500, "JSON"),
        (Reply::Say(201, giant), 500, "more than"),
        (Reply::Raw(moved.into()), 500, "302"),
        (Reply::Raw(cut.into()), 503, "cannot be reached"),
        (Reply::Raw(no_end.into()), 503, "cannot be reached"),
        (Reply::Raw(vec![]), 503, "cannot be reached"),
        (Reply::Raw(vec![0x16; 4096]), 503, "cannot be reached"),
    ] {
        centre.script(move |_| reply.clone());
        refused(&node, status, words);
    }
    assert_eq!(elsewhere.heard().len(), 0, "nobody is sent elsewhere");
}

#[test]
fn a_licence_from_elsewhere_is_not_overwritten() {
    let centre = FakeCentre::start();
    let node = node(&centre);
    let other = Licence {
        activation_code: None,
        ..keys::numbered(KEY_NO)
    };
    let path = node.put(&other);
    let before = std::fs::read(&path).unwrap();
    let answer = node.post("/api/licences", &order());
    assert_eq!(answer.refused(409), "ELicenceConflict");
    assert!(
        answer.message().contains(path.to_str().unwrap()),
        "{}",
        answer.message()
    );
    assert_eq!(std::fs::read(&path).unwrap(), before);
    assert_eq!(files(&node).len(), 1);
    node.remove(&path);
    node.post("/api/licences", &order()).expect(201);
    assert_eq!(files(&node).len(), 1);
}

#[test]
fn a_clock_that_is_a_little_behind_does_no_harm() {
    let centre = FakeCentre::start();
    let node = node(&centre);
    let later: Timestamp = node.now().plus(DAY - 1);
    centre.give(move |_, licence| {
        keys::sealed(&Licence {
            issued: Some(later),
            ..licence
        })
    });
    node.post("/api/licences", &order()).expect(201);
}
