//! A wrong PIN is tried once, whatever is asked and how often: three tries lock a key for good.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::crpt::{DIRECT, GATEWAY, order};
use crate::keys::Key;
use crate::world::{ITN, World};

/// Requests of all services that need the key: to sign, attached and detached, and to decrypt.
fn requests(world: &World) -> Vec<(&'static str, Value)> {
    let print = world.key.thumbprint.as_str();
    let process = json!({ "Kind": "SubscriberID", "Certificate": print, "ITN": ITN });
    vec![
        (
            "/api/ismp/session-keys",
            json!({ "TokenType": "ISMP", "ITN": ITN }),
        ),
        (
            "/api/ismp/session-keys",
            json!({ "TokenType": "SUZ", "ITN": ITN }),
        ),
        (
            "/api/ismp/session-keys",
            json!({ "TokenType": "ИСМПРозница", "ITN": ITN }),
        ),
        (
            "/api/ismp/tokens/renew",
            json!({ "Rows": [{ "TokenType": "ISMP", "ITN": ITN }] }),
        ),
        ("/api/crpt/connections", order("Direct")),
        ("/api/crpt/connections", order("Gateway")),
        ("/api/taxcom/processes", process),
        ("/api/taxcom/cabinet", json!({ "Certificate": print, "ITN": ITN })),
    ]
}

/// Every service says that the PIN is wrong, and asks nobody what cannot be answered.
fn all_refuse(world: &World) {
    std::thread::scope(|scope| {
        for _ in 0..4 {
            for (target, body) in requests(world) {
                scope.spawn(move || {
                    let answer = world.post(target, &body);
                    assert!(matches!(answer.status, 200 | 201), "{target}: {}", answer.text());
                    let told = answer.json();
                    assert_eq!(
                        (&told["ErrorCode"], &told["Detail"]),
                        (&json!("ОшибкаСервиса"), &json!("НеверныйПИН")),
                        "{target}: {told}"
                    );
                });
            }
        }
    });
    for path in [DIRECT, GATEWAY, "/api/v3/true-api"] {
        assert!(world.sandbox.asked(path).is_empty(), "{path}");
    }
}

/// Waits until the node knows that the PIN was refused.
fn refused(world: &World) {
    world.until("the PIN is refused", || {
        let (target, body) = &requests(world)[0];
        world.post(target, body).json()["Detail"] == "НеверныйПИН"
    });
}

/// How often the token was asked, where it can say so.
fn assert_tried_once(world: &World, key: Key) {
    if key == Key::Gost {
        assert_eq!(world.key.failures(), 1);
    }
}

fn a_wrong_pin_is_tried_once_over_many_requests_of_all_services(key: Key) {
    let mut world = World::with_wrong_pin(key);
    refused(&world);
    assert_tried_once(&world, key);
    all_refuse(&world);
    assert_tried_once(&world, key);
    // A node that starts again knows which PIN was refused.
    world.node.restart(1000);
    refused(&world);
    all_refuse(&world);
    // Nor does time help, nor that somebody looks at the tokens.
    world.node.advance(24 * 60 * 60 * 1000);
    world.node.post("/api/rescan", &json!({})).expect(200);
    all_refuse(&world);
    assert_tried_once(&world, key);
    let asked = world.sandbox.asked("/").into_iter();
    let asked = asked.map(|asked| (asked.path, 1)).collect::<BTreeMap<_, _>>();
    assert!(
        asked.is_empty(),
        "nothing is asked that cannot be answered: {asked:?}"
    );
}

mod a_wrong_pin {
    use crate::keys::Key;

    #[test]
    fn is_tried_once_on_a_gost_token() {
        super::a_wrong_pin_is_tried_once_over_many_requests_of_all_services(Key::Gost);
    }

    #[test]
    fn is_tried_once_on_an_rsa_token() {
        super::a_wrong_pin_is_tried_once_over_many_requests_of_all_services(Key::SoftHsm);
    }
}
