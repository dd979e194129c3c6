//! The directory that a backup is put together in. It holds all secrets of a node, so that nothing of it may stay
//! behind: not after a signal, and what a power cut left the next backup removes.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use rustix::fs::{FlockOperation, Mode, OFlags, flock, open};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use super::super::failure::Failure;

/// What its name begins and ends with.
const NAME: [&str; 2] = [".keynode-backup-", ".part"];

/// A directory for this process alone; it goes with this.
pub(super) struct Workplace {
    path: PathBuf,
    /// Locked, so that others see that somebody is at work here.
    _lock: File,
    interrupted: Arc<AtomicBool>,
}

impl Workplace {
    /// Makes one in `beside`, and removes those whose makers are gone.
    pub(super) fn new(beside: &Path) -> Result<Self, Failure> {
        let failed = |error: io::Error| Failure::of_file(beside, &error);
        remove_left_behind(beside).map_err(failed)?;
        let (path, lock) = make(beside).map_err(failed)?;
        // From here on it goes with this, whatever fails.
        let place = Self {
            path,
            _lock: lock,
            interrupted: Arc::new(AtomicBool::new(false)),
        };
        remove_at_signal(&place.path, &place.interrupted).map_err(failed)?;
        Ok(place)
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Workplace {
    fn drop(&mut self) {
        while self.interrupted.load(Ordering::Acquire) {
            // The process is about to end with the signal's code, not with what failed because of it.
            thread::park();
        }
        // What cannot be removed is seen by whoever looks into the directory; its name says what it is.
        let _ = fs::remove_dir_all(&self.path);
    }
}

/// A new directory, locked where directories can be.
fn make(beside: &Path) -> io::Result<(PathBuf, File)> {
    loop {
        let unique = uuid::Uuid::new_v4().simple().to_string();
        let path = beside.join(format!("{}{unique}{}", NAME[0], NAME[1]));
        fs::DirBuilder::new().mode(0o700).create(&path)?;
        // Another backup that begins at this moment may take it for one that was left behind, and remove it.
        let directory = match open_directory(&path) {
            Ok(directory) => directory,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(error),
        };
        // Some network shares lock no directories: there nobody removes what others made, either.
        let locked = flock(&directory, FlockOperation::NonBlockingLockExclusive);
        if locked != Err(rustix::io::Errno::WOULDBLOCK) && path.is_dir() {
            return Ok((path, directory));
        }
    }
}

/// Opens a directory that is no link.
fn open_directory(path: &Path) -> io::Result<File> {
    let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    Ok(File::from(open(path, flags, Mode::empty())?))
}

fn remove_left_behind(beside: &Path) -> io::Result<()> {
    let own = rustix::process::geteuid().as_raw();
    for entry in fs::read_dir(beside)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let is_one = name.starts_with(NAME[0]) && name.ends_with(NAME[1]);
        if !is_one || path.symlink_metadata().is_ok_and(|about| about.uid() != own) {
            continue;
        }
        let Ok(directory) = open_directory(&path) else {
            continue;
        };
        if flock(&directory, FlockOperation::NonBlockingLockExclusive).is_ok() {
            // Somebody else may be doing the same; what cannot be removed stays for the next.
            let _ = fs::remove_dir_all(&path);
        }
    }
    Ok(())
}

/// From now on Ctrl-C, `kill` and a terminal that goes away remove the directory and end the process.
fn remove_at_signal(path: &Path, interrupted: &Arc<AtomicBool>) -> io::Result<()> {
    let mut signals = Signals::new([SIGHUP, SIGINT, SIGTERM])?;
    let (path, interrupted) = (path.to_owned(), interrupted.clone());
    thread::Builder::new().name("interrupt".into()).spawn(move || {
        let Some(signal) = signals.forever().next() else {
            return;
        };
        interrupted.store(true, Ordering::Release);
        // Files may still be made in it while it is emptied, until it is gone itself.
        for _ in 0..1000 {
            if fs::remove_dir_all(&path).is_ok() || !path.exists() {
                break;
            }
        }
        std::process::exit(128 + signal);
    })?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_another_left_behind_goes_and_what_is_in_use_stays() {
        let dir = tempfile::tempdir().unwrap();
        let left = dir.path().join(".keynode-backup-1.part");
        fs::create_dir(&left).unwrap();
        fs::write(left.join("0"), "secret").unwrap();
        let other = dir.path().join("keynode-backup.part");
        fs::create_dir(&other).unwrap();
        let (used, _locked) = make(dir.path()).unwrap();
        remove_left_behind(dir.path()).unwrap();
        assert!(!left.exists() && other.exists() && used.exists());
    }
}
