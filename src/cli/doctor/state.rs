//! What the node keeps and goes by: the state directory, the initial password, the clock.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::licence::Timestamp;

use super::line::Line;

/// Less free space than this is a warning, and a tenth of it a failure: the database grows by a few megabytes.
const ENOUGH_SPACE: u64 = 200 << 20;

/// The clock may be this many milliseconds behind the latest time that the node saw: what it saved is no newer.
const BEHIND: i64 = 60_000;

/// What is to know of the state directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Directory {
    pub(super) owner: u32,
    pub(super) mode: u32,
    /// Bytes that its owner could still write.
    pub(super) free: u64,
    /// A file in it that belongs to somebody else.
    pub(super) foreign: Option<PathBuf>,
}

impl Directory {
    /// Looks at it.
    pub(super) fn look(path: &Path) -> io::Result<Self> {
        let about = fs::metadata(path)?;
        if !about.is_dir() {
            return Err(io::Error::other("it is not a directory"));
        }
        let space = rustix::fs::statvfs(path)?;
        Ok(Self {
            owner: about.uid(),
            mode: about.mode(),
            free: space.f_bavail.saturating_mul(space.f_frsize),
            foreign: foreign(path, about.uid())?,
        })
    }
}

/// A file of somebody else in a directory or one below it.
fn foreign(directory: &Path, owner: u32) -> io::Result<Option<PathBuf>> {
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let about = entry.metadata()?;
        // Licence files are copied in by root, and only read.
        let read_by_all = about.is_file() && about.mode() & 0o004 != 0;
        if about.uid() != owner && !read_by_all {
            return Ok(Some(entry.path()));
        }
        if about.is_dir()
            && let Some(found) = foreign(&entry.path(), owner)?
        {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

/// Whether the node can keep its state.
pub(super) fn directory(path: &Path, looked: io::Result<Directory>) -> Line {
    let check = "state directory";
    let name = path.display();
    let looked = match looked {
        Ok(looked) => looked,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let todo = "the first start of the node makes it; --state-dir names another place";
            return Line::warning(check, format!("{name} is not there yet"), todo);
        }
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            let text = format!("{name} cannot be looked at by this user");
            return Line::warning(check, text, "run `keynode doctor` as root");
        }
        Err(error) => {
            return Line::failure(check, format!("{name}: {error}"), "name another with `state_dir`");
        }
    };
    if let Some(file) = looked.foreign {
        let text = format!("{} belongs to another user than {name}", file.display());
        let todo = format!("chown --recursive --reference={name} {name}");
        return Line::failure(check, text, todo);
    }
    let megabytes = looked.free >> 20;
    if looked.free < ENOUGH_SPACE / 10 {
        return Line::failure(
            check,
            format!("{name}: {megabytes} MB are free"),
            "make room on its disk",
        );
    }
    if looked.free < ENOUGH_SPACE {
        return Line::warning(
            check,
            format!("{name}: {megabytes} MB are free"),
            "make room on its disk",
        );
    }
    if looked.mode & 0o077 != 0 {
        let text = format!("{name} is open to others (mode {:o})", looked.mode & 0o777);
        return Line::warning(check, text, format!("chmod 700 {name}"));
    }
    Line::ok(check, format!("{name}, {megabytes} MB free"))
}

/// Whether somebody could log in with the password that every new node has. `initial`: who has it, or why that cannot
/// be told.
pub(super) fn password(initial: Result<Option<String>, String>, loopback: bool) -> Line {
    let check = "password";
    match initial {
        Ok(None) => Line::ok(check, "nobody has the initial one"),
        Ok(Some(user)) => {
            let text = format!("user \"{user}\" has the initial one");
            let todo = format!("keynode user passwd {user}");
            if loopback {
                Line::warning(check, text, todo)
            } else {
                Line::failure(
                    check,
                    text + ", and `listen` or `admin_listen` can be reached by others",
                    todo,
                )
            }
        }
        Err(reason) => Line::warning(
            check,
            reason,
            "run `keynode doctor` as root, after the node's first start",
        ),
    }
}

/// Whether the time is right, as far as anybody here knows. `synchronised`: what timedatectl says.
pub(super) fn clock(synchronised: Option<bool>, now: Timestamp, highest: Option<Timestamp>) -> Line {
    let check = "clock";
    if let Some(highest) = highest.filter(|highest| now.plus(BEHIND) < *highest) {
        let text =
            format!("it is {now}, but the node has seen {highest}: licences for a period are not workable");
        return Line::failure(check, text, "set the clock right: timedatectl set-ntp true");
    }
    match synchronised {
        Some(true) => Line::ok(check, format!("{now}, synchronised")),
        Some(false) => Line::warning(
            check,
            format!("{now}, not synchronised"),
            "timedatectl set-ntp true, or see why no time server answers",
        ),
        None => Line::warning(
            check,
            format!("{now}; whether it is synchronised is not known here"),
            "compare it with another clock",
        ),
    }
}

#[cfg(test)]
#[path = "state_tests.rs"]
mod tests;
