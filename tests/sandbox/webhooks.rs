//! What the services make webhooks tell.

use crate::ismp::{HOUR, KEY, SIGN_IN, ask};
use crate::ismp_faults::canned;
use crate::keys::Key;
use crate::office::{Office, hook};
use crate::world::{ITN, World};

#[test]
fn a_renewal_that_fails_is_told_once_and_what_a_client_asks_in_vain_is_not() {
    let office = Office::new(&[]);
    let world = World::with(Key::File, |settings| {
        hook(settings, "office", &office, None, Some("gateway-failure"));
    });
    let refusal = canned(403, r#"{"error_message":"Пользователь неактивен"}"#);
    world.sandbox.say_next(SIGN_IN, refusal);
    assert_ne!(ask(&world, "ИСМП").status, 201);
    ask(&world, "ИСМП").expect(201);
    for _ in 0..2 {
        world.sandbox.say_next(KEY, canned(503, ""));
    }
    world.node.advance(10 * HOUR - 5 * 60_000);
    let told = office.next().body;
    assert_eq!(told["Event"], "gateway-failure");
    assert_eq!(
        (&told["What"], &told["Object"]),
        (&"session-key-failure".into(), &ITN.into())
    );
    let detail = told["Detail"].as_str().unwrap();
    assert!(
        detail.contains("not renewed") && !detail.contains("неактивен"),
        "{detail}"
    );
    let asked = world.sandbox.asked(KEY).len();
    world.node.advance(15_000);
    world.until("it is tried again", || world.sandbox.asked(KEY).len() > asked);
    assert!(office.soon().is_none(), "once an hour");
}
