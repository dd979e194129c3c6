//! `keynode restore` with an archive that somebody else made, and killed in the middle.

use std::fs;
use std::io::Write;
use std::process::Stdio;

use serde_json::Value;

use crate::cli_backup::{entries, files};
use crate::harness::{eventually, keynode, run_with};
use crate::state::State;

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

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(bytes).unwrap();
    gzip.finish().unwrap()
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
    name.clone_into(&mut entries[2].1);
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
                manifest["Files"][0]["Size"] = (1_u64 << 39).into();
            });
        },
        "left",
    ),
    (
        "a schema of later times",
        |entries| {
            change_manifest(entries, |manifest| {
                manifest["Schemas"]["state/keynode.db"] = 1000.into();
            });
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
    refused("bytes behind it", &[&good[..], b"x"].concat(), "more than");
    refused("another archive behind it", &good.repeat(2), "more than");
    let mut tar = Vec::new();
    std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(&good[..]), &mut tar).unwrap();
    refused(
        "bytes in the tar behind its end",
        &gzip(&[&tar[..], b"x"].concat()),
        "more than",
    );
    fs::write(&file, gzip(&[&tar[..], &[0; 4096]].concat())).unwrap();
    state.run(&["restore", "--dry-run", &file]).ok();
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
