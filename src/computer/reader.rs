//! Reads the small files of the system and tells absent, not permitted and failed apart.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Read};
use std::path::Path;

use super::{FindingState, Roots, text};

/// Most bytes read of a file; `/proc/cpuinfo` of a computer with hundreds of cores is the largest.
const MAX_BYTES: u64 = 1 << 20;

type ReadFile<'a> = &'a dyn Fn(&Path) -> io::Result<Vec<u8>>;

/// The roots, and the way a file is read: tests run as root, whom no file mode stops, so they bring their own.
pub(super) struct Reader<'a> {
    pub(super) roots: &'a Roots,
    read_file: ReadFile<'a>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(roots: &'a Roots) -> Self {
        Self {
            roots,
            read_file: &read_bounded,
        }
    }

    #[cfg(test)]
    pub(super) fn with_read(roots: &'a Roots, read_file: ReadFile<'a>) -> Self {
        Self { roots, read_file }
    }

    /// The file's bytes, or how the look ended instead.
    pub(super) fn bytes(&self, path: &Path) -> Result<Vec<u8>, FindingState> {
        (self.read_file)(path).map_err(|error| failed(&error))
    }

    /// The file as lines of text.
    pub(super) fn lines(&self, path: &Path) -> Result<Vec<String>, FindingState> {
        let bytes = self.bytes(path)?;
        Ok(bytes
            .split(|byte| *byte == b'\n')
            .map(|line| String::from_utf8_lossy(line).into_owned())
            .collect())
    }

    /// The file as one value. An empty one is absent.
    pub(super) fn value(&self, path: &Path) -> FindingState {
        match self.bytes(path) {
            Ok(bytes) => judge(&bytes),
            Err(state) => state,
        }
    }
}

/// The names in a directory, sorted.
pub(super) fn names(dir: &Path) -> Result<Vec<String>, FindingState> {
    let entries = fs::read_dir(dir).and_then(Iterator::collect::<io::Result<Vec<_>>>);
    let entries = entries.map_err(|error| failed(&error))?;
    let mut names: Vec<String> = entries
        .iter()
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect();
    names.sort();
    Ok(names)
}

/// A value as it was read: absent when empty, a placeholder, or found.
pub(super) fn judge(raw: &[u8]) -> FindingState {
    let text = text::clean(raw);
    if text.is_empty() {
        FindingState::Absent
    } else if text::is_placeholder(&text) {
        FindingState::Placeholder(text)
    } else {
        FindingState::Found { text }
    }
}

pub(super) fn read_bounded(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(MAX_BYTES).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn failed(error: &io::Error) -> FindingState {
    match error.kind() {
        ErrorKind::NotFound | ErrorKind::NotADirectory => FindingState::Absent,
        ErrorKind::PermissionDenied => FindingState::Denied,
        _ => FindingState::Unreadable(text::clean(error.to_string().as_bytes())),
    }
}
