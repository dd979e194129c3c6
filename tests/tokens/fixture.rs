//! Tests of the fixture itself: without it the other tests show nothing.

use super::softhsm::SoftHsm;

#[test]
fn softhsm_has_keys_goes_and_comes_back() {
    let hsm = SoftHsm::new(&["one", "two"]);
    hsm.make_key("one", "rsa:2048", 1, "rsa");
    hsm.make_key("one", "EC:prime256v1", 2, "p256");
    hsm.make_key("one", "EC:edwards25519", 3, "ed");
    let listed = hsm.tool("one", &["--list-objects", "--type", "privkey"]);
    for label in ["rsa", "p256", "ed"] {
        assert!(listed.contains(&format!("label:      {label}\n")), "{listed}");
    }
    assert!(hsm.slots().contains(": one"));
    hsm.remove("one");
    let slots = hsm.slots();
    assert!(!slots.contains(": one") && slots.contains(": two"), "{slots}");
    hsm.put_back("one");
    hsm.lock_pin("one");
    let slots = hsm.slots();
    assert!(
        slots.contains(": one") && slots.contains("user PIN locked"),
        "{slots}"
    );
}
