//! `keynode demo`: what it prints can be run as it is printed, and it keeps what it finds.

use std::collections::BTreeMap;
use std::fs;
use std::io::BufRead;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::harness::{Node, keynode, run, sh};
use crate::state::{State, private_key};

/// A demo of its own home, on free ports.
fn demo(home: &Path, more: &[&str]) -> Command {
    let mut command = keynode(&["demo", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"]);
    command.args(more).current_dir(home).stdout(Stdio::piped());
    command
        .env("HOME", home)
        .env("XDG_STATE_HOME", home.join("state of mine"));
    command
}

/// What a demo says until it has said all, and the lines to try in it.
fn told(node: &mut Node) -> (String, Vec<String>) {
    let mut text = String::new();
    let mut lines = Vec::new();
    for line in node.stdout().lines().map(Result::unwrap) {
        if let Some(line) = line.strip_prefix("  ") {
            lines.push(line.to_owned());
        }
        text.push_str(&line);
        text.push('\n');
        if line.ends_with("/health.") {
            break;
        }
    }
    (text, lines)
}

/// Every file under a directory with its bytes, but for what a node writes while it runs.
fn files(directory: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(directory).unwrap().map(Result::unwrap) {
        let (path, name) = (entry.path(), entry.file_name().into_string().unwrap());
        if path.is_dir() {
            let inner = files(&path)
                .into_iter()
                .map(|(inner, bytes)| (format!("{name}/{inner}"), bytes));
            found.extend(inner);
        } else if [".licence", ".key", ".pem"].iter().any(|end| name.ends_with(end)) {
            found.insert(name, fs::read(path).unwrap());
        }
    }
    found
}

/// The code in the line that activates it.
fn code(line: &str) -> &str {
    let (_, rest) = line.split_once("ActivationCodeString\":\"").unwrap();
    rest.split_once('"').unwrap().0
}

/// KeyNo of the licence that a node answered with, which gives seats.
fn activated(answer: &str) -> u64 {
    let licence: serde_json::Value = serde_json::from_str(answer).unwrap();
    assert_eq!(licence["Workable"], true, "{answer}");
    licence["KeyNo"].as_u64().unwrap()
}

#[test]
fn the_lines_of_a_demo_work_as_printed_and_a_second_start_keeps_everything() {
    let home = tempfile::tempdir().unwrap();
    let mut node = Node::start(demo(home.path(), &[]));
    println!("first start of a demo, two RSA keys made: {:?}", node.start_took);
    let (text, lines) = told(&mut node);
    assert!(text.contains(&format!("http://{}/api", node.address)), "{text}");
    let console = format!("http://{}/console/: log in as admin/admin", node.admin);
    assert!(text.contains(&console), "{text}");
    assert_eq!(lines.len(), 5, "{text}");
    let elsewhere = tempfile::tempdir().unwrap();
    let outputs: Vec<String> = lines
        .iter()
        .map(|line| sh(line, &[], elsewhere.path()).ok())
        .collect();
    for key in ["7131766", "7131767", "7181155"] {
        assert!(outputs[0].contains(key), "{}", outputs[0]);
    }
    assert!(outputs[0].contains("\"Expired\": true"), "{}", outputs[0]);
    assert!(outputs[0].contains("this computer differs"), "{}", outputs[0]);
    assert!(
        !outputs[0].contains("activation activate"),
        "no centre knows that code: {}",
        outputs[0]
    );
    assert!(outputs[1].contains("\"KeyNo\": 7131766"), "{}", outputs[1]);
    assert!(outputs[2].contains("\"LicenceCount\":5"), "{}", outputs[2]);
    assert!(outputs[3].contains("Verified OK"), "{}", outputs[3]);
    let key_no = activated(&outputs[4]);
    assert_eq!(
        fs::read_dir(elsewhere.path()).unwrap().count(),
        0,
        "files in the working directory"
    );

    let state = home.path().join("state of mine/keynode-demo");
    let names = fs::read_dir(home.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name());
    assert_eq!(names.collect::<Vec<_>>(), ["state of mine"], "only there");
    let before = files(&state);
    assert!(before.len() >= 9, "{:?}", before.keys());
    let (status, _) = node.stop();
    assert!(status.success(), "{status}");
    let mut node = Node::start(demo(home.path(), &[]));
    let used = code(&lines[4]).to_owned();
    let (_, lines) = told(&mut node);
    assert!(sh(&lines[3], &[], elsewhere.path()).ok().contains("Verified OK"));
    assert_eq!(node.client().sessions().len(), 1, "the session of the first run");
    assert!(files(&state) == before, "something was made anew");
    assert_eq!(
        node.client().key(key_no)["Workable"],
        true,
        "the licence of the first run"
    );

    // Its centre knows what was used, and serves on.
    assert_ne!(code(&lines[4]), used);
    let outputs = sh(&lines[4], &[], elsewhere.path()).ok();
    assert_ne!(activated(&outputs), key_no);
    for code in [&used, code(&lines[4])] {
        assert!(!node.log().contains(code), "a code stands in the log");
    }
}

#[test]
fn two_demos_at_once_do_not_disturb_each_other() {
    let mut nodes: Vec<(State, Node)> = (0..2)
        .map(|_| {
            let state = State::distrustful();
            fs::rename(state.path("vendor"), state.path("state/demo-vendor")).unwrap();
            private_key("node.key.pem", &state.path("state/signing.key"));
            let node = Node::start(demo(&state.path(""), &["--state-dir", &state.text("state")]));
            (state, node)
        })
        .collect();
    let lines: Vec<(String, Vec<String>)> = nodes.iter_mut().map(|(_, node)| told(node)).collect();
    std::thread::scope(|scope| {
        for (_, lines) in &lines {
            scope.spawn(move || {
                for _ in 0..5 {
                    let done = sh(&lines[3], &[], Path::new("/"));
                    assert!(done.out.contains("Verified OK"), "{done:?}");
                }
                activated(&sh(&lines[4], &[], Path::new("/")).ok());
            });
        }
    });
}

#[test]
fn a_demo_that_was_interrupted_is_taken_up_again() {
    let state = State::distrustful();
    // The vendor's key is the last thing that is made of it.
    fs::rename(state.path("vendor"), state.path("state/demo-vendor")).unwrap();
    fs::remove_file(state.path("state/demo-vendor/vendor.key")).unwrap();
    let node = Node::start(demo(&state.path(""), &["--state-dir", &state.text("state")]));
    assert_eq!(node.client().key(7_131_766)["Enabled"], true);
}

#[test]
fn a_demo_with_a_token_signs_on_it_and_finds_it_again() {
    let home = tempfile::tempdir().unwrap();
    let mut node = Node::start(demo(home.path(), &["--hsm"]));
    let (text, lines) = told(&mut node);
    assert!(text.contains("SoftHSM2") && lines.len() == 6, "{text}");
    let elsewhere = tempfile::tempdir().unwrap();
    let outputs: Vec<String> = lines
        .iter()
        .map(|line| sh(line, &[], elsewhere.path()).ok())
        .collect();
    assert!(outputs[3].contains("Verified OK"), "{}", outputs[3]);
    activated(&outputs[5]);
    let keys: serde_json::Value = serde_json::from_str(&outputs[4]).unwrap();
    assert_eq!(keys["Keys"][0]["Provider"], "pkcs11", "{keys}");
    assert_eq!(
        (&keys["Keys"][0]["State"], &keys["Keys"][0]["Usable"]),
        (&"Current".into(), &true.into())
    );
    assert_eq!(
        fs::read_dir(elsewhere.path()).unwrap().count(),
        0,
        "files in the working directory"
    );
    let state = home.path().join("state of mine/keynode-demo");
    let names = fs::read_dir(home.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name());
    assert_eq!(names.collect::<Vec<_>>(), ["state of mine"], "only there");
    assert!(
        !state.join("signing.key").exists(),
        "the token's key is the only one"
    );
    // What the text names is for other commands.
    let command = text.split("such as: ").nth(1).unwrap().lines().next().unwrap();
    let shown = sh(command, &[], elsewhere.path()).ok();
    assert!(shown.contains("Current") && shown.contains("usable"), "{shown}");

    let pin = fs::read_to_string(state.join("hsm/pin")).unwrap();
    let mode = std::os::unix::fs::MetadataExt::mode(&fs::metadata(state.join("hsm/pin")).unwrap());
    assert_eq!(mode & 0o777, 0o600);
    assert!(!text.contains(pin.trim()) && !node.log().contains(pin.trim()));
    let (status, _) = node.stop();
    assert!(status.success(), "{status}");
    let mut node = Node::start(demo(home.path(), &["--hsm"]));
    let (_, lines) = told(&mut node);
    assert!(sh(&lines[3], &[], elsewhere.path()).ok().contains("Verified OK"));
    let again: serde_json::Value = serde_json::from_str(&sh(&lines[4], &[], elsewhere.path()).ok()).unwrap();
    assert_eq!(again["PublicKey"], keys["PublicKey"], "another key");
}

/// The only certificate that signs.
fn thumbprint(node: &Node) -> String {
    let answer = node.client().get("/api/certificates?Usable=true");
    let rows = answer.json()["Certificates"].as_array().unwrap().clone();
    let [row] = &rows[..] else { panic!("{rows:?}") };
    assert_eq!(row["ITN"], "7707083893", "{row}");
    row["Thumbprint"].as_str().unwrap().to_owned()
}

/// The subscriber's number of the organisation.
fn subscriber(node: &Node) -> String {
    let organization = node.client().get("/api/organizations/7707083893").json();
    let number = organization["SubscriberID"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    assert!(!number.is_empty(), "{organization}");
    number
}

#[test]
fn a_demo_with_the_services_shows_all_of_them_and_finds_its_key_again() {
    let home = tempfile::tempdir().unwrap();
    let mut node = Node::start(demo(home.path(), &["--gateway"]));
    let (text, lines) = told(&mut node);
    assert!(
        text.contains("gateway/gateway-demo") && lines.len() == 12,
        "{text}"
    );
    let elsewhere = tempfile::tempdir().unwrap();
    let tried = |line: &String| sh(line, &[], elsewhere.path()).ok();
    let outputs: Vec<String> = lines[5..].iter().map(tried).collect();
    for (output, sign) in outputs.iter().zip([
        "\"Valid\":true",
        "\"Token\":\"",
        "\"omsConnection\"",
        "Обработана",
        "\"Url\":\"http",
        "\"Registered\":true",
        "\"ErrorCode\":\"\"",
    ]) {
        assert!(output.contains(sign), "{sign} in {outputs:#?}");
    }
    assert_eq!(
        fs::read_dir(elsewhere.path()).unwrap().count(),
        0,
        "files in the working directory"
    );
    let token = outputs[1].split("\"Token\":\"").nth(1).unwrap();
    let token = token.split('"').next().unwrap();
    let first = (thumbprint(&node), subscriber(&node));
    let log = node.log();
    let ticket = outputs[0]
        .split("ticket: ")
        .nth(1)
        .unwrap()
        .lines()
        .next()
        .unwrap();
    for secret in [token, ticket, "demo of the portal"] {
        assert!(
            !secret.is_empty() && !log.contains(secret),
            "{secret} stands in the log"
        );
    }
    let state = home.path().join("state of mine/keynode-demo");
    let left = fs::read_dir(state.join("demo-services/questions"))
        .unwrap()
        .count();
    assert_eq!(left, 0, "files of the judge");
    let (status, _) = node.stop();
    assert!(status.success(), "{status}");

    // The same key on the same token, and what was got with it; now answers are signed there too. The stand-ins are others.
    let mut node = Node::start(demo(home.path(), &["--gateway", "--hsm"]));
    let (text, lines) = told(&mut node);
    assert!(text.contains("SoftHSM2") && lines.len() == 13, "{text}");
    assert!(tried(&lines[3]).contains("Verified OK"));
    assert_eq!((thumbprint(&node), subscriber(&node)), first);
    assert!(tried(&lines[7]).contains("\"Token\":\""));
}

#[test]
fn a_demo_with_the_services_says_what_it_lacks() {
    let state = State::distrustful();
    fs::rename(state.path("vendor"), state.path("state/demo-vendor")).unwrap();
    let place = state.text("state");
    let mut command = keynode(&["demo", "--gateway", "--state-dir", &place]);
    command.args(["--listen", "0.0.0.0:0"]);
    let told = run(command).fails(2);
    assert!(told.contains("--listen 127.0.0.1:PORT"), "{told}");
    assert!(!state.path("state/hsm").exists(), "something was made");

    // First no program at all, then only that which makes tokens.
    let programs = state.path("programs");
    fs::create_dir(&programs).unwrap();
    let without = || {
        let mut command = demo(&state.path(""), &["--state-dir", &place, "--gateway"]);
        command.env("PATH", &programs).env("KEYNODE_LOG_LEVEL", "error");
        run(command).fails(1)
    };
    let told = without();
    assert!(told.contains("no softhsm2-util here: install SoftHSM2"), "{told}");
    std::os::unix::fs::symlink("/usr/bin/softhsm2-util", programs.join("softhsm2-util")).unwrap();
    let told = without();
    assert!(told.contains("no openssl here: install OpenSSL"), "{told}");
}
