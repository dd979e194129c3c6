//! Watches directories: tells that something in them changed, not what; the scan is the truth.

use std::collections::HashMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use notify::event::{AccessKind, AccessMode};
use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher};

/// A directory as it stands: device, inode, and the time of its last change in nanoseconds.
type Stamp = (u64, u64, i64, i64);

/// Watches directories through inotify, and by their times where inotify says nothing (network file systems,
/// a directory that is replaced).
pub(super) struct DirectoryWatch {
    watcher: Option<RecommendedWatcher>,
    directories: HashMap<PathBuf, Option<Stamp>>,
}

impl DirectoryWatch {
    /// Calls `changed` from a thread of its own at each event.
    pub(super) fn new(directories: &[PathBuf], changed: impl Fn() + Send + 'static) -> Self {
        let watcher = notify::recommended_watcher(move |event: notify::Result<Event>| {
            // An error, such as an overflow, means: look again.
            if event.map_or(true, |event| matters(event.kind)) {
                changed();
            }
        });
        let watcher = watcher
            .inspect_err(|error| {
                tracing::warn!(%error, "no file events: changes of licence files are seen within a second all the same");
            })
            .ok();
        let directories = directories
            .iter()
            .map(|directory| (directory.clone(), None))
            .collect();
        let mut watch = Self { watcher, directories };
        watch.renew();
        watch
    }

    /// Whether a directory changed since the last call; watches anew what was replaced.
    pub(super) fn renew(&mut self) -> bool {
        let mut changed = false;
        for (directory, seen) in &mut self.directories {
            let stamp = stamp(directory);
            if stamp == *seen {
                continue;
            }
            changed = true;
            let place = |stamp: Option<Stamp>| stamp.map(|(device, inode, ..)| (device, inode));
            if let Some(watcher) = self.watcher.as_mut().filter(|_| place(stamp) != place(*seen)) {
                let _ = watcher.unwatch(directory);
                if stamp.is_some()
                    && let Err(error) = watcher.watch(directory, RecursiveMode::NonRecursive)
                {
                    tracing::warn!(directory = %directory.display(), %error, "no file events from this directory");
                }
            }
            *seen = stamp;
        }
        changed
    }
}

/// Reading is no change, and we read ourselves: an event for it would make us read again.
fn matters(kind: EventKind) -> bool {
    match kind {
        EventKind::Access(AccessKind::Close(AccessMode::Write)) => true,
        EventKind::Access(_) => false,
        _ => true,
    }
}

fn stamp(directory: &Path) -> Option<Stamp> {
    let metadata = fs::metadata(directory).ok()?;
    Some((
        metadata.dev(),
        metadata.ino(),
        metadata.mtime(),
        metadata.mtime_nsec(),
    ))
}
