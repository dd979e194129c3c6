//! Session keys whose seal is not to be had: none that lives is ended for want of it, and none is lost.

use std::fs;

use keynode::gateway::{SessionKey, Trouble};
use keynode::settings::Settings;
use serde_json::json;

use crate::ismp::{HOUR, SIGN_IN, ask, ends, read, sign_ins};
use crate::keys::{Key, NAME, Plugged};
use crate::world::World;

/// A world whose own key is a file, and whose seal a token guards.
struct Guarded {
    world: World,
    guard: Plugged,
}

fn guarded() -> Guarded {
    let mut world = World::new(Key::File);
    let guard = Plugged::new(Key::SoftHsm);
    let settings: &mut Settings = &mut world.node.settings;
    guard.apply(settings);
    settings.gateway.token = Some(NAME.into());
    settings.gateway.token_key = Some(NAME.into());
    world.node.restart(0);
    let guarded = Guarded { world, guard };
    guarded.until_open(true);
    guarded
}

impl Guarded {
    fn is_open(&self) -> bool {
        let services = self.world.node.gateway();
        let open = services
            .have(|gateway| async move { Ok::<_, Trouble>(gateway.shared.state.can_seal().await.is_ok()) });
        let waiting = tokio::runtime::Builder::new_current_thread().build().unwrap();
        waiting.block_on(open).unwrap()
    }

    /// Waits until the node can, or cannot, seal.
    fn until_open(&self, open: bool) {
        self.world.until("the guard is to change", || {
            self.world.node.post("/api/rescan", &json!({})).expect(200);
            self.is_open() == open
        });
    }

    fn kept(&self) -> SessionKey {
        let services = self.world.node.gateway();
        let mut all = services.now().shared.state.all::<SessionKey>().unwrap();
        assert_eq!(all.len(), 1);
        all.remove(0).1
    }
}

#[test]
fn a_start_before_the_guard_is_there_ends_no_token() {
    let mut own = guarded();
    ask(&own.world, "СУЗ").expect(201);
    let first = read(&own.world, "СУЗ");
    own.guard.pull();
    own.world.node.restart(0);
    own.until_open(false);
    assert_eq!(read(&own.world, "СУЗ"), None);
    ends(
        &ask(&own.world, "СУЗ").expect(200).json(),
        "ОшибкаСервиса",
        "КлючНеПодключен",
    );
    // Who looks after tokens sees that they are not to be had.
    let form = own.world.get("/api/ismp/tokens").expect(200).json();
    assert_eq!(form["Tokens"][0]["ТребуетсяАктуализация"], true, "{form}");
    own.guard.plug();
    own.until_open(true);
    own.world
        .until("the token is read", || read(&own.world, "СУЗ").is_some());
    assert_eq!(
        (read(&own.world, "СУЗ"), sign_ins(&own.world)),
        (first.clone(), 1)
    );
    assert!(own.world.sandbox.client_token_lives(&first.unwrap()));
}

#[test]
fn a_token_that_cannot_be_kept_serves_and_is_kept_later() {
    let mut own = guarded();
    ask(&own.world, "СУЗ").expect(201);
    let held = own.world.sandbox.hold(SIGN_IN);
    own.world.node.advance(9 * HOUR - 300_000);
    own.world
        .until("the signature is on its way", || sign_ins(&own.world) == 2);
    own.guard.pull();
    own.until_open(false);
    drop(held);
    let given = || own.world.sandbox.ismp_tokens();
    own.world.until("the new one serves", || {
        given().len() == 2 && read(&own.world, "СУЗ").as_ref() == given().last()
    });
    let second = read(&own.world, "СУЗ").unwrap();
    // However often the node looks, it does not sign in again: the next would not be kept either, and would end this one.
    for _ in 0..5 {
        own.world.node.advance(60_000);
        own.until_open(false);
    }
    assert_eq!((sign_ins(&own.world), given().len()), (2, 2));
    assert!(own.kept().doubtful, "what is kept is that of the one before");
    ends(&ask(&own.world, "СУЗ").expect(200).json(), "", "");
    // Nor does it for who asks for another.
    let rows = json!({ "Rows": [{ "TokenType": "СУЗ", "ITN": crate::world::ITN }] });
    let refused = own.world.post("/api/ismp/tokens/renew", &rows).expect(200).json();
    ends(&refused, "ОшибкаСервиса", "КлючНеПодключен");
    assert!(own.world.sandbox.client_token_lives(&second));
    own.guard.plug();
    own.until_open(true);
    own.world.until("it is kept", || {
        own.world.node.advance(60_000);
        !own.kept().doubtful
    });
    own.world.node.restart(0);
    own.until_open(true);
    own.world
        .until("it is read", || read(&own.world, "СУЗ").as_ref() == Some(&second));
    assert_eq!(sign_ins(&own.world), 2);
}

#[test]
fn without_the_file_of_the_seal_no_token_is_ended() {
    let mut world = World::new(Key::File);
    ask(&world, "СУЗ").expect(201);
    let first = read(&world, "СУЗ").unwrap();
    let file = world.node.settings.state_dir.join("gateway.key");
    let away = file.with_extension("away");
    fs::rename(&file, &away).unwrap();
    world.node.restart(0);
    for kind in ["СУЗ", "ИСМП"] {
        let told = ask(&world, kind).expect(200).json();
        ends(&told, "ОшибкаСервиса", "");
        assert!(
            told["ErrorInfo"].as_str().unwrap().contains("gateway.key"),
            "{told}"
        );
    }
    assert_eq!((read(&world, "СУЗ"), sign_ins(&world)), (None, 1));
    assert!(!file.exists(), "another would open nothing");
    fs::rename(&away, &file).unwrap();
    assert_eq!(read(&world, "СУЗ"), Some(first.clone()));
    assert!(world.sandbox.client_token_lives(&first));
}
