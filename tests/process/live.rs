//! What changes beside a running node shows in its answers within a second or two, without a restart.

use std::fs;
use std::time::Duration;

use serde_json::Value;

use crate::harness::{eventually, run_with};
use crate::http::Client;
use crate::state::State;

const KEY: u64 = 7_131_766;

/// Waits until the key is as it should be; says how long that took and holds it to a limit that leaves a busy
/// computer some room.
fn shows(client: &mut Client, what: &str, is: impl Fn(&Value) -> bool) -> Value {
    let (key, took) = eventually(what, || Some(client.key(KEY)).filter(&is));
    println!("{what}: {took:?}");
    assert!(took < Duration::from_secs(3), "{what}: {took:?}");
    key
}

#[test]
fn licence_files_come_change_and_go() {
    let state = State::new();
    let file = state.licence(KEY);
    let node = state.start(&[]);
    let client = &mut node.client();
    assert_eq!(client.key(KEY), Value::Null);

    fs::copy(state.issue(KEY, &["--seats", "2"]), &file).unwrap();
    shows(client, "copied in", |key| {
        key["Enabled"] == true && key["LicenceCount"] == 2
    });
    assert_eq!(client.take("a").unwrap().status, 201);

    // Two ways to replace: a new file in its place, and new content in the same one.
    fs::rename(state.issue(KEY, &["--seats", "3"]), &file).unwrap();
    shows(client, "replaced", |key| key["LicenceCount"] == 3);
    let good = fs::read(state.issue(KEY, &["--seats", "4"])).unwrap();
    fs::write(&file, &good).unwrap();
    shows(client, "overwritten", |key| key["LicenceCount"] == 4);

    fs::write(&file, &good[..good.len() / 2]).unwrap();
    let key = shows(client, "damaged", |key| key["Workable"] == false);
    assert!(key["OpenError"].is_string(), "{key}");
    assert_eq!(client.take("b").unwrap().status, 403);
    fs::write(&file, &good).unwrap();
    shows(client, "mended", |key| key["Workable"] == true);

    fs::remove_file(&file).unwrap();
    shows(client, "removed", |key| {
        *key == Value::Null || key["Workable"] == false
    });
    fs::write(&file, &good).unwrap();
    shows(client, "back", |key| key["Enabled"] == true);
    assert_eq!(
        client.take("a").unwrap().status,
        200,
        "its seat was kept for the grace"
    );
}

#[test]
fn the_directory_may_go_and_come_back() {
    let state = State::new();
    state.install(KEY, &[]);
    let (there, away) = (state.path("state/licences"), state.path("away"));
    let node = state.start(&[]);
    let client = &mut node.client();
    for _ in 0..2 {
        shows(client, "there", |key| key["Enabled"] == true);
        fs::rename(&there, &away).unwrap();
        shows(client, "directory renamed", |key| {
            *key == Value::Null || key["Workable"] == false
        });
        fs::rename(&away, &there).unwrap();
        shows(client, "directory back", |key| key["Enabled"] == true);
    }
    // What is copied into a directory that came back is seen too.
    fs::rename(state.issue(KEY, &["--seats", "9"]), state.licence(KEY)).unwrap();
    shows(client, "replaced in it", |key| key["LicenceCount"] == 9);
}

#[test]
fn a_vendor_that_is_trusted_later_makes_its_licences_workable() {
    let state = State::distrustful();
    state.install(KEY, &[]);
    let node = state.start(&[]);
    let client = &mut node.client();
    let key = client.key(KEY);
    assert_eq!(key["Workable"], false);
    assert!(
        key["OpenError"].as_str().unwrap().contains("unknown vendor"),
        "{key}"
    );
    state
        .run(&["vendor", "trust", &state.text("vendor/vendor.pem")])
        .ok();
    shows(client, "vendor trusted", |key| key["Enabled"] == true);
}

#[test]
fn a_key_is_switched_off_and_on_and_stays_so() {
    let state = State::new();
    state.install(KEY, &[]);
    let node = state.start(&[]);
    let client = &mut node.client();
    let number = KEY.to_string();
    state.run(&["keys", "disable", &number]).ok();
    let key = shows(client, "switched off", |key| key["Enabled"] == false);
    assert_eq!(key["Workable"], true);
    assert_eq!(client.take("a").unwrap().status, 403);
    node.kill();

    let node = state.start(&[]);
    let client = &mut node.client();
    assert_eq!(client.key(KEY)["Enabled"], false);
    assert!(state.run(&["keys", "list"]).ok().contains("switched off"));
    state.run(&["keys", "enable", &number]).ok();
    shows(client, "switched on", |key| key["Enabled"] == true);
    assert_eq!(client.take("a").unwrap().status, 201);
}

#[test]
fn users_are_added_changed_and_removed_under_a_running_node() {
    let state = State::new();
    let node = state.start(&[]);
    let as_shop = |password: &str| Client::of(node.address, "shop", password).get("/api").status;
    let becomes = |what: &str, password: &str, status: u16| {
        // Each try is a failed login, and many of them are throttled: few are made.
        let ((), took) = eventually(what, || {
            std::thread::sleep(Duration::from_millis(200));
            (as_shop(password) == status).then_some(())
        });
        println!("{what}: {took:?}");
        assert!(took < Duration::from_secs(5), "{what}: {took:?}");
    };
    let set = |words: &[&str], password: &str| run_with(state.keynode(words), password).ok();
    set(&["user", "add", "shop", "--role", "monitor"], "first password\n");
    becomes("user added", "first password", 200);
    set(&["user", "passwd", "shop"], "second password\n");
    becomes("password changed", "second password", 200);
    becomes("old password refused", "first password", 401);
    state.run(&["user", "remove", "shop"]).ok();
    becomes("user removed", "second password", 401);
}
