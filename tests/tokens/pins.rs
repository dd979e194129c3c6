//! PINs: tried when there is hope, never twice in vain, never where they could lock the token, and never told.

use std::fs;
use std::os::unix::fs::MetadataExt;

use keynode::tokens::{TokenError, TokenState};

use super::faulty::Faulty;
use super::softhsm::{PIN, SoftHsm, WRONG_PIN};
use super::world::World;

fn needs(told: &str) -> impl Fn(&keynode::tokens::Token) -> bool {
    let told = told.to_owned();
    move |token| matches!(&token.state, TokenState::NeedsPin(wanted) if wanted.text().contains(&told))
}

#[test]
fn a_wrong_pin_is_tried_once_also_over_a_restart_until_the_file_has_another() {
    let faulty = Faulty::new();
    let state = tempfile::tempdir().unwrap();
    faulty.hsm.pin_file("pin", WRONG_PIN);
    let world = World::with_state([("a", faulty.settings())], Some(state.path()));
    let token = world.until("a", "in need of a PIN", needs("refused the PIN"));
    assert!(!format!("{token:?}").contains(WRONG_PIN));
    // However often it is looked at.
    for _ in 0..5 {
        world.tokens.rescan();
    }
    assert!(matches!(
        world.sign("a", 1, b"x"),
        Err(TokenError::NotUsable { .. })
    ));
    assert_eq!(faulty.calls("C_Login"), 1);
    drop(world);

    let world = World::with_state([("a", faulty.settings())], Some(state.path()));
    world.until("a", "in need of a PIN", needs("refused the PIN"));
    for _ in 0..3 {
        world.tokens.rescan();
    }
    assert_eq!(faulty.calls("C_Login"), 1);

    faulty.hsm.pin_file("pin", PIN);
    world.usable("a");
    assert_eq!(faulty.calls("C_Login"), 2);
    world.sign("a", 1, b"x").unwrap();
}

#[test]
fn a_wrong_pin_is_tried_once_by_all_who_could() {
    let faulty = Faulty::new();
    let state = tempfile::tempdir().unwrap();
    let refused = needs("refused the PIN");
    // The node is there before the PIN is wrong, and does not look again by itself.
    let mut node_settings = faulty.patient_settings();
    node_settings.probe = std::time::Duration::from_hours(1);
    let node = World::with_state([("a", node_settings)], Some(state.path()));
    node.usable("a");
    let logins = faulty.calls("C_Login");
    faulty.hsm.pin_file("pin", WRONG_PIN);
    // A command that names the token in two ways, both at once.
    let mut by_serial = faulty.patient_settings();
    by_serial.label = None;
    by_serial.serial = Some(node.token("a").serial.clone());
    let command = World::with_state(
        [("a", faulty.patient_settings()), ("b", by_serial)],
        Some(state.path()),
    );
    command.until("a", "in need of a PIN", &refused);
    command.until("b", "in need of a PIN", &refused);
    assert_eq!(faulty.calls("C_Login"), logins + 1);
    // The node has to log in anew now.
    faulty.hsm.remove("one");
    node.tokens.rescan();
    node.until("a", "absent", |token| token.state == TokenState::Absent);
    faulty.hsm.put_back("one");
    node.tokens.rescan();
    node.until("a", "in need of a PIN", &refused);
    assert_eq!(faulty.calls("C_Login"), logins + 1);
}

#[test]
fn no_pin_is_given_to_a_token_that_it_could_lock_or_that_is_locked() {
    let faulty = Faulty::new();
    faulty.will("C_GetTokenInfo flags 0x20000");
    let world = World::new([("a", faulty.settings())]);
    world.until("a", "careful", needs("one more wrong PIN locks it"));
    faulty.will("C_GetTokenInfo flags 0x40000");
    world.until("a", "locked", |token| token.state == TokenState::Locked);
    world.tokens.rescan();
    assert_eq!(faulty.calls("C_Login"), 0);
    // CKR_PIN_LOCKED, of a token that did not say so before.
    faulty.will("C_Login error 0xa4");
    world.until("a", "tried", |_| faulty.calls("C_Login") == 1);
    world.until("a", "locked", |token| token.state == TokenState::Locked);
    faulty.will("");
    world.tokens.rescan();
    assert_eq!(faulty.calls("C_Login"), 1);
    drop(world);

    let hsm = SoftHsm::new(&["one"]);
    hsm.lock_pin("one");
    let world = World::new([("a", hsm.settings("one"))]);
    world.until("a", "locked", |token| token.state == TokenState::Locked);
}

#[test]
fn a_pin_of_unknown_outcome_is_tried_twice_and_not_for_ever() {
    // A crash, the standard's words for "something" or for trouble of another kind, and a maker's own word: any of them may
    // mean a wrong PIN.
    let faulty = Faulty::new();
    for fault in [
        "crash",
        "error 0x2",
        "error 0x6",
        "error 0x30",
        "error 0x32",
        "error 0xb3",
        "error 0x80000001",
    ] {
        faulty.will(&format!("C_Login {fault}"));
        let before = faulty.calls("C_Login");
        let world = World::new([("a", faulty.patient_settings())]);
        world.until("a", "in need of a PIN", needs("each of the 2 times"));
        world.tokens.rescan();
        assert_eq!(faulty.calls("C_Login"), before + 2, "{fault}");
        // It was not refused: once the module is mended, a new run has it.
        drop(world);
        faulty.will("");
        let world = World::new([("a", faulty.patient_settings())]);
        world.usable("a");
    }
}

#[test]
fn a_token_without_a_free_session_was_given_no_pin() {
    let faulty = Faulty::new();
    let mut logins = 0;
    for code in ["0x6", "0x30", "0xb1"] {
        faulty.will(&format!("C_OpenSession error {code}"));
        let before = faulty.calls("C_OpenSession");
        let world = World::new([("a", faulty.patient_settings())]);
        world.until("a", "looked at more than twice", |_| {
            faulty.calls("C_OpenSession") > before + 2
        });
        world.until("a", "faulty", |token| {
            matches!(token.state, TokenState::Faulty(_))
        });
        assert_eq!(faulty.calls("C_Login"), logins, "{code}");
        // One is enough, whatever is said of the second.
        faulty.will(&format!("after C_Login C_OpenSession error {code}"));
        world.usable("a");
        world.sign("a", 1, b"x").unwrap();
        logins += 1;
        assert_eq!(faulty.calls("C_Login"), logins, "{code}");
    }
}

#[test]
fn a_token_that_goes_at_its_login_is_tried_anew_unless_it_says_that_the_pin_was_wrong() {
    for (flags, right) in [("", true), ("C_GetTokenInfo flags 0x10000", false)] {
        let faulty = Faulty::new();
        let mut settings = faulty.patient_settings();
        settings.probe = std::time::Duration::from_hours(1);
        faulty.will("C_Login error 0x32");
        let world = World::new([("a", settings)]);
        for tries in [1, 2] {
            world.until("a", "faulty", |token| {
                matches!(token.state, TokenState::Faulty(_))
            });
            assert_eq!(faulty.calls("C_Login"), tries);
            faulty.hsm.remove("one");
            world.tokens.rescan();
            world.until("a", "absent", |token| token.state == TokenState::Absent);
            faulty.hsm.put_back("one");
            if tries == 1 {
                world.tokens.rescan();
            }
        }
        faulty.will(flags);
        world.tokens.rescan();
        if right {
            world.usable("a");
        } else {
            world.until("a", "in need of a PIN", needs("refused the PIN"));
            assert_eq!(faulty.calls("C_Login"), 2);
        }
    }
}

#[test]
fn a_pin_that_has_expired_is_tried_once() {
    let faulty = Faulty::new();
    faulty.will("C_Login error 0xa3");
    let world = World::new([("a", faulty.settings())]);
    world.until("a", "in need of a PIN", needs("expired"));
    world.tokens.rescan();
    assert_eq!(faulty.calls("C_Login"), 1);
}

#[test]
fn a_pin_file_that_others_can_read_or_that_is_missing_is_not_used() {
    let hsm = SoftHsm::new(&["one"]);
    hsm.open_pin_file(0o640);
    let world = World::new([("a", hsm.settings("one"))]);
    world.until("a", "in need of a PIN", needs("chmod 600"));
    hsm.open_pin_file(0o600);
    world.usable("a");
    drop(world);
    let mut settings = hsm.settings("one");
    settings.pin_file = None;
    let world = World::new([("a", settings.clone())]);
    world.until("a", "in need of a PIN", needs("no PIN is set"));
    drop(world);
    settings.pin_file = Some("/nonexistent".into());
    let world = World::new([("a", settings)]);
    world.until("a", "in need of a PIN", needs("cannot be read"));
}

#[test]
fn without_a_selector_a_pin_goes_only_to_a_token_that_is_alone() {
    let hsm = SoftHsm::new(&["one"]);
    let mut settings = hsm.settings("one");
    settings.label = None;
    let world = World::new([("a", settings.clone())]);
    let one = world.usable("a").serial.clone();
    drop(world);
    hsm.add("two");
    let world = World::new([("a", settings.clone())]);
    let token = world.until("a", "faulty", |token| {
        matches!(token.state, TokenState::Faulty(_))
    });
    let told = token.state.detail().unwrap();
    assert!(told.contains("2 tokens") && told.contains(&one), "{told}");
    drop(world);
    settings.serial = Some(one);
    let world = World::new([("a", settings)]);
    assert_eq!(world.usable("a").label, "one");
}

#[test]
fn the_pin_is_told_to_nobody() {
    let faulty = Faulty::new();
    faulty.will("C_Login tell");
    let log = super::log::captured();
    let world = World::new([("a", faulty.settings())]);
    let token = world.usable("a");
    let process = world.process().unwrap();
    for part in ["cmdline", "environ", "status"] {
        let bytes = fs::read(process.join(part)).unwrap();
        assert!(!String::from_utf8_lossy(&bytes).contains(PIN), "{part}");
    }
    assert!(!format!("{token:?}").contains(PIN));
    let limits = fs::read_to_string(process.join("limits")).unwrap();
    let core = limits
        .lines()
        .find(|line| line.starts_with("Max core file size"))
        .unwrap();
    assert_eq!(
        core.split_whitespace().collect::<Vec<_>>()[4..6],
        ["0", "0"],
        "{core}"
    );
    let status = fs::read_to_string(process.join("status")).unwrap();
    assert!(status.contains("NoNewPrivs:\t1"), "{status}");
    // What is known of a process that leaves no core and is not traced belongs to root, whoever runs it.
    assert_eq!(fs::metadata(&process).unwrap().uid(), 0);
    drop(world);
    let log = log.text();
    assert!(log.contains("usable"), "{log}");
    assert!(!log.contains(PIN), "{log}");
}
