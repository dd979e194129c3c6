//! A code becomes a licence: what the API answers, what lies on disk, and what needs no centre.

use keynode::activation::Refusal;
use keynode::licence::{ActivationCode, Iec};
use serde_json::{Value, json};

use crate::centre::{FakeCentre, KEY_NO, refuse};
use crate::common::TestNode;
use crate::keeping::rows;

pub(crate) const CODE: &str = "4345-9320-2035-7421-5361";

/// A node whose centre this is.
pub(crate) fn node(centre: &FakeCentre) -> TestNode {
    let url = centre.url();
    TestNode::with(|settings| {
        settings.activation.centre = Some(url);
        settings.activation.proxy = Some("none".into());
    })
}

/// The body that activates a code on the computer.
pub(crate) fn order() -> Value {
    json!({ "ActivationCodeString": CODE, "ITN": 1_234_567_894, "IEC": null, "BlankKeyNo": null })
}

/// The names of all files among the licences.
pub(crate) fn files(node: &TestNode) -> Vec<String> {
    let entries = std::fs::read_dir(node.licence_dir()).unwrap();
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

#[test]
fn a_code_becomes_a_licence_that_gives_seats() {
    let centre = FakeCentre::start();
    let node = node(&centre);
    let answer = node.post("/api/licences", &order()).expect(201).json();
    assert_eq!(answer["KeyNo"], KEY_NO);
    assert_eq!(
        (&answer["Workable"], &answer["Enabled"]),
        (&json!(true), &json!(true))
    );
    assert_eq!(answer["ActivationCode"], CODE);
    assert_eq!(files(&node), [format!("672B.{KEY_NO}.licence")]);
    assert_eq!(node.licence(KEY_NO), answer);
    node.take("client").expect(201);
    let request = centre.heard()[0].request();
    assert_eq!(request.code, ActivationCode::parse(CODE).unwrap());
    assert_eq!(request.time, node.now());
}

#[test]
fn what_is_here_already_needs_no_centre() {
    let centre = FakeCentre::start();
    let mut node = node(&centre);
    let first = node.post("/api/licences", &order()).expect(201).json();
    centre.script(|_| refuse(&Refusal::Unavailable("down".into())));
    assert_eq!(node.post("/api/licences", &order()).expect(200).json(), first);
    node.reload(|settings| settings.activation.centre = None);
    assert_eq!(node.post("/api/licences", &order()).expect(200).json(), first);
    assert_eq!(centre.heard().len(), 1, "asked once");
}

#[test]
fn what_was_just_taken_away_is_not_here_any_more() {
    let centre = FakeCentre::start();
    let node = node(&centre);
    node.post("/api/licences", &order()).expect(201);
    for file in std::fs::read_dir(node.settings.licence_dir()).unwrap() {
        std::fs::remove_file(file.unwrap().path()).unwrap();
    }
    node.post("/api/licences", &order()).expect(201);
    assert_eq!(centre.heard().len(), 2, "asked again");
}

#[test]
fn of_another_holder_the_centre_is_asked() {
    let centre = FakeCentre::start();
    let mut node = node(&centre);
    let first = node.post("/api/licences", &order()).expect(201).json();
    let (mut itn, mut iec) = (order(), order());
    itn["ITN"] = json!("7707083893");
    iec["IEC"] = json!(770_701_001);
    for refusal in [Refusal::Holder, Refusal::Unavailable("down".into())] {
        let told = refusal.clone();
        centre.script(move |_| refuse(&told));
        for other in [&itn, &iec] {
            let answer = node.post("/api/licences", other);
            assert_eq!(answer.refused(403), "EActivationHolder", "{refusal}");
        }
    }
    assert_eq!(node.licence(KEY_NO), first);
    // The vendor has changed the holder.
    centre.honest();
    let second = node.post("/api/licences", &itn).expect(200).json();
    assert_eq!(
        (&second["ITN"], &second["Workable"]),
        (&json!(7_707_083_893_u64), &json!(true))
    );
    assert_eq!(node.licence(KEY_NO), second);
    let row = &rows(&node)[0];
    assert_eq!(
        (row.itn.to_string().as_str(), &row.trouble),
        ("7707083893", &None)
    );
    node.reload(|settings| settings.activation.centre = None);
    assert_eq!(
        node.post("/api/licences", &order()).refused(403),
        "EActivationHolder"
    );
}

#[test]
fn a_first_request_without_an_answer_says_where_it_went() {
    let centre = FakeCentre::start();
    let node = node(&centre);
    centre.script(|_| refuse(&Refusal::Unavailable("down".into())));
    node.post("/api/licences", &order()).refused(503);
    let row = &rows(&node)[0];
    assert_eq!(row.centre, Some(centre.url()));
    let trouble = row.trouble.as_deref().unwrap();
    assert!(trouble.starts_with("it could not be activated: "), "{trouble}");
}

#[test]
fn an_iec_may_be_a_number_or_a_string() {
    let centre = FakeCentre::start();
    let node = node(&centre);
    let mut order = order();
    order["ITN"] = json!("1234567894");
    order["IEC"] = json!(27_701_001);
    let answer = node.post("/api/licences", &order).expect(201).json();
    assert_eq!(answer["IEC"], "027701001");
    assert_eq!(
        centre.heard()[0].request().iec,
        Some(Iec::parse("027701001").unwrap())
    );
    order["IEC"] = json!("027701001");
    node.post("/api/licences", &order).expect(200);
}

#[test]
fn a_bad_field_is_named() {
    let centre = FakeCentre::start();
    let node = node(&centre);
    for (field, value) in [
        ("ActivationCodeString", json!("4345")),
        ("ActivationCodeString", json!(null)),
        ("ActivationCodeString", json!(7)),
        ("ITN", json!(null)),
        ("ITN", json!(1_234_567_890)),
        ("ITN", json!(true)),
        ("IEC", json!("1")),
        ("IEC", json!(7)),
        ("IEC", json!([])),
        ("BlankKeyNo", json!("x")),
        ("BlankKeyNo", json!(0)),
    ] {
        let mut order = order();
        order[field] = value;
        let answer = node.post("/api/licences", &order);
        assert_eq!(answer.refused(400), "EHTTPBadRequest", "{order}");
        assert!(answer.message().contains(field), "{}", answer.message());
        if order[field].is_boolean() || order[field].is_array() {
            assert!(
                answer.message().contains("expected a number or a string"),
                "{order}"
            );
        }
    }
    assert_eq!(centre.heard().len(), 0);
}

#[test]
fn what_a_centre_refuses_has_its_status_and_leaves_nothing() {
    let centre = FakeCentre::start();
    let node = node(&centre);
    for (refusal, status) in [
        (Refusal::UnknownCode, 404),
        (Refusal::Used, 403),
        (Refusal::Holder, 403),
        (Refusal::NoMoves { again: None }, 403),
        (Refusal::Revoked, 403),
        (Refusal::Expired(node.now()), 403),
        (Refusal::Recovery, 403),
        (Refusal::Proof, 403),
        (Refusal::NotHere, 403),
        (Refusal::TooMany { seconds: 77 }, 403),
        (Refusal::BadRequest("what".into()), 500),
    ] {
        let told = refusal.clone();
        centre.script(move |_| refuse(&told));
        let answer = node.post("/api/licences", &order());
        assert_eq!(answer.refused(status), refusal.exception());
        let seconds = matches!(refusal, Refusal::TooMany { .. }).then_some("77");
        assert_eq!(answer.header("Retry-After"), seconds);
    }
    assert_eq!(files(&node), [""; 0]);
    let mut nonces: Vec<_> = centre
        .heard()
        .iter()
        .map(|heard| heard.request().nonce.to_string())
        .collect();
    nonces.sort();
    nonces.dedup();
    assert_eq!(nonces.len(), 11, "each is a request of its own");
}

#[test]
fn without_a_centre_there_is_none() {
    let node = TestNode::start();
    let answer = node.post("/api/licences", &order());
    assert_eq!(answer.refused(503), "EActivationCentreUnavailable");
    assert!(
        answer.message().contains("activation.centre"),
        "{}",
        answer.message()
    );
    assert_eq!(files(&node), [""; 0]);
}

#[test]
fn the_audit_log_tells_of_each_activation_and_refusal_but_no_code() {
    let centre = FakeCentre::start();
    let mut node = node(&centre);
    centre.script(|_| refuse(&Refusal::Used));
    node.post("/api/licences", &order()).expect(403);
    centre.honest();
    node.post("/api/licences", &order()).expect(201);
    node.post("/api/licences", &order()).expect(200);
    // What does not wait for the disk is on it after an orderly stop.
    node.restart(0);
    let connection = node.database().connect().unwrap();
    let mut statement = connection
        .prepare("SELECT actor, event, object, detail FROM audit WHERE event LIKE 'activation%' ORDER BY seq")
        .unwrap();
    let rows = statement.query_map([], |row| Ok([row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?]));
    let rows: Vec<[String; 4]> = rows.unwrap().collect::<Result<_, _>>().unwrap();
    let told: Vec<_> = rows
        .iter()
        .map(|row| (row[1].as_str(), row[3].as_str()))
        .collect();
    assert!(
        told[0].0 == "activation-failure" && told[0].1.contains("in use elsewhere"),
        "{told:?}"
    );
    let (new, here) = (
        format!("KeyNo {KEY_NO}, activated"),
        format!("KeyNo {KEY_NO}, here already"),
    );
    assert_eq!(
        told[1..],
        [("activation", new.as_str()), ("activation", here.as_str())]
    );
    for [actor, _, object, _] in &rows {
        assert_eq!(
            (actor.as_str(), object.as_str()),
            ("admin@127.0.0.1", "4345-…-5361")
        );
    }
    assert!(!format!("{rows:?}").contains(CODE));
}
