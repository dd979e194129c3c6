//! Codes whose licence goes onto a carrier: it must be there and proven, and takes part in the request.

use keynode::devices::CarrierError;
use keynode::licence::binding::Binding;
use serde_json::{Value, json};

use crate::centre::{FakeCentre, KEY_NO};
use crate::common::plug::{binding, blank, failed};
use crate::first::{files, node, order};

fn order_on(number: u64) -> Value {
    let mut order = order();
    order["BlankKeyNo"] = json!(number);
    order
}

#[test]
fn a_licence_goes_onto_a_carrier_that_takes_part() {
    let centre = FakeCentre::start();
    let node = node(&centre);
    let (carrier, other) = (blank("A1"), blank("B2"));
    let number = carrier.number();
    let absent = node.post("/api/licences", &order_on(number));
    assert_eq!(absent.refused(404), "ECarrierNotFound");
    assert!(absent.message().contains("not connected"), "{}", absent.message());
    node.plug(vec![failed(carrier.clone(), CarrierError::Wrong), other]);
    let silent = node.post("/api/licences", &order_on(number));
    assert_eq!(silent.refused(404), "ECarrierNotFound");
    let why = CarrierError::Wrong.to_string();
    assert!(silent.message().contains(&why), "{}", silent.message());
    assert_eq!(centre.heard().len(), 0);

    node.plug(vec![carrier]);
    let licence = node.post("/api/licences", &order_on(number)).expect(201).json();
    assert_eq!(
        (&licence["Workable"], &licence["BlankKeyNo"]),
        (&json!(true), &json!(number))
    );
    let request = centre.heard()[0].request();
    let claim = request.carrier.clone().unwrap();
    assert_eq!(Binding::Carrier(claim.binding.clone()), binding("A1"));
    assert!(!claim.proof_bytes().unwrap().is_empty() && request.computer.is_none());
    assert_eq!(
        node.post("/api/licences", &order_on(number)).expect(200).json(),
        licence
    );
    assert_eq!(centre.heard().len(), 1);

    // From the carrier to the computer: the same file.
    let moved = node.post("/api/licences", &order()).expect(200).json();
    assert_eq!(
        (&moved["BlankKeyNo"], &moved["KeyNo"]),
        (&json!(null), &json!(KEY_NO))
    );
    assert_eq!(moved["FileName"], licence["FileName"]);
    assert_eq!(files(&node).len(), 1);
    node.plug(vec![]);
    assert_eq!(node.licence(KEY_NO)["Workable"], true);
}

#[test]
fn a_licence_for_another_carrier_is_refused() {
    let centre = FakeCentre::start();
    let node = node(&centre);
    node.plug(vec![blank("A1")]);
    centre.give(|_, licence| {
        let licence = keynode::licence::Licence {
            binding: binding("B2"),
            ..licence
        };
        crate::common::keys::sealed(&licence)
    });
    let answer = node.post("/api/licences", &order_on(blank("A1").number()));
    assert_eq!(answer.refused(500), "EActivationAnswer");
    assert!(
        answer.message().contains("another carrier"),
        "{}",
        answer.message()
    );
    assert_eq!(files(&node), [""; 0]);
}
