//! Files that are read again only where they changed.

use std::fs::{File, Metadata};
use std::io::{self, Read};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::licence::{OpenFailure, Timestamp};

/// Longer than the steps that file times move in.
const RECENT: Duration = Duration::from_millis(100);

/// What tells a changed file from the one that was read. The default is that of no file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Stamp {
    device: u64,
    inode: u64,
    size: u64,
    /// Times in nanoseconds.
    modified: i128,
    changed: i128,
}

impl Stamp {
    pub(super) fn of(metadata: &Metadata) -> Self {
        let nanos = |seconds: i64, nanos: i64| i128::from(seconds) * 1_000_000_000 + i128::from(nanos);
        Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            size: metadata.size(),
            modified: nanos(metadata.mtime(), metadata.mtime_nsec()),
            changed: nanos(metadata.ctime(), metadata.ctime_nsec()),
        }
    }

    /// The inode's last change.
    pub(super) fn changed(&self) -> Timestamp {
        Timestamp::from_millis(i64::try_from(self.changed / 1_000_000).unwrap_or_default())
    }

    /// The stamp to know the file by. A file that was changed so lately may be changed again without its times telling:
    /// they move in steps of some milliseconds. What was read of it is not kept.
    pub(super) fn if_settled(self) -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let age = i128::try_from(now.as_nanos()).unwrap_or(i128::MAX) - self.changed;
        if (0..RECENT.as_nanos().cast_signed()).contains(&age) {
            Self::default()
        } else {
            self
        }
    }
}

/// Reads a file whole, and its stamp from before: what is written meanwhile makes it a changed file. What is no regular
/// file is not waited for.
///
/// # Errors
/// Unreadable; `TooLarge` for more than `longest` bytes.
pub(super) fn read(path: &Path, longest: usize) -> Result<(Vec<u8>, Stamp), OpenFailure> {
    let unreadable = |error: io::Error| OpenFailure::Unreadable(error.to_string());
    let nonblocking = i32::try_from(rustix::fs::OFlags::NONBLOCK.bits()).unwrap_or_default();
    let mut file = File::options()
        .read(true)
        .custom_flags(nonblocking)
        .open(path)
        .map_err(unreadable)?;
    let metadata = file.metadata().map_err(unreadable)?;
    if !metadata.is_file() {
        return Err(OpenFailure::Unreadable("it is not a regular file".into()));
    }
    if metadata.len() > longest as u64 {
        return Err(OpenFailure::TooLarge);
    }
    let mut bytes = Vec::with_capacity(usize::try_from(metadata.len()).unwrap_or(0) + 1);
    file.by_ref()
        .take(longest as u64 + 1)
        .read_to_end(&mut bytes)
        .map_err(unreadable)?;
    Ok((bytes, Stamp::of(&metadata)))
}
