//! Modules that fall silent while the node itself asks them, or are busy for long: what is noticed, when, and what is not
//! taken for trouble.

use std::time::{Duration, Instant};

use keynode::tokens::{KeyKind, NewKey, Operation, TokenState};

use super::faulty::Faulty;
use super::world::World;

/// Far less than the time-out that is set where it is measured, and far more than anything takes.
const SOON: Duration = Duration::from_secs(20);

#[test]
fn a_crash_while_the_node_itself_looks_is_noticed_at_once() {
    for function in ["C_GetTokenInfo", "C_FindObjects"] {
        let faulty = Faulty::new();
        let world = World::new([("a", faulty.patient_settings())]);
        world.usable("a");
        faulty.will(&format!("once {function} crash"));
        let begun = Instant::now();
        world.tokens.rescan();
        assert!(begun.elapsed() < SOON, "{function}");
        world.usable("a");
        world.sign("a", 1, b"x").unwrap();
        assert_eq!(faulty.calls("C_Initialize"), 2, "{function}");
    }
}

#[test]
fn the_stop_waits_for_no_look_that_hangs() {
    for function in ["C_GetTokenInfo", "C_FindObjects"] {
        let faulty = Faulty::new();
        let world = World::new([("a", faulty.patient_settings())]);
        world.usable("a");
        let processes = world.processes();
        let before = faulty.calls(function);
        faulty.will(&format!("{function} hang"));
        std::thread::scope(|scope| {
            scope.spawn(|| world.tokens.rescan());
            world.until("a", "hanging", |_| faulty.calls(function) > before);
            let begun = Instant::now();
            world.tokens.stop();
            assert!(begun.elapsed() < SOON, "{function}");
        });
        for process in processes {
            assert!(!process.exists(), "{}", process.display());
        }
        // Nor was it tried anew.
        assert_eq!(faulty.calls("C_Initialize"), 1, "{function}");
    }
}

#[test]
fn a_key_that_takes_long_to_be_made_is_made_on_a_token_that_does_nothing_else_meanwhile() {
    let faulty = Faulty::new();
    let mut settings = faulty.settings();
    settings.sessions = 1;
    let world = World::new([("a", settings)]);
    world.usable("a");
    faulty.will("C_GenerateKeyPair wait");
    std::thread::scope(|scope| {
        let made = scope.spawn(|| {
            let create = Operation::CreateKey {
                id: vec![7],
                label: "made".into(),
                key: NewKey::Generated(KeyKind::EcP256),
            };
            world.tokens.perform_and_wait("a", create)
        });
        world.until("a", "making it", |_| faulty.calls("C_GenerateKeyPair") == 1);
        // Returns after several times the time-out, for the look is not done before the key is.
        world.tokens.rescan();
        assert_eq!(world.token("a").state, TokenState::Usable);
        faulty.will("");
        made.join().unwrap().unwrap();
    });
    assert!(world.token("a").key(&[7]).is_some());
    assert_eq!(faulty.calls("C_Initialize"), 1);
}
