//! Files of the vault's key: read only where nobody else can.

use std::fs::{self, File};
use std::io::{self, Read};
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

/// Removes a file, durably.
///
/// # Errors
/// The system's.
pub(super) fn remove(path: &Path) -> io::Result<()> {
    fs::remove_file(path)?;
    File::open(path.parent().unwrap_or(Path::new(".")))?.sync_all()
}
