//! The test world itself: the node signs with each kind of key what the judge accepts.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use keynode::sandbox::Judge;
use serde_json::json;

use crate::keys::{Key, fixture};
use crate::world::{ITN, World};

/// The node signs as it is told, and OpenSSL finds what and who.
fn signed_and_judged(world: &World) {
    let judge = Judge {
        authority: fixture("authorities.pem"),
        directory: world.directory.path().to_owned(),
    };
    let content = b"GNUFBAZBMPIUUMLXNMIOGSHTGFXZMT";
    for detached in [false, true] {
        let target = format!("/api/certificates/{}/signatures", world.key.thumbprint);
        let body = json!({ "Data": STANDARD.encode(content), "Detached": detached });
        let made = world.ask_as("signer", "POST", &target).body(body.to_string());
        let made = made.send().expect(201).json();
        let message = STANDARD.decode(made["Signature"].as_str().unwrap()).unwrap();
        assert_eq!(judge.is_attached(&message).unwrap(), !detached);
        let beside = detached.then_some(content.as_slice());
        let verdict = judge.verify(&message, beside).unwrap();
        assert_eq!(
            (verdict.content.as_slice(), verdict.itn.as_deref()),
            (&content[..], Some(ITN))
        );
    }
}

with_both_keys!(what_the_node_signs_is_accepted_by_the_judge, |world| {
    signed_and_judged(&world);
});

#[test]
fn what_it_signs_with_a_key_in_a_file_is_too() {
    signed_and_judged(&World::new(Key::File));
}

with_both_keys!(a_key_is_pulled_and_plugged_in_again, |world| {
    world.key.pull();
    world.until_usable(false);
    world.key.plug();
    world.until_usable(true);
});
