//! Files of the vault's key: written whole and durably, read only where nobody else can, never replaced.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

use rustix::fs::OFlags;
use zeroize::Zeroizing;

/// Reads a file of at most so many bytes; none: there is none.
///
/// # Errors
/// What is wrong with it, and what to do.
pub(super) fn read(path: &Path, longest: usize) -> Result<Option<Zeroizing<Vec<u8>>>, String> {
    // A pipe in its place does not hold the node up.
    let flags = i32::try_from(OFlags::NONBLOCK.bits()).unwrap_or_default();
    let file = match File::options().read(true).custom_flags(flags).open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        opened => opened.map_err(|error| error.to_string())?,
    };
    let metadata = file.metadata().map_err(|error| error.to_string())?;
    if !metadata.is_file() {
        return Err("it is no regular file".into());
    }
    if metadata.mode() & 0o077 != 0 {
        return Err(format!(
            "others may read it (mode {:03o}): give it mode 600, and let nobody else own it",
            metadata.mode() & 0o777
        ));
    }
    let mut bytes = Zeroizing::new(Vec::with_capacity(longest + 1));
    let read = file.take(longest as u64 + 1).read_to_end(&mut bytes);
    read.map_err(|error| error.to_string())?;
    if bytes.len() > longest {
        return Err(format!(
            "it has more than {longest} bytes: another file was put in its place"
        ));
    }
    Ok(Some(bytes))
}

/// Writes a file of mode 0600 that must not exist yet; it is on disk when this returns.
///
/// # Errors
/// The system's, also where it exists.
pub(super) fn write_new(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let part = path.with_added_extension("part");
    // What another left behind that was cut off.
    match fs::remove_file(&part) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = File::options()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&part)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    // A link does not replace what is there; a renaming would.
    let linked = fs::hard_link(&part, path);
    fs::remove_file(&part)?;
    linked?;
    sync_directory(path)
}

/// Removes a file, durably.
///
/// # Errors
/// The system's.
pub(super) fn remove(path: &Path) -> io::Result<()> {
    fs::remove_file(path)?;
    sync_directory(path)
}

fn sync_directory(path: &Path) -> io::Result<()> {
    File::open(path.parent().unwrap_or(Path::new(".")))?.sync_all()
}
