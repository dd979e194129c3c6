//! A wrong PIN is tried once, whatever is asked and how often: three tries lock a key for good.

use serde_json::{Value, json};

use crate::keys::Key;
use crate::world::{ITN, World};

/// Requests of all services that need the key.
fn requests(world: &World) -> Vec<(&'static str, &'static str, Value)> {
    let _ = world;
    vec![
        (
            "POST",
            "/api/ismp/session-keys",
            json!({ "TokenType": "ISMP", "ITN": ITN }),
        ),
        (
            "POST",
            "/api/ismp/session-keys",
            json!({ "TokenType": "SUZ", "ITN": ITN }),
        ),
        (
            "POST",
            "/api/ismp/tokens/renew",
            json!({ "Rows": [{ "TokenType": "ISMP", "ITN": ITN }] }),
        ),
    ]
}

/// Every service says that the PIN is wrong.
fn all_refuse(world: &World) {
    std::thread::scope(|scope| {
        for _ in 0..4 {
            for (verb, target, body) in requests(world) {
                scope.spawn(move || {
                    let answer = world.ask(verb, target).body(body.to_string()).send();
                    let told = answer.expect(200).json();
                    assert_eq!(
                        (&told["ErrorCode"], &told["Detail"]),
                        (&json!("ОшибкаСервиса"), &json!("НеверныйПИН")),
                        "{target}: {told}"
                    );
                });
            }
        }
    });
}

/// Waits until the node knows that the PIN was refused.
fn refused(world: &World) {
    world.until("the PIN is refused", || {
        let (verb, target, body) = &requests(world)[0];
        let told = world.ask(verb, target).body(body.to_string()).send().json();
        told["Detail"] == "НеверныйПИН"
    });
}

#[test]
fn a_wrong_pin_is_tried_once_over_many_requests_of_all_services() {
    let mut world = World::with_wrong_pin(Key::Gost);
    world.until("the PIN is tried", || world.key.failures() == 1);
    refused(&world);
    all_refuse(&world);
    assert_eq!(world.key.failures(), 1);
    // A node that starts again knows which PIN was refused.
    world.node.restart(1000);
    refused(&world);
    all_refuse(&world);
    // Nor does time help, nor that somebody looks at the tokens.
    world.node.advance(24 * 60 * 60 * 1000);
    world.node.post("/api/rescan", &json!({})).expect(200);
    all_refuse(&world);
    assert_eq!(world.key.failures(), 1);
    assert!(
        world.sandbox.asked("/").is_empty(),
        "nothing is asked that cannot be answered"
    );
}
