//! `keynode backup` and `keynode restore`: everything comes back, whatever happens meanwhile.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use serde_json::Value;

use crate::harness::{eventually, keynode, run, run_with};
use crate::http::Client;
use crate::state::State;

/// Files below a directory with what is in them; without those that belong to no state.
fn files(directory: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut open = vec![directory.to_owned()];
    while let Some(next) = open.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(directory).unwrap().to_str().unwrap().to_owned();
            if path.is_dir() {
                open.push(path);
            } else if !name.ends_with("-shm") && !name.ends_with("-wal") {
                found.insert(name, fs::read(&path).unwrap());
            }
        }
    }
    found
}

#[test]
fn everything_comes_back_on_another_computers_state_directory() {
    let state = State::new();
    state.install(7_131_766, &[]);
    let file = state.text("backup.tar.gz");
    run_with(
        state.keynode(&["user", "add", "eve", "--role", "monitor"]),
        "secret-of-eve\n",
    )
    .ok();
    let settings = state.text("keynode.toml");
    fs::write(&settings, "[sessions]\nlife = \"1h\"\n").unwrap();
    let node = state.start(&["--config", &settings]);
    node.client().take("a").unwrap();
    let key = node.client().get("/api/public-key").body;

    let told = state.run(&["backup", &file, "--config", &settings]).ok();
    assert!(told.contains("private keys"), "{told}");
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    // Nothing of what it was made of is left.
    let beside: Vec<_> = fs::read_dir(state.path("."))
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert!(
        beside
            .iter()
            .all(|name| !name.to_string_lossy().contains("backup-")),
        "{beside:?}"
    );
    assert!(state.run(&["backup", &file]).fails(1).contains("--force"));
    state
        .run(&["backup", &file, "--force", "--config", &settings])
        .ok();
    assert!(
        state
            .run(&["restore", &file])
            .fails(1)
            .contains("another keynode uses")
    );
    node.kill();

    let other = State::new();
    fs::remove_dir_all(other.path("state")).unwrap();
    let told = other.run(&["restore", "--dry-run", &file]).ok();
    assert!(told.starts_with("whole: "), "{told}");
    assert!(!other.path("state").exists());
    let copy = other.text("restored.toml");
    let told = other.run(&["restore", &file, "--with-settings", "--config", &copy]);
    assert_eq!(
        told.code, 78,
        "settings that were named and are not there: {told:?}"
    );
    fs::write(&copy, "").unwrap();
    other
        .run(&["restore", &file, "--with-settings", "--config", &copy])
        .ok();
    assert_eq!(
        fs::read_to_string(&copy).unwrap(),
        fs::read_to_string(&settings).unwrap()
    );

    let again = other.start(&["--config", &copy]);
    assert_eq!(again.client().get("/api/public-key").body, key);
    let sessions = again.client().sessions();
    assert_eq!(sessions.len(), 1);
    assert_eq!(sessions[0]["UserName"], "a");
    assert_eq!(again.client().key(7_131_766)["Workable"], "True");
    assert_eq!(
        Client::of(again.address, "eve", "secret-of-eve")
            .get("/api/sessions")
            .status,
        200
    );
    drop(again);
    other.run(&["audit", "verify"]).ok();
    let log = other.run(&["audit", "list"]).ok();
    assert!(
        log.lines()
            .any(|line| line.contains(" restore ") && line.contains("from a backup")),
        "{log}"
    );
}

#[test]
fn a_backup_goes_through_pipes_and_sessions_can_be_left_out() {
    let state = State::new();
    state.install(7_131_766, &[]);
    let node = state.start(&[]);
    node.client().take("a").unwrap();
    let output = state.keynode(&["backup", "-"]).output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty());
    node.kill();
    let mut child = state
        .keynode(&["restore", "-", "--without-sessions"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(&output.stdout).unwrap();
    let done = child.wait_with_output().unwrap();
    assert!(done.status.success());
    assert!(String::from_utf8_lossy(&done.stdout).contains("1 session(s) were left out"));
    // What was there before is kept.
    let before = fs::read_dir(state.path("state"))
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let before = before
        .filter(|path| path.to_str().unwrap().contains("/before-restore-"))
        .collect::<Vec<_>>();
    assert_eq!(before.len(), 1);
    assert!(before[0].join("signing.key").exists() && before[0].join("keynode.db").exists());
    assert!(state.start(&[]).client().sessions().is_empty());
    // It is no part of the next backup.
    let file = state.text("next.tar.gz");
    state.run(&["backup", &file]).ok();
    assert!(
        entries(&fs::read(&file).unwrap())
            .iter()
            .all(|(name, _)| !name.contains("before-restore"))
    );
}

#[test]
fn every_seat_acknowledged_before_a_backup_is_in_it() {
    let state = State::new();
    state.install(7_131_766, &["--seats", "100000"]);
    let node = state.start(&[]);
    let (stop, taken) = (
        Arc::new(AtomicBool::new(false)),
        Arc::new(Mutex::new(Vec::<String>::new())),
    );
    let takers: Vec<_> = (0..4)
        .map(|taker| {
            let (mut client, stop, taken) = (node.client(), stop.clone(), taken.clone());
            std::thread::spawn(move || {
                for number in 0.. {
                    if stop.load(Ordering::Relaxed) {
                        return;
                    }
                    let name = format!("{taker}-{number}");
                    assert_eq!(client.take(&name).unwrap().status, 201);
                    taken.lock().unwrap().push(name);
                }
            })
        })
        .collect();
    let file = state.text("backup.tar.gz");
    for round in 1..=3 {
        eventually("more seats are taken", || {
            (taken.lock().unwrap().len() > 30 * round).then_some(())
        });
        let acknowledged = taken.lock().unwrap().clone();
        state.run(&["backup", "--force", &file]).ok();
        let other = State::distrustful();
        other.run(&["restore", &file]).ok();
        let there = other.start(&[]).client().sessions();
        let there: Vec<&str> = there
            .iter()
            .filter_map(|session| session["UserName"].as_str())
            .collect();
        let lost: Vec<_> = acknowledged
            .iter()
            .filter(|name| !there.contains(&name.as_str()))
            .collect();
        assert!(lost.is_empty(), "{lost:?}");
    }
    stop.store(true, Ordering::Relaxed);
    for taker in takers {
        taker.join().unwrap();
    }
}

/// The entries of an archive.
fn entries(bytes: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(bytes));
    let entries = archive.entries().unwrap().map(|entry| {
        let mut entry = entry.unwrap();
        let mut bytes = Vec::new();
        std::io::Read::read_to_end(&mut entry, &mut bytes).unwrap();
        (entry.path().unwrap().to_str().unwrap().to_owned(), bytes)
    });
    entries.collect()
}

/// An archive of these entries; names are written as they are, whatever they say.
fn archive(entries: &[(tar::EntryType, String, Vec<u8>)]) -> Vec<u8> {
    let mut tar = tar::Builder::new(flate2::write::GzEncoder::new(
        Vec::new(),
        flate2::Compression::fast(),
    ));
    for (kind, name, bytes) in entries {
        let mut header = tar::Header::new_ustar();
        header.as_mut_bytes()[..name.len()].copy_from_slice(name.as_bytes());
        header.set_entry_type(*kind);
        header.set_mode(0o600);
        header.set_size(bytes.len() as u64);
        if !kind.is_file() {
            header.set_link_name("/etc/passwd").unwrap();
        }
        header.set_cksum();
        tar.append(&header, &bytes[..]).unwrap();
    }
    tar.into_inner().unwrap().finish().unwrap()
}

/// What is done to the list of entries, manifest first.
type Change = fn(&mut Vec<(tar::EntryType, String, Vec<u8>)>);

fn change_manifest(entries: &mut [(tar::EntryType, String, Vec<u8>)], change: impl FnOnce(&mut Value)) {
    let mut manifest: Value = serde_json::from_slice(&entries[0].2).unwrap();
    change(&mut manifest);
    entries[0].2 = serde_json::to_vec(&manifest).unwrap();
}

/// Renames an entry, in the manifest too.
fn rename(entries: &mut [(tar::EntryType, String, Vec<u8>)], name: &str) {
    change_manifest(entries, |manifest| manifest["Files"][1]["Path"] = name.into());
    entries[2].1 = name.to_owned();
}

const HOSTILE: [(&str, Change, &str); 16] = [
    (
        "a name that leads upwards",
        |entries| rename(entries, "state/../../evil"),
        "refused",
    ),
    (
        "a name from the root",
        |entries| rename(entries, "/tmp/evil"),
        "refused",
    ),
    ("the lock", |entries| rename(entries, "state/lock"), "refused"),
    (
        "a name of the restoring",
        |entries| rename(entries, "state/.restore-ready-1/x"),
        "refused",
    ),
    (
        "a name twice",
        |entries| rename(entries, "state/keynode.db"),
        "twice",
    ),
    (
        "a link",
        |entries| entries[2].0 = tar::EntryType::Symlink,
        "no file",
    ),
    (
        "a hard link",
        |entries| entries[2].0 = tar::EntryType::Link,
        "no file",
    ),
    (
        "a device",
        |entries| entries[2].0 = tar::EntryType::Char,
        "no file",
    ),
    (
        "a long name's head",
        |entries| entries[2].0 = tar::EntryType::GNULongName,
        "no file",
    ),
    ("another size", |entries| entries[2].2.push(0), "size"),
    ("another content", |entries| entries[2].2[0] ^= 1, "SHA-256"),
    (
        "more than it says",
        |entries| entries.push((tar::EntryType::Regular, "state/x".into(), vec![1])),
        "more than",
    ),
    ("less than it says", |entries| drop(entries.pop()), "ends before"),
    ("no manifest", |entries| drop(entries.remove(0)), "manifest.json"),
    (
        "a size that fits nowhere",
        |entries| {
            change_manifest(entries, |manifest| {
                manifest["Files"][0]["Size"] = (1_u64 << 39).into()
            })
        },
        "left",
    ),
    (
        "a schema of later times",
        |entries| {
            change_manifest(entries, |manifest| {
                manifest["Schemas"]["state/keynode.db"] = 1000.into()
            })
        },
        "newer keynode",
    ),
];

#[test]
fn what_is_damaged_or_hostile_is_refused_and_changes_nothing() {
    let state = State::new();
    state.install(7_131_766, &[]);
    drop(state.start(&[]));
    let file = state.text("backup.tar.gz");
    state.run(&["backup", &file]).ok();
    let good = fs::read(&file).unwrap();
    let before = files(&state.path("state"));
    let refused = |what: &str, bytes: &[u8], why: &str| {
        fs::write(&file, bytes).unwrap();
        for words in [&["restore", &file][..], &["restore", "--dry-run", &file]] {
            // Whether it fits is asked where it would be written.
            if why == "left" && words.len() == 3 {
                continue;
            }
            let told = state.run(words).fails(1);
            assert!(told.contains(why), "{what}: {told}");
        }
        assert_eq!(files(&state.path("state")), before, "{what}");
    };
    for (what, change, why) in HOSTILE {
        let mut changed: Vec<_> = entries(&good)
            .into_iter()
            .map(|(name, bytes)| (tar::EntryType::Regular, name, bytes))
            .collect();
        change(&mut changed);
        refused(what, &archive(&changed), why);
    }
    for cut in [0, 1, 100, good.len() / 2, good.len() - 20] {
        refused("cut", &good[..cut], "");
    }
    refused("no archive", b"nonsense", "");
    assert!(
        state
            .run(&["restore", &state.text("none")])
            .fails(4)
            .contains("no such file")
    );
    assert!(
        keynode(&["backup", &state.text("x"), "--state-dir", &state.text("none")])
            .output()
            .unwrap()
            .status
            .code()
            == Some(4)
    );
}

#[test]
fn killed_while_it_unpacks_a_restore_has_changed_nothing() {
    let state = State::new();
    state.install(7_131_766, &[]);
    drop(state.start(&[]));
    let file = state.text("backup.tar.gz");
    state.run(&["backup", &file]).ok();
    run_with(state.keynode(&["user", "add", "later"]), "password-1\n").ok();
    let bytes = fs::read(&file).unwrap();
    let mut child = state
        .keynode(&["restore", "-"])
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    // It has begun, and waits for the rest.
    input.write_all(&bytes[..bytes.len() - 50]).unwrap();
    eventually("it unpacks", || {
        state.path("state/.restore-new.part").exists().then_some(())
    });
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(state.run(&["user", "list"]).ok().contains("later"));
    state.run(&["restore", &file]).ok();
    assert!(!state.run(&["user", "list"]).ok().contains("later"));
    assert!(!state.path("state/.restore-new.part").exists());
}

#[test]
fn a_restore_that_was_killed_after_its_decision_is_finished_by_whoever_comes_next() {
    let state = State::new();
    drop(state.start(&[]));
    let other = State::new();
    run_with(other.keynode(&["user", "add", "restored"]), "password-1\n").ok();
    // As it is between the decision and the end: the database is away, the rest not yet.
    let old = state.path("state/before-restore-1");
    fs::create_dir(&old).unwrap();
    fs::rename(state.path("state/keynode.db"), old.join("keynode.db")).unwrap();
    fs::rename(other.path("state"), state.path("state/.restore-ready-1")).unwrap();
    assert!(state.run(&["user", "list"]).ok().contains("restored"));
    assert!(old.join("signing.key").exists());
    let left = files(&state.path("state"));
    assert!(left.keys().all(|name| !name.starts_with(".restore")), "{left:?}");
    assert_eq!(state.start(&[]).client().get("/api/sessions").status, 200);
}
