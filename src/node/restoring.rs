//! Puts a restored state in the place of the one that is there. A crash at any moment leaves the old state or, when
//! the next process has come by, the new one: the whole is decided by one rename, and what is left to do can be done
//! again.
//!
//! In the state directory: `.restore-new` is being unpacked and counts for nothing; `.restore-ready-TIME` is whole, and
//! the old state is being moved into `before-restore-TIME`; `.restore-moving-TIME` is being moved into place. All is done
//! within the directory, for it may be a mount point, or its parent not ours to write.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, lchown};
use std::path::{Path, PathBuf};

use rustix::fs::{Access, AtFlags, CWD, StatxAttributes, StatxFlags, access, statx};

/// Where a restored state is put together.
pub const UNPACKING: &str = ".restore-new";

const READY: &str = ".restore-ready-";
const MOVING: &str = ".restore-moving-";

/// What the old state's directory begins with.
const BEFORE: &str = "before-restore-";

/// The lock stays where it is: whoever restores holds it.
const LOCK: &str = "lock";

/// A file system of its own has it at its top, for root alone.
const LOST_AND_FOUND: &str = "lost+found";

/// Whether a name in the state directory belongs to a restoring or to the file system, not to the state.
pub fn is_of_restoring(name: &OsStr) -> bool {
    let begins = |with: &str| name.as_bytes().starts_with(with.as_bytes());
    name == LOCK || name == LOST_AND_FOUND || begins(BEFORE) || begins(".restore-")
}

/// Whether all that is in the state directory can be moved away: after the decision it would be too late to find out.
///
/// # Errors
/// What cannot be moved, and why.
pub fn may_begin(state: &Path) -> io::Result<()> {
    for name in names(state)?.iter().filter(|name| !is_of_restoring(name)) {
        let path = state.join(name);
        let refused = |why: &str| Err(io::Error::other(format!("{}: {why}", path.display())));
        if is_mounted(state, &path)? {
            return refused(
                "something is mounted here, so that the state from before cannot be moved away: unmount it, restore, and \
                 mount it again",
            );
        }
        // Its entry for the directory above changes when it is moved.
        if path.symlink_metadata()?.is_dir() && access(&path, Access::WRITE_OK).is_err() {
            return refused(
                "it belongs to somebody else, so that the state from before cannot be moved away: run this as root",
            );
        }
    }
    Ok(())
}

/// Whether a file or directory is the root of a mount.
fn is_mounted(state: &Path, path: &Path) -> io::Result<bool> {
    if path.symlink_metadata()?.dev() != state.metadata()?.dev() {
        return Ok(true);
    }
    // A directory of the same file system may be mounted, too. Kernels before 5.8 do not say.
    let asked = statx(CWD, path, AtFlags::SYMLINK_NOFOLLOW, StatxFlags::BASIC_STATS);
    Ok(asked.is_ok_and(|about| about.stx_attributes.contains(StatxAttributes::MOUNT_ROOT)))
}

/// Whether somebody was interrupted after it was decided.
pub(super) fn is_pending(state: &Path) -> io::Result<bool> {
    Ok(begun(state, READY)?.or(begun(state, MOVING)?).is_some())
}

/// Decides that what is in [`UNPACKING`] is the state from now on, and moves it into place; `time` is part of the name of
/// the directory where the old state is then, which is the result. The caller holds the lock and has synced the files.
///
/// # Errors
/// What the system said; where it was decided already, opening the state directory goes on with it.
pub fn put_in_place(state: &Path, time: &str) -> io::Result<PathBuf> {
    let old = state.join(format!("{BEFORE}{time}"));
    fs::DirBuilder::new().mode(0o700).create(&old)?;
    if rustix::process::geteuid().is_root() {
        // Whoever goes on after a crash may be the node, which is no root.
        let about = fs::metadata(state)?;
        lchown(&old, Some(about.uid()), Some(about.gid()))?;
    }
    sync(state)?;
    fs::rename(state.join(UNPACKING), state.join(format!("{READY}{time}")))?;
    sync(state)?;
    finish(state)?;
    Ok(old)
}

/// Does what is left to do.
pub(super) fn finish(state: &Path) -> io::Result<()> {
    go_on(state, |from, to| fs::rename(from, to))
}

fn go_on(state: &Path, mut rename: impl FnMut(&Path, &Path) -> io::Result<()>) -> io::Result<()> {
    if let Some(time) = begun(state, READY)? {
        let old = state.join(format!("{BEFORE}{time}"));
        for name in names(state)?.iter().filter(|name| !is_of_restoring(name)) {
            let (from, to) = (state.join(name), old.join(name));
            if to.exists() {
                // The one from before is away already: something made this since then.
                remove(&from)?;
            } else {
                rename(&from, &to)?;
            }
        }
        sync(&old)?;
        sync(state)?;
        rename(
            &state.join(format!("{READY}{time}")),
            &state.join(format!("{MOVING}{time}")),
        )?;
        sync(state)?;
    }
    if let Some(time) = begun(state, MOVING)? {
        let moving = state.join(format!("{MOVING}{time}"));
        for name in names(&moving)? {
            let to = state.join(&name);
            if to.exists() {
                remove(&to)?;
            }
            rename(&moving.join(&name), &to)?;
        }
        sync(state)?;
        fs::remove_dir(&moving)?;
        sync(state)?;
    }
    Ok(())
}

/// The time in the name of what was begun.
fn begun(state: &Path, begin: &str) -> io::Result<Option<String>> {
    let mut names = names(state)?.into_iter();
    Ok(names.find_map(|name| {
        let time = name.as_bytes().strip_prefix(begin.as_bytes())?;
        // We named it.
        str::from_utf8(time).ok().map(str::to_owned)
    }))
}

fn remove(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        fs::remove_dir_all(path)
    } else {
        fs::remove_file(path)
    }
}

fn names(directory: &Path) -> io::Result<Vec<OsString>> {
    fs::read_dir(directory)?
        .map(|entry| Ok(entry?.file_name()))
        .collect()
}

fn sync(directory: &Path) -> io::Result<()> {
    File::open(directory)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(path: &Path) -> Option<String> {
        fs::read_to_string(path).ok()
    }

    fn state() -> tempfile::TempDir {
        let state = tempfile::tempdir().unwrap();
        for name in ["lock", "keynode.db", "keynode.db-wal", "signing.key"] {
            fs::write(state.path().join(name), "old").unwrap();
        }
        fs::create_dir(state.path().join("licences")).unwrap();
        fs::write(state.path().join("licences/1"), "old").unwrap();
        let new = state.path().join(UNPACKING);
        fs::create_dir_all(new.join("licences")).unwrap();
        for name in ["keynode.db", "signing.key", "licences/2"] {
            fs::write(new.join(name), "new").unwrap();
        }
        state
    }

    fn is_new(state: &Path, old: &Path) {
        assert!(!is_pending(state).unwrap());
        for name in ["keynode.db", "signing.key", "licences/2"] {
            assert_eq!(text(&state.join(name)).unwrap(), "new", "{name}");
        }
        for gone in ["keynode.db-wal", "licences/1"] {
            assert!(!state.join(gone).exists(), "{gone}");
        }
        for name in ["keynode.db", "keynode.db-wal", "signing.key", "licences/1"] {
            assert_eq!(text(&old.join(name)).unwrap(), "old", "{name}");
        }
        assert_eq!(text(&state.join("lock")).unwrap(), "old");
    }

    #[test]
    fn the_new_state_is_in_place_and_the_old_one_is_kept() {
        let state = state();
        let old = put_in_place(state.path(), "20300102T030405Z").unwrap();
        is_new(state.path(), &old);
    }

    #[test]
    fn whatever_step_a_crash_comes_before_the_rest_is_done_later() {
        let mut crashes = 0;
        for steps in 0.. {
            let state = state();
            let path = state.path();
            let old = path.join(format!("{BEFORE}1"));
            fs::create_dir(&old).unwrap();
            fs::rename(path.join(UNPACKING), path.join(format!("{READY}1"))).unwrap();
            let mut left = steps;
            let outcome = go_on(path, |from, to| {
                if left == 0 {
                    return Err(io::Error::other("crash"));
                }
                left -= 1;
                fs::rename(from, to)
            });
            if outcome.is_ok() {
                break;
            }
            crashes += 1;
            assert!(is_pending(path).unwrap());
            finish(path).unwrap();
            is_new(path, &old);
        }
        assert_eq!(crashes, 8, "4 names go, the mark, 3 names come");
    }

    #[test]
    fn what_was_made_in_between_does_not_replace_what_is_kept() {
        let state = state();
        let path = state.path();
        let old = path.join(format!("{BEFORE}1"));
        fs::create_dir(&old).unwrap();
        fs::rename(path.join("keynode.db"), old.join("keynode.db")).unwrap();
        fs::rename(path.join(UNPACKING), path.join(format!("{READY}1"))).unwrap();
        fs::write(path.join("keynode.db"), "made by a command in between").unwrap();
        finish(path).unwrap();
        is_new(path, &old);

        let moving = path.join(format!("{MOVING}2"));
        fs::create_dir(&moving).unwrap();
        fs::write(moving.join("keynode.db"), "newer").unwrap();
        finish(path).unwrap();
        assert_eq!(text(&path.join("keynode.db")).unwrap(), "newer");
    }

    #[test]
    fn what_is_no_state_stays_where_it_is() {
        let state = state();
        let kept = state.path().join("lost+found");
        fs::create_dir(&kept).unwrap();
        // A name that is no text moves like any other.
        let strange = OsStr::from_bytes(b"\xff");
        fs::write(state.path().join(strange), "old").unwrap();
        may_begin(state.path()).unwrap();
        let old = put_in_place(state.path(), "1").unwrap();
        assert!(kept.exists() && !old.join("lost+found").exists());
        assert_eq!(text(&old.join(strange)).unwrap(), "old");
    }

    #[test]
    fn what_is_mounted_is_told_before_the_decision() {
        let proc = Path::new("/proc");
        assert!(is_mounted(Path::new("/"), proc).unwrap());
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("plain")).unwrap();
        assert!(!is_mounted(dir.path(), &dir.path().join("plain")).unwrap());
        assert!(
            may_begin(Path::new("/"))
                .unwrap_err()
                .to_string()
                .contains("mounted here")
        );
    }

    #[test]
    fn what_was_not_unpacked_to_its_end_counts_for_nothing() {
        let state = state();
        assert!(!is_pending(state.path()).unwrap());
        finish(state.path()).unwrap();
        assert_eq!(text(&state.path().join("keynode.db")).unwrap(), "old");
    }
}
