//! Files that are whole, durable, or not there.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt, fchown};
use std::path::{Path, PathBuf};

/// Writes a file in place of one that may be there, with this mode.
///
/// # Errors
/// What the system said; the file from before is there still.
pub(crate) fn replace(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    write(path, bytes, mode, give, |part| fs::rename(part, path))
}

/// As [`replace`], whatever the mask of new files is, and for this user and group where root writes it.
///
/// # Errors
/// As [`replace`].
pub(crate) fn replace_as(path: &Path, bytes: &[u8], mode: u32, owner: (u32, u32)) -> io::Result<()> {
    let like = |file: &File, _: &Path| {
        if rustix::process::geteuid().is_root() {
            fchown(file, Some(owner.0), Some(owner.1))?;
        }
        file.set_permissions(fs::Permissions::from_mode(mode))
    };
    write(path, bytes, 0o600, like, |part| fs::rename(part, path))
}

/// Writes a file that is not there yet, for its owner alone: of several who do so at once, one succeeds.
///
/// # Errors
/// What the system said: `AlreadyExists` where it is there.
pub(crate) fn create_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    // Unlike a renamed file, a link never replaces another.
    write(path, bytes, 0o600, give, |part| fs::hard_link(part, path))
}

fn write(
    path: &Path,
    bytes: &[u8],
    mode: u32,
    give: impl FnOnce(&File, &Path) -> io::Result<()>,
    put: impl FnOnce(&Path) -> io::Result<()>,
) -> io::Result<()> {
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
    give(&file, directory)?;
    file.sync_all()?;
    put(&part.0)?;
    File::open(directory)?.sync_all()
}

/// Makes a directory and those above it that are missing, with this mode; they belong to whom the one above belongs.
///
/// # Errors
/// What the system said.
pub(crate) fn create_directories(path: &Path, mode: u32) -> io::Result<()> {
    if path == Path::new("") || path.is_dir() {
        return Ok(());
    }
    let above = match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    };
    create_directories(above, mode)?;
    match fs::DirBuilder::new().mode(mode).create(path) {
        Ok(()) => give(&File::open(path)?, above),
        // Somebody was quicker.
        Err(_) if path.is_dir() => Ok(()),
        Err(error) => Err(error),
    }
}

/// What root makes belongs to whom the directory belongs: the node, which is not root, could not use it else.
///
/// # Errors
/// What the system said.
pub(crate) fn give(file: &File, directory: &Path) -> io::Result<()> {
    if rustix::process::geteuid().is_root() {
        let about = fs::metadata(directory)?;
        fchown(file, Some(about.uid()), Some(about.gid()))?;
    }
    Ok(())
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
    fn what_root_writes_is_the_directorys_owners() {
        let dir = tempfile::tempdir().unwrap();
        let mine = fs::metadata(dir.path()).unwrap().uid();
        let owner = if mine == 0 { 65534 } else { mine };
        std::os::unix::fs::chown(dir.path(), Some(owner), None).unwrap();
        create_directories(&dir.path().join("a/b"), 0o700).unwrap();
        let made = fs::metadata(dir.path().join("a/b")).unwrap();
        assert_eq!((made.uid(), made.permissions().mode() & 0o777), (owner, 0o700));
        for write in [
            |path: &Path| replace(path, b"x", 0o600),
            |path: &Path| create_private(path, b"x"),
        ] {
            let path = dir.path().join("file");
            write(&path).unwrap();
            assert_eq!(fs::metadata(&path).unwrap().uid(), owner);
            fs::remove_file(path).unwrap();
        }
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
