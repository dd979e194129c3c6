//! Licence files: every `*.licence` in one directory, read anew only where it changed.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::licence::{MAX_FILE, VendorKeys, parse_file_name};

use super::key::{Found, KeyKind, opened};
use super::stamp::{Stamp, read};
use super::{KeyProvider, ScanError};

/// The provider of virtual keys.
pub struct LicenceFiles {
    directory: PathBuf,
    /// What was read, with the vendors it was judged by.
    known: HashMap<PathBuf, (Stamp, Found)>,
    vendors: VendorKeys,
}

impl LicenceFiles {
    /// Looks in `directory`; one that does not exist holds no licences.
    pub fn new(directory: &Path) -> Self {
        Self {
            directory: directory.into(),
            known: HashMap::new(),
            vendors: VendorKeys::default(),
        }
    }

    fn look_at(&mut self, path: PathBuf, vendors: &VendorKeys) -> Option<(PathBuf, (Stamp, Found))> {
        let stamp = match fs::metadata(&path) {
            Ok(metadata) if metadata.is_dir() => return None,
            Ok(metadata) => Stamp::of(&metadata),
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
        let ((opened, vendor), stamp) = match read(&path, MAX_FILE) {
            Ok((bytes, stamp)) => (opened(&bytes, vendors), stamp),
            Err(failure) => ((Err(failure), None), stamp),
        };
        let named = path.file_name().and_then(|name| parse_file_name(name.to_str()?));
        let named = named.map(|(key_id, key_no)| (Some(key_id), key_no));
        let found = Found {
            kind: KeyKind::Virtual,
            file_name: path.to_string_lossy().into_owned(),
            named,
            opened,
            vendor,
            obstacle: None,
            // The time of the inode's last change: unlike mtime, a copy with old times does not set it back.
            updated: stamp.changed(),
        };
        Some((path, (stamp.if_settled(), found)))
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
        if *vendors != self.vendors {
            self.known.clear();
            self.vendors = vendors.clone();
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::licence::tests::{licence, vendor_key, vendor_public};
    use crate::licence::{OpenFailure, seal};

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
