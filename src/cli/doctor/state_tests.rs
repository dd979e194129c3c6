//! Every check of state, password and clock, failing and passing.

use std::os::unix::fs::PermissionsExt;

use super::*;
use crate::cli::doctor::line::State;

fn sound() -> Directory {
    Directory {
        owner: 993,
        mode: 0o40700,
        free: ENOUGH_SPACE,
        foreign: None,
    }
}

fn judged(change: impl FnOnce(&mut Directory)) -> State {
    let mut directory = sound();
    change(&mut directory);
    super::directory(Path::new("/var/lib/keynode"), Ok(directory)).state
}

#[test]
fn a_state_directory_is_private_whole_and_has_room() {
    assert_eq!(judged(|_| ()), State::Ok);
    assert_eq!(judged(|found| found.mode = 0o40750), State::Warning);
    assert_eq!(judged(|found| found.free = ENOUGH_SPACE - 1), State::Warning);
    assert_eq!(judged(|found| found.free = ENOUGH_SPACE / 20), State::Failure);
    assert_eq!(judged(|found| found.foreign = Some("/x".into())), State::Failure);
    let failed = |kind: io::ErrorKind| directory(Path::new("/x"), Err(kind.into())).state;
    assert_eq!(failed(io::ErrorKind::NotFound), State::Warning);
    assert_eq!(failed(io::ErrorKind::PermissionDenied), State::Warning);
    assert_eq!(failed(io::ErrorKind::NotADirectory), State::Failure);
}

#[test]
fn a_real_directory_is_looked_at() {
    let dir = tempfile::tempdir().unwrap();
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o700)).unwrap();
    fs::create_dir(dir.path().join("licences")).unwrap();
    let file = dir.path().join("licences/private");
    fs::write(&file, "").unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    let found = Directory::look(dir.path()).unwrap();
    assert_eq!(found.owner, rustix::process::geteuid().as_raw());
    assert_eq!((found.mode & 0o777, found.foreign), (0o700, None));
    assert!(found.free > 0);
    // Of somebody else's directory the same files are foreign.
    let other = found.owner + 1;
    assert_eq!(
        foreign(dir.path(), other).unwrap(),
        Some(dir.path().join("licences"))
    );
    assert_eq!(
        foreign(&dir.path().join("licences"), other).unwrap(),
        Some(file.clone())
    );
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    assert_eq!(foreign(&dir.path().join("licences"), other).unwrap(), None);
    assert!(Directory::look(&file).is_err());
}

#[test]
fn the_initial_password_is_worse_where_others_can_reach_it() {
    let admin = || Ok(Some("admin".to_owned()));
    assert_eq!(password(Ok(None), false).state, State::Ok);
    assert_eq!(password(admin(), true).state, State::Warning);
    assert_eq!(password(admin(), false).state, State::Failure);
    assert_eq!(password(Err("no".into()), true).state, State::Warning);
}

#[test]
fn the_clock_is_right_unknown_or_behind() {
    let now = Timestamp::parse("2026-05-01T12:00:00Z").unwrap();
    assert_eq!(clock(Some(true), now, Some(now)).state, State::Ok);
    assert_eq!(clock(Some(true), now, None).state, State::Ok);
    assert_eq!(clock(Some(false), now, None).state, State::Warning);
    assert_eq!(clock(None, now, None).state, State::Warning);
    let seen = Some(now.plus(BEHIND + 1));
    assert_eq!(clock(Some(true), now, seen).state, State::Failure);
    assert_eq!(clock(Some(true), now, Some(now.plus(BEHIND))).state, State::Ok);
}
