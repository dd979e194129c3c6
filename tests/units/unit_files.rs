//! The unit files by themselves: systemd understands every word of them, and they leave little open.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use crate::container::run;

/// The exposure that `systemd-analyze security` may find at most, in tenths.
const EXPOSURE: &str = "--threshold=20";

/// The unit files as they are installed, but for the place of the program.
fn units(dir: &tempfile::TempDir) -> Vec<PathBuf> {
    let shipped = fs::read_dir("systemd")
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let units: Vec<PathBuf> = shipped
        .filter(|path| path.extension().is_some_and(|kind| kind == "service"))
        .map(|path| {
            let text = fs::read_to_string(&path).unwrap();
            let copy = dir.path().join(path.file_name().unwrap());
            fs::write(
                &copy,
                text.replace("/usr/bin/keynode", env!("CARGO_BIN_EXE_keynode")),
            )
            .unwrap();
            copy
        })
        .collect();
    assert_eq!(units.len(), 4);
    units
}

#[test]
fn systemd_has_no_complaint() {
    let dir = tempfile::tempdir().unwrap();
    let verified = run(Command::new("systemd-analyze")
        .args(["verify", "--man=no"])
        .args(units(&dir)));
    // Keys that it does not know are told, and forgiven.
    assert_eq!((verified.complained.as_str(), verified.said.as_str()), ("", ""));
    assert_eq!(verified.code, Some(0));
}

#[test]
fn little_is_open_to_whoever_takes_over_a_service() {
    let dir = tempfile::tempdir().unwrap();
    for unit in units(&dir) {
        let judged = run(Command::new("systemd-analyze")
            .args(["security", "--offline=yes", "--no-pager", EXPOSURE])
            .arg(&unit));
        println!("{}", judged.said.lines().last().unwrap_or_default());
        judged.ok();
    }
}

#[test]
fn the_node_leaves_no_core_dump_with_its_keys() {
    let unit = fs::read_to_string("systemd/keynode.service").unwrap();
    assert!(unit.lines().any(|line| line == "LimitCORE=0"));
}

#[test]
fn the_user_of_a_centre_reads_the_settings_of_the_node() {
    let root = tempfile::tempdir().unwrap();
    fs::create_dir(root.path().join("etc")).unwrap();
    let users = fs::canonicalize("systemd/sysusers.d/keynode.conf").unwrap();
    run(Command::new("systemd-sysusers")
        .arg(format!("--root={}", root.path().display()))
        .arg(users))
    .ok();
    let groups = fs::read_to_string(root.path().join("etc/group")).unwrap();
    let group = groups.lines().find(|line| line.starts_with("keynode:")).unwrap();
    assert!(group.ends_with(":keynode-centre"), "{groups}");
}
