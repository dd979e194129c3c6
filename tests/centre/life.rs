//! What becomes of a code, from its issue to its end.

use std::sync::Arc;

use keynode::activation::centre::{
    Answer, Centre, CentreError, CodeState, VENDOR_KEY, VENDOR_PUBLIC, VendorSigner, Which,
};
use keynode::activation::{Action, Refusal};
use keynode::licence::{DAY, Receipt, RevocationReason, Revocations, open_notice};

use crate::common::clock::TestClock;
use crate::world::{Node, World, licence, make, start, vendor, vendors};

async fn revocations(world: &World) -> Revocations {
    let list = world.centre.revocations().await.unwrap();
    let (notice, _) = open_notice::<Revocations>(list.text.as_bytes(), &vendors()).unwrap();
    assert_eq!(notice.number, list.number);
    notice
}

#[tokio::test]
async fn a_code_is_activated_given_back_and_activated_elsewhere() {
    let mut world = World::new();
    let issued = world.issue();
    let (mut first, mut second) = (Node::new(), Node::new());
    let request = first.request(Action::Activate, &issued.code);
    let answer = first.send(&world.centre, &request).await.unwrap();
    assert!(matches!(answer, Answer::Licence { new: true, .. }));
    let held = licence(&answer);
    assert_eq!((held.key_no, held.reg_no), (issued.key_no, issued.reg_no));
    assert_eq!(held.nonce, Some(request.nonce.to_string()));
    assert_eq!(held.article, "4601");

    let again = first.send(&world.centre, &request).await.unwrap();
    assert_eq!(licence(&again), held);
    let refused = second.ask(&world.centre, Action::Activate, &issued.code).await;
    assert_eq!(refused, Err(Refusal::Used));
    assert!(revocations(&world).await.keys.is_empty());

    world.clock.advance(1_000);
    let back = first.request(Action::Return, &issued.code);
    let answer = first.send(&world.centre, &back).await.unwrap();
    let Answer::Receipt(receipt) = &answer else {
        panic!("{answer:?}")
    };
    let (receipt, _) = open_notice::<Receipt>(receipt.as_bytes(), &vendors()).unwrap();
    assert_eq!(
        (receipt.key_no, receipt.nonce),
        (issued.key_no, back.nonce.to_string())
    );
    assert_eq!(first.send(&world.centre, &back).await.unwrap(), answer);
    let list = revocations(&world).await;
    assert_eq!(list.reason(&held), Some(RevocationReason::Returned));
    let row = world
        .books
        .find(&Which::Code(issued.code.clone()), world.vendor().time);
    assert_eq!(row.unwrap().state, CodeState::Returned);

    let answer = second.ask(&world.centre, Action::Activate, &issued.code).await;
    let moved = licence(&answer.unwrap());
    assert_eq!(list.reason(&moved), None);
    let refused = first.ask(&world.centre, Action::Renew, &issued.code).await;
    assert_eq!(refused, Err(Refusal::NotHere));

    let vendor = world.vendor();
    world.books.revoke(issued.key_no, "not paid", &vendor).unwrap();
    let list = revocations(&world).await;
    assert_eq!(list.reason(&moved), Some(RevocationReason::Revoked));
    for action in [Action::Activate, Action::Renew] {
        let refused = second.ask(&world.centre, action, &issued.code).await;
        assert_eq!(refused, Err(Refusal::Revoked));
    }
    let mut rows = 0;
    world.books.audit(|_| rows += 1).unwrap();
    assert!(rows > 8, "{rows}");
}

#[tokio::test]
async fn an_expired_vendor_key_signs_nothing_and_uses_no_code() {
    let dir = tempfile::tempdir().unwrap();
    let mut books = make(dir.path());
    let mut codes = Vec::new();
    let visit = |_: &_, part: &[keynode::activation::centre::IssuedCode]| {
        codes.extend_from_slice(part);
        true
    };
    books.issue(&crate::world::order(1), &vendor(), visit).unwrap();
    let expires = vendor().time.plus(DAY);
    let pem = include_str!("../fixtures/vendor.pub.pem");
    let path = dir.path().join(VENDOR_PUBLIC);
    std::fs::write(&path, format!("Expires: {expires}\n{pem}")).unwrap();
    let clock = Arc::new(TestClock::at(expires));
    let centre = start(dir.path(), clock.clone());
    let mut node = Node::new();
    let refused = node.ask(&centre, Action::Activate, &codes[0].code).await;
    assert!(matches!(refused, Err(Refusal::Unavailable(_))), "{refused:?}");
    assert!(matches!(centre.revocations().await, Err(Refusal::Unavailable(_))));
    let row = books.find(&Which::KeyNo(codes[0].key_no), expires).unwrap();
    assert_eq!(row.state, CodeState::New);
    clock.set_wall(vendor().time);
    assert!(node.ask(&centre, Action::Activate, &codes[0].code).await.is_ok());
    centre.stop();

    let other = keynode::signing::SoftwareKey::generate(aws_lc_rs::rsa::KeySize::Rsa2048).unwrap();
    std::fs::write(&path, &keynode::signing::Signer::public_key(&other).pem).unwrap();
    let signer = VendorSigner::from_file(&dir.path().join(VENDOR_KEY)).unwrap();
    assert!(matches!(
        Centre::start(dir.path(), signer, clock),
        Err(CentreError::Signer(_))
    ));
}
