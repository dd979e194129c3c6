//! A vendor key on a token.

use keynode::activation::centre::{CentreError, VendorSigner};
use keynode::licence::VendorKey;

use crate::softhsm::SoftHsm;
use crate::world::World;

#[test]
fn a_centre_signs_with_a_key_on_a_token() {
    let hsm = SoftHsm::new(&["vendor"]);
    hsm.make_key("vendor", "rsa:2048", 0x1a, "licences");
    let world = World::new([("hsm", hsm.settings("vendor"))]);
    world.usable("hsm");
    let open = |token: &str, key: &str| VendorSigner::on_token(world.tokens.clone(), token, key);
    let signer = open("hsm", "licences").unwrap();
    let public = VendorKey::from_pem(signer.public_pem()).unwrap();
    assert_eq!(signer.kid(), public.kid());
    assert_eq!(open("hsm", "1a").unwrap().kid(), public.kid());
    let text = b"a licence";
    let waited = signer.sign_and_wait(text).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let signature = runtime.block_on(signer.sign(text)).unwrap();
    assert!(public.verifies(text, &signature));
    assert_eq!(waited, signature, "RS256 gives the same signature each time");
    for (token, key, word) in [
        ("hsm", "other", "no key other"),
        ("none", "licences", "no token none"),
    ] {
        let Err(CentreError::Signer(why)) = open(token, key) else {
            panic!("{token} {key}");
        };
        assert!(why.contains(word), "{why}");
    }
}

#[test]
fn a_token_that_is_gone_signs_nothing() {
    let hsm = SoftHsm::new(&["vendor"]);
    hsm.make_key("vendor", "rsa:2048", 1, "licences");
    let world = World::new([("hsm", hsm.settings("vendor"))]);
    world.usable("hsm");
    let signer = VendorSigner::on_token(world.tokens.clone(), "hsm", "licences").unwrap();
    world.tokens.stop();
    assert!(signer.sign_and_wait(b"a licence").is_err());
    assert!(VendorSigner::on_token(world.tokens.clone(), "hsm", "licences").is_err());
}
