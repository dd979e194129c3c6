//! What a node needs to start, and what it says where that is not there.

use std::fs;
use std::net::TcpListener;

use crate::harness::{Node, run, run_with};
use crate::http::Client;
use crate::state::State;

#[test]
fn a_restart_keeps_sessions_and_their_lives() {
    let state = State::new();
    state.install(7_131_766, &[]);
    let node = state.start(&[]);
    let mut client = node.client();
    for name in ["a", "b"] {
        assert_eq!(client.take(name).unwrap().status, 201);
    }
    let before = client.sessions();
    let (status, _) = node.stop();
    assert!(status.success(), "{status}");

    let node = state.start(&[]);
    let after = node.client().sessions();
    assert_eq!(after.len(), 2);
    for (before, after) in before.iter().zip(&after) {
        for field in ["ID", "UserName", "UsedLicence", "SessionStarted"] {
            assert_eq!(before[field], after[field]);
        }
        assert!(
            after["ExpireTime"].as_str() >= before["ExpireTime"].as_str(),
            "{before} {after}"
        );
    }
    assert_eq!(node.client().take("a").unwrap().status, 200);
}

#[test]
fn a_second_node_on_the_same_state_is_refused() {
    let state = State::new();
    let _node = state.start(&[]);
    let told = run(state.serve(&[])).err;
    assert!(
        told.contains("another keynode uses the state directory"),
        "{told}"
    );
    assert!(told.contains(&state.text("state")), "{told}");
}

#[test]
fn a_port_in_use_is_named() {
    let state = State::new();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let told = run(state.serve(&["--listen", &address])).fails(1);
    assert!(told.contains(&address) && told.contains("--listen"), "{told}");
}

#[test]
fn a_state_directory_that_cannot_be_used_is_named() {
    let state = State::new();
    fs::remove_dir_all(state.path("state")).unwrap();
    fs::write(state.path("state"), "a file").unwrap();
    let told = run(state.serve(&[])).fails(1);
    assert!(
        told.contains(&state.text("state")) && told.contains("not a directory"),
        "{told}"
    );
}

#[test]
fn unknown_settings_are_refused_with_their_place() {
    let state = State::new();
    let file = state.text("keynode.toml");
    fs::write(&file, "workers = 1\n\n[sessions]\nlive = \"15m\"\n").unwrap();
    let told = run(state.serve(&["--config", &file])).fails(78);
    assert!(told.contains(&format!("{file}:4:1")), "{told}");
    assert!(
        told.contains("\"live\"") && told.contains("expected one of"),
        "{told}"
    );

    let told = run(state.serve(&["--config", &state.text("missing.toml")])).fails(78);
    assert!(told.contains("missing.toml"), "{told}");
    let told = run(state.serve(&["--sessions-grace", "soon"])).fails(78);
    assert!(
        told.contains("--sessions-grace") && told.contains("duration"),
        "{told}"
    );
    let mut command = state.serve(&[]);
    command.env("KEYNODE_WORKERS", "many");
    assert!(run(command).fails(78).contains("KEYNODE_WORKERS"));
}

#[test]
fn others_reach_a_node_only_after_the_password_is_changed() {
    let state = State::new();
    let told = run(state.serve(&["--listen", "0.0.0.0:0"])).fails(78);
    assert!(told.contains("keynode user passwd admin"), "{told}");
    let told = run(state.serve(&["--admin-listen", "0.0.0.0:0"])).fails(78);
    assert!(told.contains("--admin-listen"), "{told}");

    let change = state.keynode(&["user", "passwd", "admin"]);
    run_with(change, "correct horse\n").ok();
    let node = state.start(&["--listen", "0.0.0.0:0"]);
    let local = ([127, 0, 0, 1], node.address.port()).into();
    let mut client = Client::of(local, "admin", "correct horse");
    assert_eq!(client.get("/api").status, 200);
    assert_eq!(Client::new(local).get("/api").status, 401);
}

#[test]
fn a_damaged_state_file_is_refused_and_left_alone() {
    let state = State::new();
    Node::stop(state.start(&[]));
    let path = state.path("state/keynode.db");
    // What the node left in the journal beside the file goes into it as the last user of both closes.
    let connection = rusqlite::Connection::open(&path).unwrap();
    connection
        .query_row("SELECT count(*) FROM users", [], |_| Ok(()))
        .unwrap();
    connection.close().unwrap();
    assert!(!state.path("state/keynode.db-wal").exists());
    let good = fs::read(&path).unwrap();
    let damaged_pages = [&good[..4096], &vec![0x5a; good.len() - 4096]].concat();
    for damaged in [
        vec![0x5a; good.len()],
        damaged_pages,
        good[..good.len() / 2].to_vec(),
    ] {
        fs::write(&path, &damaged).unwrap();
        let told = run(state.serve(&[])).fails(1);
        assert!(told.contains(&state.text("state/keynode.db")), "{told}");
        assert!(fs::read(&path).unwrap() == damaged, "the file was changed");
    }
    fs::write(&path, good).unwrap();
    state.start(&[]);
}

#[test]
fn a_signing_key_that_others_may_read_is_refused() {
    use std::os::unix::fs::PermissionsExt;
    let state = State::new();
    let key = state.path("state/signing.key");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).unwrap();
    let told = run(state.serve(&[])).fails(1);
    assert!(told.contains(key.to_str().unwrap()), "{told}");
}
