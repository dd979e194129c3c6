//! Modules that crash, hang, or answer garbage: it costs their process and nothing else, and is over when they behave.

use std::time::{Duration, Instant};

use keynode::tokens::{Decryption, Operation, TokenError, TokenState};

use super::faulty::Faulty;
use super::world::World;

/// Does a fault while signing, holds what the caller is told against `told`, and sees that all is well afterwards.
fn contained(fault: &str, told: impl Fn(&TokenError) -> bool) {
    let faulty = Faulty::new();
    let other = super::softhsm::SoftHsm::new(&["two"]);
    other.make_key("two", "rsa:2048", 1, "answers");
    let world = World::new([("a", faulty.settings()), ("b", other.settings("two"))]);
    world.usable("a");
    world.usable("b");
    world.sign("a", 1, b"before").unwrap();

    faulty.will(fault);
    let error = world.sign("a", 1, b"meanwhile").unwrap_err();
    assert!(told(&error), "{fault}: {error}");
    // The other one is not disturbed, nor is this one lost.
    world.sign("b", 1, b"undisturbed").unwrap();
    faulty.will("");
    let until = Instant::now() + Duration::from_secs(30);
    while let Err(error) = world.sign("a", 1, b"after") {
        assert!(Instant::now() < until, "{fault}: {error}");
        std::thread::yield_now();
    }
    world.usable("a");
}

#[test]
fn a_crash_while_signing_is_contained() {
    contained("C_Sign crash", |error| {
        matches!(error, TokenError::Crashed(_) | TokenError::NotUsable { .. })
    });
}

#[test]
fn a_hang_while_signing_is_contained() {
    contained("C_Sign hang", |error| matches!(error, TokenError::Late(_)));
}

#[test]
fn a_signature_that_is_none_is_not_given_to_anybody() {
    contained("C_Sign garbage", |error| {
        matches!(error, TokenError::Nonsense { .. } | TokenError::NotUsable { .. })
    });
}

#[test]
fn a_device_that_goes_while_signing_is_contained() {
    contained("C_Sign error 0x32", |error| {
        matches!(error, TokenError::Refused { code, .. } if code == "CKR_DEVICE_REMOVED")
            || matches!(error, TokenError::NotUsable { .. })
    });
}

#[test]
fn an_error_without_a_cause_is_contained() {
    contained(
        "C_Sign error 0x5",
        |error| matches!(error, TokenError::Refused { code, .. } if code == "CKR_GENERAL_ERROR"),
    );
}

#[test]
fn one_failure_is_not_noticed_by_whoever_asked() {
    for fault in [
        "C_Sign crash",
        "C_Sign error 0x32",
        "C_Sign error 0x5",
        "C_Sign garbage",
    ] {
        let faulty = Faulty::new();
        let mut settings = faulty.patient_settings();
        // The first failure comes when a process may be started anew.
        settings.probe = Duration::from_millis(1);
        let world = World::new([("a", settings)]);
        world.usable("a");
        faulty.will(&format!("once {fault}"));
        world.sign("a", 1, b"x").unwrap();
        assert_eq!(faulty.calls("C_Initialize"), 2, "{fault}");
    }
}

/// Starts with a module that does this wrong, sees how the token is, and that it is usable when the module behaves.
fn faulty_from_the_start(faulty: &Faulty, fault: &str, told: &str) {
    faulty.will(fault);
    let mut settings = faulty.settings();
    // A PIN of unknown outcome is given only twice: nobody is to look again by himself before this test has seen the first.
    let by_hand = fault.starts_with("C_Login");
    if by_hand {
        settings.probe = Duration::from_hours(1);
    }
    let world = World::new([("a", settings)]);
    let is = |state: &TokenState| matches!(state, TokenState::Faulty(text) if text.contains(told));
    world.until("a", "faulty", |token| is(&token.state));
    assert!(matches!(
        world.sign("a", 1, b"x"),
        Err(TokenError::NotUsable { .. })
    ));
    faulty.will("");
    if by_hand {
        world.tokens.rescan();
    }
    world.usable("a");
    world.sign("a", 1, b"x").unwrap();
}

#[test]
fn crashes_hangs_and_garbage_at_the_start_make_a_token_faulty() {
    let faulty = Faulty::new();
    for (fault, told) in [
        ("C_Initialize crash", "crashed"),
        ("C_Initialize hang", "did not answer"),
        ("C_Initialize flood", "did not answer"),
        ("C_Initialize error 0x5", "CKR_GENERAL_ERROR"),
        ("C_GetSlotList garbage", "crashed"),
        ("C_Login hang", "did not answer"),
        ("C_Login flood", "did not answer"),
        ("C_Login crash", "crashed"),
        ("C_FindObjects garbage", "crashed"),
        ("C_GetAttributeValue garbage", "crashed"),
        ("C_GetAttributeValue error 0x30", "CKR_DEVICE_ERROR"),
    ] {
        faulty_from_the_start(&faulty, fault, told);
    }
}

#[test]
fn what_does_not_decrypt_is_no_trouble_of_the_token() {
    let faulty = Faulty::new();
    let mut settings = faulty.patient_settings();
    settings.probe = Duration::from_millis(1);
    let world = World::new([("a", settings)]);
    world.usable("a");
    // The standard's word for wrong padding, and those that modules have for it.
    for code in ["0x40", "0x5", "0x6", "0x30", "0x91", "0x80000001"] {
        faulty.will(&format!("C_Decrypt error {code}"));
        let decrypt = Operation::Decrypt {
            key: vec![1],
            mechanism: Decryption::RsaPkcs1,
            data: vec![7; 256],
        };
        let error = world.tokens.perform_and_wait("a", decrypt).unwrap_err();
        assert!(matches!(error, TokenError::Refused { .. }), "{code}: {error}");
    }
    assert_eq!(faulty.calls("C_Initialize"), 1);
}

#[test]
fn a_key_that_fails_in_fresh_sessions_too_costs_no_more_of_them() {
    let faulty = Faulty::new();
    let mut settings = faulty.patient_settings();
    settings.probe = Duration::from_millis(1);
    let world = World::new([("a", settings)]);
    world.usable("a");
    // CKR_USER_NOT_LOGGED_IN: what a key says that wants its PIN each time.
    faulty.will("C_Sign error 0x101");
    for _ in 0..5 {
        let error = world.sign("a", 1, b"x").unwrap_err();
        assert!(matches!(error, TokenError::Refused { .. }), "{error}");
        assert_eq!(faulty.calls("C_Initialize"), 2);
    }
    // Until it works again.
    faulty.will("");
    world.sign("a", 1, b"x").unwrap();
    faulty.will("once C_Sign error 0x101");
    world.sign("a", 1, b"x").unwrap();
    assert_eq!(faulty.calls("C_Initialize"), 3);
}

#[test]
fn an_object_that_cannot_be_read_hides_no_other() {
    let faulty = Faulty::new();
    for code in ["0x5", "0x6", "0x82"] {
        faulty.will(&format!("C_GetAttributeValue first error {code}"));
        let world = World::new([("a", faulty.patient_settings())]);
        let token = world.usable("a");
        assert!(token.key(&[1]).is_some(), "{code}");
        world.sign("a", 1, b"x").unwrap();
    }
}

#[test]
fn a_key_of_which_its_token_does_not_say_that_it_stays_there_may_leave() {
    let faulty = Faulty::new();
    let world = World::new([("a", faulty.patient_settings())]);
    assert!(!world.usable("a").key(&[1]).unwrap().extractable);
    // CKA_EXTRACTABLE.
    faulty.will("C_GetAttributeValue untold 0x162");
    world.tokens.rescan();
    world.until("a", "extractable", |token| token.key(&[1]).unwrap().extractable);
}

#[test]
fn texts_of_a_token_are_cleaned() {
    let faulty = Faulty::new();
    faulty.will("C_GetTokenInfo garbage");
    let world = World::new([("a", faulty.settings())]);
    assert_eq!(world.usable("a").manufacturer, "[31m\u{fffd}\u{fffd}evil");
}

#[test]
fn what_is_no_module_is_said() {
    let faulty = Faulty::new();
    for (module, told) in [
        ("/nonexistent.so", "No such file"),
        ("/etc/hostname", "cannot be loaded"),
    ] {
        let mut settings = faulty.settings();
        settings.module = module.into();
        let world = World::new([("a", settings)]);
        let is = |state: &TokenState| matches!(state, TokenState::Faulty(text) if text.contains(told));
        world.until("a", "faulty", |token| is(&token.state));
    }
}
