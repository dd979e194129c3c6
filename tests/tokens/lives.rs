//! Lives of the modules' processes: one for each token, ended with the node, nothing left behind.

use std::fs;
use std::time::{Duration, Instant};

use keynode::node::token_rules;
use keynode::tokens::{TokenState, TokensHandle};

use super::faulty::Faulty;
use super::softhsm::SoftHsm;
use super::world::{World, named, rsa};

fn open_files() -> usize {
    fs::read_dir("/proc/self/fd").unwrap().count()
}

#[test]
fn ten_thousand_signatures_over_eight_threads() {
    let hsm = SoftHsm::new(&["one"]);
    hsm.make_key("one", "rsa:2048", 1, "answers");
    let world = World::new([("a", hsm.settings("one"))]);
    world.usable("a");
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let world = &world;
            scope.spawn(move || {
                for number in 0..1250 {
                    world
                        .sign("a", 1, format!("{thread} {number}").as_bytes())
                        .unwrap();
                }
            });
        }
    });
}

#[test]
fn the_start_waits_for_no_token_and_the_stop_for_none_that_hangs() {
    let faulty = Faulty::new();
    faulty.will("C_Initialize hang");
    let absent = SoftHsm::new(&["one"]);
    let mut hanging = faulty.settings();
    hanging.timeout = Duration::from_mins(1);
    let begun = Instant::now();
    let world = World::new([("a", hanging), ("b", absent.settings("never"))]);
    assert!(begun.elapsed() < Duration::from_secs(10), "the start waited");
    assert_eq!(world.tokens.tokens().len(), 2);
    world.until("a", "hanging", |_| faulty.calls("C_Initialize") > 0);
    assert_eq!(world.token("b").state, TokenState::Absent);
    let processes = world.processes();
    let begun = Instant::now();
    world.tokens.stop();
    assert!(begun.elapsed() < Duration::from_secs(10), "the stop waited");
    for process in processes {
        assert!(!process.exists(), "{}", process.display());
    }
    assert!(world.tokens.tokens().is_empty());
}

#[test]
fn nothing_is_left_of_processes_that_crashed() {
    let faulty = Faulty::new();
    let mut settings = faulty.patient_settings();
    settings.probe = Duration::from_millis(1);
    let world = World::new([("a", settings)]);
    world.usable("a");
    world.sign("a", 1, b"x").unwrap();
    let files = open_files();
    for _ in 0..20 {
        faulty.will("once C_Sign crash");
        world.sign("a", 1, b"x").unwrap();
    }
    assert_eq!(open_files(), files);
    let mut children = world.processes();
    assert_eq!(children.len(), 1, "{children:?}");
    assert!(
        !fs::read_to_string(children.remove(0).join("status"))
            .unwrap()
            .contains("zombie")
    );
}

#[test]
fn a_process_ends_with_its_node() {
    let hsm = SoftHsm::new(&["one"]);
    let world = World::new([("a", hsm.settings("one"))]);
    world.usable("a");
    let process = world.process().unwrap();
    drop(world);
    assert!(!process.exists());
}

#[test]
fn only_tokens_whose_rules_changed_are_disturbed() {
    let hsm = SoftHsm::new(&["one", "two"]);
    hsm.make_key("one", "rsa:2048", 1, "answers");
    let world = World::new([("a", hsm.settings("one")), ("b", hsm.settings("two"))]);
    world.usable("a");
    world.usable("b");
    let before = world.processes();
    let mut changed = hsm.settings("two");
    changed.sessions = 1;
    let rules = |tokens| token_rules(&tokens, None);
    world.tokens.set_rules(rules(named([
        ("a", hsm.settings("one")),
        ("b", changed),
        ("c", hsm.settings("three")),
    ])));
    world.usable("b");
    world.until("c", "absent", |token| token.state == TokenState::Absent);
    let after = world.processes();
    let kept = before.iter().filter(|process| after.contains(process)).count();
    assert_eq!(kept, 1, "{before:?} {after:?}");
    world.sign("a", 1, b"x").unwrap();
    world.tokens.set_rules(rules(named([("a", hsm.settings("one"))])));
    assert_eq!(world.tokens.tokens().len(), 1);
    assert!(world.tokens.perform_and_wait("b", rsa(1, b"x")).is_err());
}

#[test]
fn a_handle_without_tokens_does_nothing() {
    let handle = TokensHandle::default();
    assert!(handle.tokens().is_empty());
    handle.rescan();
    handle.set_rules(Vec::new());
    assert!(handle.perform_and_wait("a", rsa(1, b"x")).is_err());
    handle.stop();
}

#[test]
fn operations_are_performed_for_tasks_too() {
    let hsm = SoftHsm::new(&["one"]);
    hsm.make_key("one", "rsa:2048", 1, "answers");
    let world = World::new([("a", hsm.settings("one"))]);
    world.usable("a");
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let all = runtime.block_on(async {
        let many = (0..64).map(|_| world.tokens.perform("a", rsa(1, b"x")));
        futures_util::future::join_all(many).await
    });
    let first = all[0].as_ref().unwrap();
    assert!(all.iter().all(|one| one.as_ref() == Ok(first)));
}
