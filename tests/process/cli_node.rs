//! The commands that speak to a running node or work beside it.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::harness::{Node, run, run_with};
use crate::state::State;

/// `keynode sessions ...` as admin, whose password lies in a file.
fn sessions(state: &State, node: &Node, words: &[&str], password: &str) -> std::process::Command {
    let (file, address) = (state.text("password"), node.address.to_string());
    fs::write(&file, format!("{password}\n")).unwrap();
    let mut command = state.keynode(&[&["sessions"], words].concat());
    command.args(["--listen", &address, "--password-file", &file]);
    command
}

#[test]
fn sessions_are_listed_and_released() {
    let state = State::new();
    state.install(7_131_766, &[]);
    let node = state.start(&[]);
    let mut client = node.client();
    let id = client
        .take("a")
        .unwrap()
        .header("Licence-SessionID")
        .unwrap()
        .to_owned();
    let list = |words: &[&str]| run(sessions(&state, &node, words, "admin"));
    assert!(list(&["list"]).ok().lines().any(|line| line.starts_with(&id)));
    let rows: Value = serde_json::from_str(&list(&["list", "--json"]).ok()).unwrap();
    assert_eq!(rows[0]["UserName"], "a");
    assert!(list(&["release", &id]).ok().contains(&id));
    assert!(client.sessions().is_empty());
    assert!(list(&["release", &id]).fails(4).contains(&id));
    for nonsense in ["../licences", "a b", "1 HTTP/1.1\r\nX: y"] {
        assert_eq!(list(&["release", nonsense]).code, 4, "{nonsense}");
    }
    assert!(
        run(sessions(&state, &node, &["list"], "wrong"))
            .fails(5)
            .contains("password")
    );

    let mut by_environment = state.keynode(&["sessions", "list", "--listen", &node.address.to_string()]);
    by_environment.env("KEYNODE_PASSWORD", "admin");
    run(by_environment).ok();
    let by_input = state.keynode(&["sessions", "list", "--listen", &node.address.to_string()]);
    run_with(by_input, "admin\n").ok();
    // There is no way to give one as an argument.
    assert_eq!(list(&["list", "--password", "admin"]).code, 2);
    let gone = sessions(&state, &node, &["list"], "admin");
    node.kill();
    assert!(run(gone).fails(3).contains("is keynode.service running?"));
}

#[test]
fn a_licence_that_ends_soon_is_told_by_status_and_doctor() {
    let state = State::new();
    state.install(7_131_766, &["--period", "20"]);
    let node = state.start(&[]);
    let admin = node.admin.to_string();
    let told = state.run(&["status", "--admin-listen", &admin]).ok();
    assert!(
        told.contains("key 7131766 of series 672B: 20 day(s) left"),
        "{told}"
    );
    let told = state.run(&["doctor", "--admin-listen", &admin]).out;
    assert!(told.contains("7131766 of series 672B ends on"), "{told}");
}

#[test]
fn status_tells_of_a_node_that_runs_and_of_one_that_does_not() {
    let state = State::new();
    state.install(7_131_766, &["--seats", "3"]);
    let node = state.start(&[]);
    node.client().take("a").unwrap();
    let admin = node.admin.to_string();
    let told = state.run(&["status", "--admin-listen", &admin]).ok();
    assert!(
        told.contains("healthy")
            && told.contains("1 in use, 3 on offer")
            && told.lines().any(|line| line == "activation   off"),
        "{told}"
    );
    let report = state.run(&["status", "--json", "--admin-listen", &admin]).ok();
    let report: Value = serde_json::from_str(&report).unwrap();
    assert_eq!(report["healthy"], true);
    assert_eq!(report["pid"], node.pid());
    let api = node.address.to_string();
    assert!(
        state
            .run(&["status", "--admin-listen", &api])
            .fails(1)
            .contains("no keynode")
    );
    node.kill();
    assert!(
        state
            .run(&["status", "--admin-listen", &admin])
            .fails(3)
            .contains(&admin)
    );
}

#[test]
fn a_node_is_told_to_rescan_without_a_login() {
    let state = State::new();
    let node = state.start(&[]);
    let admin = node.admin.to_string();
    state.install(7_131_766, &[]);
    let told = state.run(&["rescan", "--admin-listen", &admin]).ok();
    assert_eq!(told, "0 device(s) and 1 key(s) are there\n");
    let told = state.run(&["rescan", "--json", "--admin-listen", &admin]).ok();
    let told: Value = serde_json::from_str(&told).unwrap();
    assert_eq!((&told["Devices"], &told["Licences"]), (&0.into(), &1.into()));
    let api = node.address.to_string();
    assert!(
        state
            .run(&["rescan", "--admin-listen", &api])
            .fails(1)
            .contains("no keynode")
    );
    node.kill();
    assert!(
        state
            .run(&["rescan", "--admin-listen", &admin])
            .fails(3)
            .contains(&admin)
    );
}

#[test]
fn an_answer_is_verified_and_a_changed_one_is_not() {
    let state = State::new();
    let node = state.start(&[]);
    let key = state.run(&["public-key"]).ok();
    let answer = node.client().get("/api/publickey");
    assert_eq!(answer.json()["PublicKey"], key);
    let (pem, body) = (state.text("node.pem"), state.text("body"));
    fs::write(&pem, &key).unwrap();
    fs::write(&body, &answer.body).unwrap();
    let signature = answer.header("Licence-Signature").unwrap();
    let verify = |words: &[&str]| {
        let mut command =
            crate::harness::keynode(&["verify", "--public-key", &pem, "--signature", signature]);
        command.args(words);
        command
    };
    assert!(run(verify(&[&body])).ok().contains("verified"));
    run_with(verify(&["-"]), &answer.body).ok();
    run(verify(&[&body, "--query-id", "42"])).fails(1);
    let mut changed = answer.body.clone().into_bytes();
    changed[20] ^= 1;
    fs::write(&body, changed).unwrap();
    run(verify(&[&body])).fails(1);
    assert!(run(verify(&["/no/such"])).fails(1).contains("/no/such"));

    let fresh = State::new();
    fs::remove_file(fresh.path("state/signing.key")).unwrap();
    assert!(fresh.run(&["public-key"]).fails(4).contains("first start"));
}

#[test]
fn users_are_kept_without_a_password_on_the_command_line() {
    let state = State::new();
    let user = |words: &[&str]| state.keynode(&[&["user"], words].concat());
    assert!(run(user(&["list"])).fails(4).contains("--state-dir"));
    run_with(user(&["add", "shop", "--role", "client"]), "long enough\n").ok();
    let file = state.text("password");
    fs::write(&file, "long enough too\n").unwrap();
    run(user(&["passwd", "admin", "--password-file", &file])).ok();
    assert!(run(user(&["list"])).ok().contains("shop"));
    let rows: Value = serde_json::from_str(&run(user(&["list", "--json"])).ok()).unwrap();
    assert_eq!(rows[0]["InitialPassword"], false);
    assert_eq!(rows[1]["Name"], "shop");
    // The variable is for logging in; what is to be set comes from where it was said to.
    let mut command = user(&["passwd", "shop"]);
    command.env("KEYNODE_PASSWORD", "not this one");
    run_with(command, "but this one\n").ok();
    let node = state.start(&[]);
    let shop = |password: &str| {
        crate::http::Client::of(node.address, "shop", password)
            .get("/api")
            .status
    };
    assert_eq!(shop("but this one"), 200);

    assert!(
        run_with(user(&["add", "shop"]), "long enough\n")
            .fails(1)
            .contains("exists")
    );
    assert!(
        run_with(user(&["add", "till"]), "short\n")
            .fails(1)
            .contains("8 characters")
    );
    assert!(
        run_with(user(&["add", "a:b"]), "long enough\n")
            .fails(2)
            .contains("colons")
    );
    assert!(run(user(&["add", "till"])).fails(2).contains("no password"));
    assert!(
        run(user(&["add", "till", "--password-file", "/no/such"]))
            .fails(1)
            .contains("/no/such")
    );
    assert!(
        run_with(user(&["passwd", "nobody"]), "long enough\n")
            .fails(4)
            .contains("nobody")
    );
    assert!(run(user(&["remove", "nobody"])).fails(4).contains("nobody"));
    assert!(
        run(user(&["remove", "admin"]))
            .fails(1)
            .contains("last administrator")
    );
    let king = run(user(&["add", "till", "--role", "king"]));
    assert!(king.code == 2 && king.err.contains("gateway"), "{king:?}");
    assert!(
        run(user(&["add", "--help"]))
            .ok()
            .contains("gateway: the operators")
    );
    run_with(user(&["add", "services", "--role", "gateway"]), "long enough\n").ok();
    assert!(
        run(user(&["list"]))
            .ok()
            .lines()
            .any(|line| line.starts_with("services") && line.contains("gateway"))
    );
    run(user(&["remove", "shop"])).ok();
}

#[test]
fn commands_beside_a_node_make_no_state_of_their_own() {
    let state = State::new();
    let nowhere = state.text("nowhere");
    for words in [
        &["keys", "list"][..],
        &["licence", "list"],
        &["activation", "list"],
        &["user", "list"],
        &["audit", "list"],
        &["signing", "show"],
        &["public-key"],
    ] {
        let mut command = crate::harness::keynode(words);
        command.args(["--state-dir", &nowhere]);
        let told = run(command).fails(4);
        assert!(told.contains(&nowhere), "{words:?}: {told}");
        assert!(!Path::new(&nowhere).exists(), "{words:?} made a state directory");
    }
}
