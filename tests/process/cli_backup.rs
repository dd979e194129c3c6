//! `keynode backup` and `keynode restore`: everything comes back, whatever happens meanwhile.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use crate::harness::{eventually, run_with};
use crate::http::Client;
use crate::state::State;

/// Files below a directory with what is in them; without those that belong to no state.
pub(crate) fn files(directory: &Path) -> BTreeMap<String, Vec<u8>> {
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
    assert_eq!(again.client().key(7_131_766)["Workable"], true);
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
pub(crate) fn entries(bytes: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(bytes));
    let entries = archive.entries().unwrap().map(|entry| {
        let mut entry = entry.unwrap();
        let mut bytes = Vec::new();
        std::io::Read::read_to_end(&mut entry, &mut bytes).unwrap();
        (entry.path().unwrap().to_str().unwrap().to_owned(), bytes)
    });
    entries.collect()
}

#[test]
fn a_backup_whose_reader_went_away_has_failed() {
    let state = State::new();
    drop(state.start(&[]));
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut command = state.keynode(&["backup", "-"]);
    let output = command.stdout(writer).stderr(Stdio::piped()).spawn().unwrap();
    let output = output.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(told.contains("the backup is not whole"), "{told}");
}

#[test]
fn nothing_of_an_interrupted_backup_stays_behind() {
    let state = State::new();
    drop(state.start(&[]));
    // More than a pipe takes, and no compression makes less of it.
    let noise = noise(1 << 20);
    fs::write(state.path("state/licences/noise.licence"), noise).unwrap();
    // One that was cut off by something that leaves no time.
    let tmp = state.path("tmp");
    let left = tmp.join(".keynode-backup-1.part");
    fs::create_dir_all(&left).unwrap();
    fs::write(left.join("0"), "a secret").unwrap();
    let mut command = state.keynode(&["backup", "-"]);
    let mut child = command
        .env("TMPDIR", &tmp)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    eventually("the files are copied", || {
        let places = fs::read_dir(&tmp).unwrap().map(|entry| entry.unwrap().path());
        places
            .filter(|place| *place != left)
            .any(|place| place.join("2").exists())
            .then_some(())
    });
    let pid = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(143));
    assert_eq!(fs::read_dir(&tmp).unwrap().count(), 0);
}

/// Bytes that look random, the same each time.
fn noise(length: usize) -> Vec<u8> {
    let mut state = 1_u64;
    let next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        state.to_be_bytes()[0]
    };
    std::iter::repeat_with(next).take(length).collect()
}

#[test]
fn a_backup_is_no_part_of_the_next_and_has_nothing_of_the_file_system() {
    let state = State::new();
    drop(state.start(&[]));
    let within = state.text("state/backup.tar.gz");
    assert!(state.run(&["backup", &within]).fails(1).contains("next backup"));
    fs::create_dir(state.path("state/lost+found")).unwrap();
    fs::write(state.path("state/lost+found/1"), "").unwrap();
    let file = state.text("backup.tar.gz");
    state.run(&["backup", &file]).ok();
    let names = entries(&fs::read(&file).unwrap());
    assert!(names.iter().all(|(name, _)| !name.contains("lost+found")));
    state.run(&["restore", &file]).ok();
    assert!(state.path("state/lost+found/1").exists());
}
