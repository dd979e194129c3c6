//! `keynode restore` where licences, vendors, settings and owners are not those of the node that was saved.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::Path;

use crate::cli_backup::files;
use crate::harness::sh;
use crate::state::State;

/// A node with licences and vendors in directories of their own, its settings file, and a backup of it.
fn elsewhere() -> (State, String, String) {
    let state = State::new();
    state.install(7_131_766, &[]);
    fs::rename(state.path("state/licences"), state.path("own-licences")).unwrap();
    fs::rename(state.path("state/vendors"), state.path("own-vendors")).unwrap();
    let settings = state.text("keynode.toml");
    let text = format!(
        "licence_dir = {:?}\nvendor_dir = {:?}\n",
        state.path("own-licences"),
        state.path("own-vendors")
    );
    fs::write(&settings, text).unwrap();
    drop(state.start(&["--config", &settings]));
    let file = state.text("backup.tar.gz");
    state.run(&["backup", &file, "--config", &settings]).ok();
    (state, settings, file)
}

fn lists_the_licence(state: &State, settings: &str) {
    let list = state.run(&["licence", "list", "--config", settings]).ok();
    assert!(list.contains("7131766") && list.contains("enabled"), "{list}");
}

fn empty() -> (State, String) {
    let state = State::distrustful();
    let settings = state.text("keynode.toml");
    fs::write(&settings, "").unwrap();
    (state, settings)
}

#[test]
fn licences_and_vendors_go_where_the_restored_settings_have_them() {
    let (old, _, file) = elsewhere();
    for own in ["own-licences", "own-vendors"] {
        fs::remove_dir_all(old.path(own)).unwrap();
    }
    let (new, settings) = empty();
    new.run(&["restore", &file, "--with-settings", "--config", &settings])
        .ok();
    lists_the_licence(&new, &settings);
    assert!(old.path("own-licences/672B.7131766.licence").exists());
    assert!(!new.path("state/licences").exists());
}

#[test]
fn without_its_settings_they_go_where_those_in_force_have_them() {
    let (_old, _, file) = elsewhere();
    let (new, settings) = empty();
    new.run(&["restore", &file, "--config", &settings]).ok();
    lists_the_licence(&new, &settings);
    assert!(new.licence(7_131_766).exists());

    // And from within a state to a directory outside; what is there stays.
    let file = new.text("backup.tar.gz");
    new.run(&["backup", &file, "--config", &settings]).ok();
    let (other, settings) = empty();
    let text = format!(
        "licence_dir = {:?}\nvendor_dir = {:?}\n",
        other.path("a/b"),
        other.path("v")
    );
    fs::write(&settings, text).unwrap();
    fs::create_dir_all(other.path("a/b")).unwrap();
    fs::write(other.path("a/b/672B.7131766.licence"), "renewed").unwrap();
    fs::write(other.path("a/b/672B.1.licence"), "another").unwrap();
    let told = other.run(&["restore", &file, "--config", &settings]).ok();
    lists_the_licence(&other, &settings);
    let there = files(&other.path("a/b"));
    assert_eq!(there["672B.1.licence"], b"another");
    let kept = there
        .iter()
        .find(|(name, _)| name.contains(".licence.before-restore-"));
    assert_eq!(kept.unwrap().1, b"renewed");
    assert!(told.contains("was replaced; the one from before is"), "{told}");
    assert!(!other.licence(7_131_766).exists());
}

#[test]
fn settings_that_name_another_state_are_no_surprise() {
    let state = State::new();
    let settings = state.text("keynode.toml");
    let there = state.text("elsewhere");
    fs::write(&settings, format!("state_dir = {there:?}\n")).unwrap();
    drop(state.start(&["--config", &settings]));
    let file = state.text("backup.tar.gz");
    state.run(&["backup", &file, "--config", &settings]).ok();

    let (new, own) = empty();
    let here = new.text("state");
    fs::write(&own, format!("state_dir = {here:?}\n")).unwrap();
    let words = ["restore", &file, "--with-settings", "--config", &own];
    let before = files(&new.path("state"));
    let mut command = crate::harness::keynode(&words);
    command.env("HOME", new.path("."));
    let told = crate::harness::run(command).fails(1);
    assert!(told.contains(&format!("--state-dir {there}")), "{told}");
    assert_eq!(files(&new.path("state")), before);
    let told = new.run(&words).ok();
    assert!(told.contains("by the settings file alone"), "{told}");
}

#[test]
fn the_service_can_read_what_root_restores() {
    let state = State::new();
    state.install(7_131_766, &[]);
    let settings = state.text("keynode.toml");
    fs::write(&settings, "").unwrap();
    drop(state.start(&["--config", &settings]));
    let file = state.text("backup.tar.gz");
    state.run(&["backup", &file, "--config", &settings]).ok();
    fs::set_permissions(&settings, fs::Permissions::from_mode(0o640)).unwrap();

    // A directory that was made for the service, and in which nobody has been.
    let fresh = state.path("fresh");
    fs::create_dir(&fresh).unwrap();
    let own = fs::metadata(&fresh).unwrap().uid();
    let owner = if own == 0 { 65534 } else { own };
    chown(&fresh, Some(owner), Some(fs::metadata(&fresh).unwrap().gid())).unwrap();
    let script = "umask 077; exec \"$1\" restore \"$2\" --with-settings --config \"$3\" --state-dir \"$4\"";
    let words = [
        env!("CARGO_BIN_EXE_keynode"),
        &file,
        &settings,
        fresh.to_str().unwrap(),
    ];
    sh(script, &words, &state.path(".")).ok();
    let mode = fs::metadata(&settings).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o640);
    assert!(fresh.join("lock").exists());
    all_are_of(&fresh, owner);
}

fn all_are_of(directory: &Path, owner: u32) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        assert_eq!(
            path.symlink_metadata().unwrap().uid(),
            owner,
            "{}",
            path.display()
        );
        if path.is_dir() {
            all_are_of(&path, owner);
        }
    }
}
