//! Whether a directory has room for what is to be written: told before it is full.

use std::path::Path;

use indicatif::HumanBytes;

/// Refuses where `directory` has fewer bytes left than are wanted.
pub(super) fn check(directory: &Path, wanted: u64) -> Result<(), String> {
    let name = directory.display();
    let space = rustix::fs::statvfs(directory).map_err(|error| format!("{name}: {error}"))?;
    // Some network shares count nothing.
    if space.f_blocks == 0 {
        return Ok(());
    }
    let free = space.f_bavail.saturating_mul(space.f_frsize);
    if wanted <= free {
        return Ok(());
    }
    let (wanted, free) = (HumanBytes(wanted), HumanBytes(free));
    Err(format!("{wanted} are wanted, and {name} has only {free} left"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_fit_is_refused_with_the_place() {
        let dir = tempfile::tempdir().unwrap();
        check(dir.path(), 1).unwrap();
        let told = check(dir.path(), u64::MAX).unwrap_err();
        assert!(told.contains(dir.path().to_str().unwrap()), "{told}");
        assert!(check(&dir.path().join("none"), 1).is_err());
    }
}
