//! A hundred programs that want one session key at once, however they ask: one sign-in, and nobody's token is ended.

use std::collections::HashSet;

use serde_json::{Value, json};

use crate::common::Answer;
use crate::ismp::{HOUR, KEY, ask, body, read, sign_ins};
use crate::world::{ITN, World};

const CROWD: usize = 100;

/// Has so many ask at once, while the operator holds the first of them up.
fn crowd(world: &World, ask: impl Fn() -> Answer + Sync) -> Vec<Answer> {
    let before = world.sandbox.asked(KEY).len();
    let held = world.sandbox.hold(KEY);
    std::thread::scope(|scope| {
        let asking: Vec<_> = (0..CROWD).map(|_| scope.spawn(&ask)).collect();
        world.until("the first asks", || world.sandbox.asked(KEY).len() > before);
        drop(held);
        asking.into_iter().map(|asking| asking.join().unwrap()).collect()
    })
}

/// All got the same token, which lives; one of them had it signed for.
#[track_caller]
fn one_for_all(answers: &[Answer]) {
    for answer in answers {
        assert_eq!(
            answer.json()["Results"],
            json!({ ITN: true }),
            "{}",
            answer.text()
        );
    }
    let new = answers.iter().filter(|answer| answer.status == 201).count();
    assert_eq!(new, 1);
    let ends: HashSet<String> = answers
        .iter()
        .map(|answer| answer.json()["ValidUntil"].to_string())
        .collect();
    assert_eq!(ends.len(), 1);
}

#[track_caller]
fn lives(world: &World) {
    assert!(world.sandbox.client_token_lives(&read(world, "СУЗ").unwrap()));
}

with_both_keys!(a_hundred_programs_at_once_cost_one_sign_in, |world| {
    one_for_all(&crowd(&world, || ask(&world, "СУЗ")));
    assert_eq!((sign_ins(&world), world.sandbox.asked(KEY).len()), (1, 1));
    lives(&world);
});

with_both_keys!(a_hundred_that_ask_by_product_cost_one_sign_in, |world| {
    let scan = json!({ "ITN": ITN, "Operation": "ВводВОборот", "KKTCheckRequired": true });
    let wanted = json!({ "ScanParameters": scan, "ProductKind": "Духи" });
    let by_product = || world.post("/api/ismp/session-keys/by-product", &wanted);
    one_for_all(&crowd(&world, by_product));
    assert_eq!((sign_ins(&world), world.sandbox.asked(KEY).len()), (1, 1));
    assert_eq!(read(&world, "ИСМП").as_ref(), world.sandbox.ismp_tokens().last());
});

with_both_keys!(a_hundred_who_find_a_token_refused_get_one_other, |world| {
    let until = ask(&world, "СУЗ").expect(201).json()["ValidUntil"].clone();
    let first = read(&world, "СУЗ").unwrap();
    world.node.advance(60_000);
    let rows = json!({ "Rows": [{ "TokenType": "СУЗ", "ITN": ITN, "ValidUntil": until }] });
    let renewed = crowd(&world, || world.post("/api/ismp/tokens/renew", &rows));
    let ends: HashSet<String> = renewed
        .iter()
        .map(|answer| {
            let row = &answer.json()["Results"][0];
            assert_eq!(row["Результат"], true, "{row}");
            row["ДатаДействия"].to_string()
        })
        .collect();
    assert_eq!((ends.len(), sign_ins(&world)), (1, 2));
    assert_ne!(read(&world, "СУЗ"), Some(first));
    lives(&world);
});

with_both_keys!(who_asks_while_a_renewal_is_under_way_shares_it, |world| {
    ask(&world, "СУЗ").expect(201);
    let first = read(&world, "СУЗ");
    let held = world.sandbox.hold(KEY);
    // The old token has ended: callers want the new one that the node is signing in for already.
    world.node.advance(9 * HOUR);
    world.until("the renewal asks", || world.sandbox.asked(KEY).len() == 2);
    let answers: Vec<Value> = std::thread::scope(|scope| {
        let asking: Vec<_> = (0..CROWD)
            .map(|_| scope.spawn(|| world.post("/api/ismp/session-keys", &body("СУЗ")).json()))
            .collect();
        drop(held);
        asking.into_iter().map(|asking| asking.join().unwrap()).collect()
    });
    for answer in answers {
        assert_eq!(answer["Results"], json!({ ITN: true }), "{answer}");
    }
    assert_eq!(sign_ins(&world), 2);
    assert_ne!(read(&world, "СУЗ"), first);
    lives(&world);
});
