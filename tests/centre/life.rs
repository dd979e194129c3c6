//! What becomes of a code, from its issue to its end.

use keynode::activation::centre::{Answer, CodeState, Which};
use keynode::activation::{Action, Refusal};
use keynode::licence::{Receipt, RevocationReason, Revocations, open_notice};

use crate::world::{Node, World, licence, vendors};

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
