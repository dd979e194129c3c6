//! A node and the centre that this program is: the whole path from a code to seats, and back.

use keynode::licence::ActivationCode;
use keynode::store::{ActivationRow, Activations, Database};
use serde_json::{Value, json};

use crate::beside::{beside, wait_for};
use crate::common::TestNode;
use crate::harness::eventually;
use crate::keeping::change_computer;
use crate::served::{ITN, OTHER_ITN, Served};

const DAY: u64 = 86_400_000;

fn node(centre: &Served) -> TestNode {
    let url = format!("http://{}", centre.address);
    TestNode::with(|settings| {
        settings.activation.centre = Some(url);
        settings.activation.proxy = Some("none".into());
    })
}

fn order(code: &ActivationCode, itn: &str) -> Value {
    json!({ "ActivationCodeString": code.as_str(), "ITN": itn, "IEC": null, "BlankKeyNo": null })
}

fn row(node: &TestNode) -> ActivationRow {
    let database = Database::open(&node.settings.state_dir).unwrap();
    Activations::open(&database).unwrap().all().unwrap().remove(0)
}

#[test]
fn a_code_becomes_seats_lives_with_its_computer_and_goes_back() {
    let centre = Served::start();
    let code = centre.bound_code();
    let (first, second) = (node(&centre), node(&centre));
    change_computer(&second, "2");
    let unknown = ActivationCode::parse("0000-0000-0000-0000-0000").unwrap();
    let answer = first.post("/api/licences", &order(&unknown, ITN));
    assert_eq!(answer.refused(404), "EActivationCodeNotFound");
    let answer = first.post("/api/licences", &order(&code, OTHER_ITN));
    assert_eq!(answer.refused(403), "EActivationHolder");
    let licence = first.post("/api/licences", &order(&code, ITN)).expect(201).json();
    assert_eq!(
        (&licence["Workable"], &licence["Enabled"]),
        (&json!(true), &json!(true))
    );
    first.take("client").expect(201);
    first.post("/api/licences", &order(&code, ITN)).expect(200);
    let key_no = licence["KeyNo"].as_u64().unwrap();

    let answer = second.post("/api/licences", &order(&code, ITN));
    assert_eq!(answer.refused(403), "EActivationCodeUsed");

    // A day later the centre hears of it.
    centre.clock.advance(DAY);
    first.advance(DAY);
    let now = first.now();
    eventually("a sign of life", || {
        (row(&first).contact == Some(now)).then_some(())
    });
    assert_eq!(row(&first).trouble, None);

    // Another computer under the same node.
    centre.clock.advance(1_000);
    first.advance(1_000);
    change_computer(&first, "1");
    let workable = || (first.licence(key_no)["Workable"] == true).then_some(());
    eventually("the licence on the changed computer", workable);

    wait_for(beside(&first).give_back(key_no)).unwrap();
    eventually("no key", || {
        first.get("/api/licences").rows().is_empty().then_some(())
    });
    centre.clock.advance(1_000);
    second.advance(DAY + 2_000);
    let moved = second
        .post("/api/licences", &order(&code, ITN))
        .expect(201)
        .json();
    assert_eq!(
        (&moved["Workable"], &moved["KeyNo"]),
        (&json!(true), &json!(key_no))
    );
}
