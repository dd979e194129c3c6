//! Files that are whole, durable, or not there.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// Writes a file in place of one that may be there, with this mode.
///
/// # Errors
/// What the system said; the file from before is there still.
pub(crate) fn replace(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    write(path, bytes, mode, |part| fs::rename(part, path))
}

/// Writes a file that is not there yet, for its owner alone: of several who do so at once, one succeeds.
///
/// # Errors
/// What the system said: `AlreadyExists` where it is there.
pub(crate) fn create_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    // Unlike a renamed file, a link never replaces another.
    write(path, bytes, 0o600, |part| fs::hard_link(part, path))
}

fn write(path: &Path, bytes: &[u8], mode: u32, put: impl FnOnce(&Path) -> io::Result<()>) -> io::Result<()> {
    let directory = match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    };
    let part = Part(directory.join(format!(
        ".{}.{}.part",
        path.file_name().unwrap_or_default().to_string_lossy(),
        uuid::Uuid::new_v4().simple()
    )));
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(mode)
        .open(&part.0)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    put(&part.0)?;
    File::open(directory)?.sync_all()
}

/// A file on its way; what is left of it goes with this.
struct Part(PathBuf);

impl Drop for Part {
    fn drop(&mut self) {
        // Where it was renamed there is nothing left.
        let _ = fs::remove_file(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn names(directory: &Path) -> Vec<String> {
        let entries = fs::read_dir(directory).unwrap();
        entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect()
    }

    #[test]
    fn a_file_is_replaced_whole_and_nothing_else_is_left() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        for text in ["one", "two"] {
            replace(&path, text.as_bytes(), 0o600).unwrap();
            assert_eq!(fs::read_to_string(&path).unwrap(), text);
        }
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(names(dir.path()), ["file"]);
        replace(&dir.path().join("none/file"), b"x", 0o600).unwrap_err();
    }

    #[test]
    fn a_file_that_is_there_is_not_made_again() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("key");
        create_private(&path, b"first").unwrap();
        let error = create_private(&path, b"second").unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read(&path).unwrap(), b"first");
        assert_eq!(names(dir.path()), ["key"]);
    }
}
