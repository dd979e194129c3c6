//! The key is pulled while services use it, and plugged in again: it is told, nothing is lost, all goes on by itself.

use std::time::Duration;

use keynode::settings::Settings;
use serde_json::{Value, json};

use crate::common::Answer;
use crate::world::{ITN, World};

/// Where IS MP gives challenges, and where it takes signatures.
const CHALLENGE: &str = "/api/v3/true-api/auth/key";
const SIGN_IN: &str = "/api/v3/true-api/auth/simpleSignIn";

const HOUR: u64 = 60 * 60 * 1000;

/// Services may be held for long.
fn patient(all: &mut Settings) {
    all.gateway.timeout = Duration::from_mins(2);
}

fn ask_for_token(world: &World) -> Answer {
    world.post(
        "/api/ismp/session-keys",
        &json!({ "TokenType": "ISMP", "ITN": ITN }),
    )
}

fn token(world: &World) -> Option<Value> {
    let answer = world.get(&format!("/api/ismp/session-keys?TokenType=ISMP&ITN={ITN}"));
    (answer.status == 200).then(|| answer.json()["Token"].clone())
}

/// The answer says that the key is not there.
#[track_caller]
fn not_connected(answer: Answer) {
    let told = answer.expect(200).json();
    assert_eq!(
        (&told["ErrorCode"], &told["Detail"]),
        (&json!("ОшибкаСервиса"), &json!("КлючНеПодключен")),
        "{told}"
    );
}

with_both_keys!(
    a_key_is_pulled_between_challenge_and_signature,
    patient,
    |world| {
        let held = world.sandbox.hold(CHALLENGE);
        let answer = std::thread::scope(|scope| {
            let asking = scope.spawn(|| ask_for_token(&world));
            world.until("the challenge is asked for", || {
                !world.sandbox.asked(CHALLENGE).is_empty()
            });
            world.key.pull();
            world.until_usable(false);
            drop(held);
            asking.join().unwrap()
        });
        not_connected(answer);
        not_connected(ask_for_token(&world));
        assert_eq!(world.sandbox.asked(SIGN_IN).len(), 0);
        assert_eq!(
            world.sandbox.asked(CHALLENGE).len(),
            1,
            "nothing is asked that cannot be answered"
        );
        world.key.plug();
        world.until_usable(true);
        ask_for_token(&world).expect(201);
        assert!(token(&world).is_some());
    }
);

with_both_keys!(
    a_token_that_could_not_be_renewed_is_when_the_key_is_back,
    |world| {
        ask_for_token(&world).expect(201);
        let first = token(&world).unwrap();
        world.key.pull();
        world.until_usable(false);
        // It has some minutes left: it is time for a new one, and the old one is good still.
        world.node.advance(10 * HOUR - 3 * 60_000);
        world.until("the renewal is tried in vain", || {
            let rows = world.get("/api/ismp/tokens").expect(200).json();
            rows.to_string().contains("КлючНеПодключен")
        });
        assert_eq!(token(&world), Some(first.clone()));
        assert_eq!(world.sandbox.asked(CHALLENGE).len(), 1);
        world.key.plug();
        world.until("the token is renewed", || {
            token(&world).is_some_and(|now| now != first)
        });
        assert_eq!(world.sandbox.ismp_tokens().len(), 2);
    }
);

with_both_keys!(a_token_is_not_blamed_for_a_key_that_is_back, |world| {
    ask_for_token(&world).expect(201);
    let row = |world: &World| world.get("/api/ismp/tokens").expect(200).json()["Tokens"][0].clone();
    world.node.advance(HOUR);
    world.key.pull();
    world.until_usable(false);
    let renewal = json!({ "Rows": [{ "TokenType": "ISMP", "ITN": ITN }] });
    world.post("/api/ismp/tokens/renew", &renewal).expect(200);
    assert_eq!(row(&world)["Detail"], "КлючНеПодключен");
    let before = token(&world);
    world.key.plug();
    world.until_usable(true);
    world.until("the token is well again", || {
        world.node.gateway().wake();
        row(&world)["Failures"] == 0 && row(&world)["Detail"] == ""
    });
    assert_eq!((token(&world), before.is_some()), (before.clone(), true));
});
