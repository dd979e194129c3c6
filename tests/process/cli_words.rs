//! What the command line says and with which code it ends: a test for each.

use std::fs;
use std::process::Stdio;

use serde_json::Value;

use crate::harness::{eventually, keynode, run};
use crate::http::Client;
use crate::state::State;

#[test]
fn each_exit_code_means_what_the_manual_says() {
    let state = State::new();
    let settings = state.text("bad.toml");
    fs::write(&settings, "nonsense = 1\n").unwrap();
    let nobody = "127.0.0.1:9";
    let code = |words: &[&str]| state.run(words).code;
    assert_eq!(code(&["keys", "list"]), 0);
    assert_eq!(code(&["restore", &state.text("vendor/vendor.pem")]), 1);
    assert_eq!(code(&["sessions", "lost"]), 2);
    assert_eq!(code(&["keys", "show", "1"]), 4);
    assert_eq!(code(&["config", "check", "--config", &settings]), 78);
    for words in [
        &["status", "--admin-listen"][..],
        &["rescan", "--admin-listen"],
        &["sessions", "list", "--listen"],
        &["connections", "list", "--listen"],
        &["gateway", "organizations", "--listen"],
    ] {
        let mut command = state.keynode(&[words, &[nobody]].concat());
        command.env("KEYNODE_PASSWORD", "admin");
        let told = run(command).fails(3);
        assert!(
            told.contains("no node at 127.0.0.1:9: is keynode.service running?"),
            "{told}"
        );
        assert!(
            told.contains(words[words.len() - 1]),
            "it names the option: {told}"
        );
    }
    let node = state.start(&[]);
    let mut command = state.keynode(&["connections", "list", "--listen", &node.address.to_string()]);
    command.env("KEYNODE_PASSWORD", "wrong");
    assert_eq!(run(command).code, 5);
}

#[test]
fn alone_it_shows_its_help_and_a_slip_is_put_right() {
    let alone = run(keynode(&[]));
    assert_eq!(alone.code, 2);
    assert!(alone.err.contains("Usage: keynode") && alone.err.contains("connections"));
    let slip = run(keynode(&["sesions", "list"]));
    assert!(slip.code == 2 && slip.err.contains("'sessions'"), "{slip:?}");
    for words in [
        &["sessions", "list", "-h"][..],
        &["backup", "-h"],
        &["connections", "list", "-h"],
    ] {
        assert!(run(keynode(words)).ok().contains("Examples:\n"), "{words:?}");
    }
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let mut child = keynode(&["config", "sample"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
}

#[test]
fn connections_are_listed_shown_and_closed() {
    let state = State::new();
    let node = state.start(&[]);
    let address = node.address.to_string();
    let body = r#"{"ComputerName":"desk-1","Process":"1cv8"}"#;
    let made = node.client().call("POST", "/api/connections", body).unwrap();
    assert_eq!(made.status, 201, "{}", made.body);
    let id = made.json()["ID"].as_str().unwrap().to_owned();
    let call = |words: &[&str]| {
        let mut command = state.keynode(&[&["connections"], words, &["--listen", &address]].concat());
        command.env("KEYNODE_PASSWORD", "admin");
        run(command)
    };
    let table = call(&["list"]).ok();
    assert!(
        table
            .lines()
            .any(|line| line.starts_with(&id) && line.contains("desk-1")),
        "{table}"
    );
    assert!(!table.contains('\u{1b}'), "no colours in a pipe");
    let rows: Value = serde_json::from_str(&call(&["list", "--json"]).ok()).unwrap();
    assert_eq!(rows[0]["Process"], "1cv8");
    assert!(call(&["show", &id]).ok().contains("1cv8"));
    let one: Value = serde_json::from_str(&call(&["show", &id, "--json"]).ok()).unwrap();
    assert_eq!(one["ID"], *id);
    call(&["close", &id]).ok();
    assert!(call(&["close", "../sessions"]).fails(4).contains("no connection"));
    let gone = call(&["show", "00000000000000000000000000000000"]);
    assert_eq!(gone.code, 4, "{gone:?}");
}

#[test]
fn sessions_are_filtered_sorted_shown_and_watched() {
    let state = State::new();
    state.install(7_131_766, &[]);
    let node = state.start(&[]);
    let address = node.address.to_string();
    let mut client = node.client();
    let id = client
        .take("anna")
        .unwrap()
        .header("Licence-SessionID")
        .unwrap()
        .to_owned();
    client.take("boris").unwrap();
    let call = |words: &[&str]| {
        let mut command = state.keynode(&[&["sessions"], words, &["--listen", &address]].concat());
        command.env("KEYNODE_PASSWORD", "admin");
        command
    };
    let users = |words: &[&str]| -> Vec<String> {
        let text = run(call(&[&["list", "--json"], words].concat())).ok();
        let rows: Vec<Value> = serde_json::from_str(&text).unwrap();
        rows.iter()
            .map(|row| row["UserName"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(users(&["--user-name", "BORIS"]), ["boris"]);
    assert_eq!(
        users(&["--series", "672B", "--key", "7131766", "--sort", "-UserName"]),
        ["boris", "anna"]
    );
    assert!(users(&["--series", "9999"]).is_empty() && users(&["--computer", "a&b"]).is_empty());
    assert_eq!(run(call(&["list", "--sort", "Nonsense"])).code, 2);
    assert!(run(call(&["show", &id])).ok().contains("anna"));

    let mut watch = call(&["list", "--watch", "--json"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = std::io::BufReader::new(watch.stdout.take().unwrap());
    let (sender, told) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        for line in std::io::BufRead::lines(lines).map_while(Result::ok) {
            let _ = sender.send(serde_json::from_str::<Value>(&line).unwrap());
        }
    });
    let next = || told.recv_timeout(crate::harness::PATIENCE).unwrap();
    let both = [next(), next()];
    assert!(both.iter().all(|line| line["Event"] == "taken"), "{both:?}");
    run(call(&["release", &id])).ok();
    let line = next();
    assert_eq!(
        (line["Event"].as_str(), line["Session"]["UserName"].as_str()),
        (Some("ended"), Some("anna"))
    );
    let pid = rustix::process::Pid::from_raw(i32::try_from(watch.id()).unwrap()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    let (ended, _) = eventually("it ends", || watch.try_wait().unwrap());
    assert_eq!(ended.code(), Some(0));
    assert_eq!(Client::new(node.address).sessions().len(), 1);
}

#[test]
fn a_key_is_shown_with_all_that_is_known_of_it() {
    let state = State::new();
    state.install(7_131_766, &["--seats", "3"]);
    let shown = state.run(&["keys", "show", "7131766"]).ok();
    assert!(
        shown
            .lines()
            .any(|line| line.starts_with("Workable") && line.ends_with("true")),
        "{shown}"
    );
    assert!(
        shown
            .lines()
            .any(|line| line.starts_with("LicenceCount") && line.ends_with('3')),
        "{shown}"
    );
    let json: Value = serde_json::from_str(&state.run(&["keys", "show", "7131766", "--json"]).ok()).unwrap();
    assert_eq!(json["KeyNo"], 7_131_766);
}

#[test]
fn what_is_told_is_told_in_json_too() {
    let state = State::new();
    state.install(7_131_766, &["--computer", "self"]);
    drop(state.start(&[]));
    state.run(&["keys", "disable", "7131766"]).ok();
    let licence = state.licence(7_131_766);
    let licence = licence.to_str().unwrap();
    let parsed = |text: String| -> Value { serde_json::from_str(&text).unwrap() };
    let told = |words: &[&str]| parsed(state.run(&[words, &["--json"]].concat()).ok());
    let settings = told(&["config", "show"]);
    let listen = settings
        .as_array()
        .unwrap()
        .iter()
        .find(|row| row["Name"] == "listen");
    assert_eq!(listen.unwrap()["Value"], "127.0.0.1:9099");
    assert_eq!(listen.unwrap()["Origin"], "default");
    assert!(told(&["audit", "verify"])["Rows"].as_u64().unwrap() > 0);
    let rows = state.run(&["audit", "list", "--json"]).ok();
    let row: Value = serde_json::from_str(rows.lines().next().unwrap()).unwrap();
    assert!(row["Seq"] == 1 && row["Event"].is_string(), "{row}");
    let inspected = told(&["vendor", "inspect", licence]);
    assert_eq!(
        (&inspected["Signature"], &inspected["Licence"]["KeyNo"]),
        (&"good".into(), &7_131_766.into())
    );
    let diff = parsed(run(keynode(&["computer", "diff", licence, "--json"])).ok());
    assert_eq!((&diff["Bound"], &diff["Matches"]), (&true.into(), &true.into()));

    let file = state.text("backup.tar.gz");
    let made = told(&["backup", &file]);
    assert_eq!(made["File"], *file);
    assert_eq!(told(&["restore", "--dry-run", &file])["Backup"], made["Backup"]);
    let restored = told(&["restore", &file]);
    assert!(std::path::Path::new(restored["Before"].as_str().unwrap()).is_dir());
    assert_eq!(state.run(&["backup", "-", "--json"]).code, 2);
}

#[test]
fn colours_are_where_they_are_wanted() {
    let state = State::new();
    let list = |words: &[&str]| state.run(&[&["keys", "list"], words].concat()).ok();
    assert!(!list(&[]).contains('\u{1b}'));
    assert!(list(&["--color", "always"]).starts_with("\u{1b}[1mKEYID"));
    assert!(!list(&["--color=never"]).contains('\u{1b}'));
}
