//! What nodes get over HTTP.

use keynode::activation::{Action, Refusal, Request};
use keynode::licence::{Receipt, Revocations, VendorKey, VendorKeys, open_notice};
use serde_json::Value;

use super::client::Call;
use super::common::keys::VENDOR_PUBLIC;
use super::served::{Asking, ITN, OTHER_ITN, Served, opened};

fn vendors() -> VendorKeys {
    [VendorKey::from_pem(VENDOR_PUBLIC).unwrap()]
        .into_iter()
        .collect()
}

#[test]
fn a_code_is_activated_renewed_and_returned() {
    let (centre, node) = (Served::start(), Asking::new("one"));
    let code = centre.code();
    let request = node.activate(&code, ITN);
    let sealed = node.seal(&request);
    let reply = centre.post("/v1/activations", &sealed).expect(201);
    assert_eq!(reply.header("content-type"), Some("application/json"));
    let file = reply.json()["Licence"].as_str().unwrap().to_owned();
    let licence = opened(file.as_bytes());
    assert_eq!(licence.nonce, Some(request.nonce.to_string()));
    assert_eq!(licence.activation_code, Some(code));

    // The answer was lost: the same request has the same answer.
    let again = centre.post("/v1/activations", &sealed).expect(200).json();
    assert_eq!(again["Licence"], file.as_str());

    centre.clock.advance(1_000);
    let renewal = Asking::then(&request, Action::Renew);
    let reply = centre.post("/v1/renewals", node.seal(&renewal)).expect(200);
    assert_eq!(reply.text(), r#"{"Licence":null}"#);

    let back = Asking::then(&renewal, Action::Return);
    let receipt = centre.post("/v1/returns", node.seal(&back)).expect(200).json();
    let receipt = receipt["Receipt"].as_str().unwrap();
    let (receipt, _) = open_notice::<Receipt>(receipt.as_bytes(), &vendors()).unwrap();
    assert_eq!(receipt.key_no, licence.key_no);
    assert_eq!(receipt.nonce, back.nonce.to_string());
}

#[test]
fn a_refusal_says_why_in_a_form_that_nodes_read() {
    let (centre, node) = (Served::start(), Asking::new("one"));
    let code = centre.bound_code();
    let ask = |request: &Request| {
        let reply = centre.post("/v1/activations", node.seal(request));
        assert_eq!(
            reply.header("content-type"),
            Some("application/json;charset=utf-8")
        );
        (reply.status, Refusal::read(&reply.body).unwrap())
    };
    assert_eq!(ask(&node.activate(&code, OTHER_ITN)), (403, Refusal::Holder));
    let unknown = keynode::licence::ActivationCode::parse("0000-0000-0000-0000-0001").unwrap();
    assert_eq!(ask(&node.activate(&unknown, ITN)), (404, Refusal::UnknownCode));
    centre
        .post("/v1/activations", node.seal(&node.activate(&code, ITN)))
        .expect(201);
    let other = Asking::new("other");
    let used = centre.post("/v1/activations", other.seal(&other.activate(&code, ITN)));
    assert_eq!(Refusal::read(&used.expect(403).body), Some(Refusal::Used));
}

#[test]
fn a_request_goes_to_the_address_of_its_action() {
    let (centre, node) = (Served::start(), Asking::new("one"));
    let request = node.activate(&centre.code(), ITN);
    let sealed = node.seal(&request);
    for target in ["/v1/renewals", "/v1/returns"] {
        let refused = centre.post(target, &sealed).refused(400);
        assert_eq!(refused, "EActivationRequest", "{target}");
    }
    let renewal = node.seal(&Asking::then(&request, Action::Renew));
    centre.post("/v1/activations", &renewal).expect(400);
    assert_eq!(centre.get("/v1/activations").status, 405);
    assert_eq!(centre.get("/v1/nothing").refused(404), "EHTTPNotFound");
    // Nothing of that used the code up.
    centre.post("/v1/activations", &sealed).expect(201);
}

#[test]
fn revocations_are_fetched_once_and_then_only_when_they_change() {
    let (centre, node) = (Served::start(), Asking::new("one"));
    let list = |text: &[u8]| open_notice::<Revocations>(text, &vendors()).unwrap().0;
    let reply = centre.get("/v1/revocations").expect(200);
    assert_eq!(reply.header("content-type"), Some("application/jose"));
    let tag = reply.header("etag").unwrap().to_owned();
    let first = list(&reply.body);
    let kid = VendorKey::from_pem(VENDOR_PUBLIC).unwrap().kid().to_owned();
    assert_eq!(
        tag,
        format!("\"{kid}.{}\"", first.number),
        "another key's list is another"
    );
    let named = centre.get(&format!("/v1/revocations?kid={kid}")).expect(200);
    assert_eq!(
        (named.header("etag"), &named.body),
        (Some(tag.as_str()), &reply.body)
    );
    centre.get("/v1/revocations?kid=nobody").expect(404);
    centre.get("/v1/revocations?kid=a&kid=b").expect(400);
    assert!(first.keys.is_empty());

    let known = |tag: &str| {
        Call::new("GET", "/v1/revocations")
            .header("If-None-Match", tag)
            .send(centre.address)
    };
    for value in [tag.clone(), format!("W/{tag}"), format!("\"x\", {tag}")] {
        let reply = known(&value).expect(304);
        assert_eq!((reply.header("etag"), reply.body.len()), (Some(tag.as_str()), 0));
    }
    known("\"nonsense\"").expect(200);

    let code = centre.code();
    let file = centre.post("/v1/activations", node.seal(&node.activate(&code, ITN)));
    let file: Value = file.expect(201).json();
    let licence = opened(file["Licence"].as_str().unwrap().as_bytes());
    centre
        .books()
        .revoke(licence.key_no, "unpaid", &centre.author())
        .unwrap();
    let second = list(&known(&tag).expect(200).body);
    assert!(second.number > first.number);
    assert!(second.reason(&licence).is_some());
}

#[test]
fn health_says_whether_it_can_answer_and_no_more() {
    let centre = Served::start();
    assert_eq!(centre.get("/health").expect(200).text(), r#"{"Healthy":true}"#);
}
