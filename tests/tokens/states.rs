//! How it stands with a token: there, gone, back, wanting a PIN, locked; and that one does not disturb another.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use keynode::tokens::{TokenError, TokenState};

use super::softhsm::{SoftHsm, WRONG_PIN};
use super::world::World;

#[test]
fn a_token_that_is_pulled_and_put_back_in_the_middle_of_load_comes_back_by_itself() {
    let hsm = SoftHsm::new(&["one", "two"]);
    for token in ["one", "two"] {
        hsm.make_key(token, "rsa:2048", 1, "answers");
    }
    let world = World::new([("a", hsm.settings("one")), ("b", hsm.settings("two"))]);
    world.usable("a");
    world.usable("b");
    let (stop, signed, refused) = (AtomicBool::new(false), AtomicUsize::new(0), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        let stop = &stop;
        for thread in 0..8 {
            let (world, signed, refused) = (&world, &signed, &refused);
            scope.spawn(move || {
                for number in 0.. {
                    if stop.load(Ordering::Relaxed) {
                        return;
                    }
                    // Each signature that comes is verified.
                    match world.sign("a", 1, format!("{thread} {number}").as_bytes()) {
                        Ok(()) => signed.fetch_add(1, Ordering::Relaxed),
                        Err(TokenError::NotUsable { .. } | TokenError::Refused { .. }) => {
                            std::thread::yield_now();
                            refused.fetch_add(1, Ordering::Relaxed)
                        }
                        Err(error) => panic!("{error}"),
                    };
                }
            });
        }
        let other = scope.spawn(|| {
            let mut done = 0;
            while !stop.load(Ordering::Relaxed) {
                world.sign("b", 1, b"undisturbed").unwrap();
                done += 1;
            }
            done
        });
        let load = |more: usize| {
            let until = Instant::now() + Duration::from_mins(1);
            let target = signed.load(Ordering::Relaxed) + more;
            while signed.load(Ordering::Relaxed) < target {
                assert!(Instant::now() < until, "no load");
                std::thread::yield_now();
            }
        };
        for _ in 0..3 {
            load(50);
            hsm.remove("one");
            world.until("a", "absent", |token| token.state == TokenState::Absent);
            hsm.put_back("one");
            world.usable("a");
        }
        load(50);
        stop.store(true, Ordering::Relaxed);
        assert!(other.join().unwrap() > 0);
    });
    assert!(refused.load(Ordering::Relaxed) > 0);
}

#[test]
fn a_token_that_goes_is_missed_even_if_nothing_is_asked_of_it() {
    let hsm = SoftHsm::new(&["one"]);
    hsm.make_key("one", "rsa:2048", 1, "answers");
    let world = World::new([("a", hsm.settings("one"))]);
    world.usable("a");
    hsm.remove("one");
    let token = world.until("a", "absent", |token| token.state == TokenState::Absent);
    assert!(token.key(&[1]).is_some(), "what was seen last is kept");
    hsm.put_back("one");
    world.usable("a");
    world.sign("a", 1, b"x").unwrap();
    // And at once where somebody says to look.
    hsm.remove("one");
    world.tokens.rescan();
    assert_eq!(world.token("a").state, TokenState::Absent);
    hsm.put_back("one");
    world.tokens.rescan();
    assert_eq!(world.token("a").state, TokenState::Usable);
}

#[test]
fn a_token_in_place_of_another_is_not_shown_with_what_was_on_that() {
    let hsm = SoftHsm::new(&["one"]);
    hsm.make_key("one", "rsa:2048", 1, "answers");
    let world = World::new([("a", hsm.settings("one"))]);
    let before = world.usable("a");
    assert_eq!(before.keys.len(), 1);
    hsm.remove("one");
    let gone = world.until("a", "absent", |token| token.state == TokenState::Absent);
    assert_eq!(
        gone.keys, before.keys,
        "what was seen last is shown while it is away"
    );
    hsm.pin_file("pin", WRONG_PIN);
    hsm.add("one");
    let other = world.until("a", "in want of a PIN", |token| {
        matches!(token.state, TokenState::NeedsPin(_))
    });
    assert_ne!(other.serial, before.serial);
    assert!(
        other.keys.is_empty() && other.certificates.is_empty(),
        "{other:?}"
    );
}
