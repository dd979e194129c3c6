//! Licence files: every `*.licence` in one directory, read anew only where it changed.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::licence::{MAX_FILE, OpenFailure, Timestamp, VendorKeys, open, parse_file_name};

use super::key::{Found, KeyKind};
use super::{KeyProvider, ScanError};

/// What tells a changed file from the one that was read: device, inode, size, and both times in nanoseconds.
type Stamp = (u64, u64, u64, i128, i128);

/// Longer than the steps that file times move in.
const RECENT: Duration = Duration::from_millis(100);

/// The provider of virtual keys.
pub struct LicenceFiles {
    directory: PathBuf,
    /// What was read, with the vendors it was judged by.
    known: HashMap<PathBuf, (Stamp, Found)>,
    vendors: Vec<String>,
}

impl LicenceFiles {
    /// Looks in `directory`; one that does not exist holds no licences.
    pub fn new(directory: &Path) -> Self {
        Self {
            directory: directory.into(),
            known: HashMap::new(),
            vendors: Vec::new(),
        }
    }

    fn look_at(&mut self, path: PathBuf, vendors: &VendorKeys) -> Option<(PathBuf, (Stamp, Found))> {
        let stamp = match fs::metadata(&path) {
            Ok(metadata) if metadata.is_dir() => return None,
            Ok(metadata) => stamp(&metadata),
            Err(error) if error.kind() == io::ErrorKind::NotFound && !path.is_symlink() => return None,
            Err(_) => Stamp::default(),
        };
        if let Some(known) = self
            .known
            .remove(&path)
            .filter(|(known, _)| *known == stamp && stamp != Stamp::default())
        {
            return Some((path, known));
        }
        let (opened, stamp) = match read(&path) {
            Ok((bytes, metadata)) => (open(&bytes, vendors), self::stamp(&metadata)),
            Err(failure) => (Err(failure), stamp),
        };
        let kept = if is_recent(&stamp) {
            Stamp::default()
        } else {
            stamp
        };
        let named = path.file_name().and_then(|name| parse_file_name(name.to_str()?));
        let named = named.map(|(key_id, key_no)| (Some(key_id), key_no));
        let changed = i64::try_from(stamp.4 / 1_000_000).unwrap_or_default();
        let found = Found {
            kind: KeyKind::Virtual,
            file_name: path.to_string_lossy().into_owned(),
            named,
            opened: opened.map(Arc::new),
            obstacle: None,
            // The time of the inode's last change: unlike mtime, a copy with old times does not set it back.
            updated: Timestamp::from_millis(changed),
        };
        Some((path, (kept, found)))
    }
}

impl KeyProvider for LicenceFiles {
    fn scan(&mut self, vendors: &VendorKeys) -> Result<Vec<Found>, ScanError> {
        let entries = match fs::read_dir(&self.directory) {
            Ok(entries) => entries.collect::<io::Result<Vec<_>>>(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(error),
        };
        let entries = entries.map_err(|error| ScanError {
            place: self.directory.display().to_string(),
            reason: error.to_string(),
        })?;
        let trusted = vendors.names();
        if trusted != self.vendors {
            self.known.clear();
            self.vendors = trusted;
        }
        let paths = entries
            .into_iter()
            .map(|entry| entry.path())
            .filter(|path| is_licence(path));
        let known: HashMap<_, _> = paths.filter_map(|path| self.look_at(path, vendors)).collect();
        self.known = known;
        Ok(self.known.values().map(|(_, found)| found.clone()).collect())
    }
}

fn is_licence(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "licence")
}

fn stamp(metadata: &fs::Metadata) -> Stamp {
    let nanos = |seconds: i64, nanos: i64| i128::from(seconds) * 1_000_000_000 + i128::from(nanos);
    (
        metadata.dev(),
        metadata.ino(),
        metadata.size(),
        nanos(metadata.mtime(), metadata.mtime_nsec()),
        nanos(metadata.ctime(), metadata.ctime_nsec()),
    )
}

/// A file that was changed so lately may be changed again without its times telling: they move in steps of some
/// milliseconds. What was read of it is not kept.
fn is_recent(stamp: &Stamp) -> bool {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let age = i128::try_from(now.as_nanos()).unwrap_or(i128::MAX) - stamp.4;
    (0..RECENT.as_nanos().cast_signed()).contains(&age)
}

/// Reads a file whole, and its metadata from before: what is written meanwhile makes it a changed file. What is no
/// regular file is not waited for.
fn read(path: &Path) -> Result<(Vec<u8>, fs::Metadata), OpenFailure> {
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
    if metadata.len() > MAX_FILE as u64 {
        return Err(OpenFailure::TooLarge);
    }
    let mut bytes = Vec::with_capacity(usize::try_from(metadata.len()).unwrap_or(0) + 1);
    file.by_ref()
        .take(MAX_FILE as u64 + 1)
        .read_to_end(&mut bytes)
        .map_err(unreadable)?;
    Ok((bytes, metadata))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::licence::seal;
    use crate::licence::tests::{licence, vendor_key, vendor_public};

    fn vendors() -> VendorKeys {
        [vendor_public()].into_iter().collect()
    }

    fn sealed() -> String {
        seal::<()>(&licence(), vendor_public().kid(), |message| {
            Ok(vendor_key().sign(message))
        })
        .unwrap()
    }

    #[test]
    fn each_file_is_one_entry_whatever_it_holds() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("672B.7131766.licence"), sealed()).unwrap();
        fs::write(dir.path().join("672B.7.licence"), "nonsense").unwrap();
        fs::write(dir.path().join("huge.licence"), vec![0; MAX_FILE + 1]).unwrap();
        fs::write(dir.path().join("notes.txt"), "no licence").unwrap();
        fs::create_dir(dir.path().join("folder.licence")).unwrap();
        std::os::unix::fs::symlink("/nowhere", dir.path().join("dangling.licence")).unwrap();
        rustix::fs::mkfifoat(
            rustix::fs::CWD,
            dir.path().join("pipe.licence"),
            rustix::fs::Mode::RUSR,
        )
        .unwrap();
        let mut found = LicenceFiles::new(dir.path()).scan(&vendors()).unwrap();
        found.sort_by(|a, b| a.file_name.cmp(&b.file_name));
        let opened: Vec<_> = found
            .iter()
            .map(|one| one.opened.as_ref().err().map(ToString::to_string))
            .collect();
        assert_eq!(found.len(), 5, "{opened:?}");
        assert_eq!(
            opened.iter().filter(|error| error.is_none()).count(),
            1,
            "{opened:?}"
        );
        assert_eq!(found[0].named.map(|(_, key_no)| key_no), Some(7));
        assert_eq!(found[3].opened, Err(OpenFailure::TooLarge));
    }

    #[test]
    fn a_file_that_is_written_while_it_is_read_is_read_again() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("672B.7131766.licence");
        let (good, vendors) = (sealed(), vendors());
        let mut files = LicenceFiles::new(dir.path());
        for _ in 0..100 {
            fs::write(&path, "nonsense").unwrap();
            files.scan(&vendors).unwrap();
            std::thread::scope(|scope| {
                scope.spawn(|| fs::write(&path, &good).unwrap());
                files.scan(&vendors).unwrap();
            });
            assert!(files.scan(&vendors).unwrap()[0].opened.is_ok());
        }
    }

    #[test]
    fn changes_of_file_and_vendors_are_seen() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("672B.7131766.licence");
        let mut files = LicenceFiles::new(dir.path());
        let mut opened = |vendors: &VendorKeys| {
            files
                .scan(vendors)
                .unwrap()
                .pop()
                .map(|found| found.opened.is_ok())
        };
        assert_eq!(opened(&vendors()), None);
        fs::write(&path, sealed()).unwrap();
        assert_eq!(opened(&vendors()), Some(true));
        assert_eq!(opened(&VendorKeys::default()), Some(false));
        assert_eq!(opened(&vendors()), Some(true));
        fs::write(&path, "damaged").unwrap();
        assert_eq!(opened(&vendors()), Some(false));
        fs::remove_file(&path).unwrap();
        assert_eq!(opened(&vendors()), None);
    }
}
