//! Files with secrets: opened so that none holds the node up, and used only where nobody else can read them.

use std::fs::{File, Metadata, OpenOptions};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

use rustix::fs::OFlags;

/// Opens a file to be read. What is no regular file does not block: a pipe waits for whoever writes into it.
///
/// # Errors
/// The system's.
pub(crate) fn open(path: &Path) -> io::Result<(File, Metadata)> {
    let flags = i32::try_from(OFlags::NONBLOCK.bits()).unwrap_or_default();
    let file = OpenOptions::new().read(true).custom_flags(flags).open(path)?;
    let metadata = file.metadata()?;
    Ok((file, metadata))
}

/// Whether others than its owner can read or change a file.
pub(crate) fn is_exposed(path: &Path, metadata: &Metadata) -> bool {
    let credentials = std::env::var_os("CREDENTIALS_DIRECTORY");
    exposes(path, metadata.mode(), credentials.as_deref().map(Path::new))
}

/// The same, by its mode. systemd opens credentials to the service's user by an access list, whose mask shows as the group's
/// bits.
fn exposes(path: &Path, mode: u32, credentials: Option<&Path>) -> bool {
    let is_credential = credentials.is_some_and(|directory| path.parent() == Some(directory));
    let allowed = if is_credential { 0o050 } else { 0 };
    mode & 0o077 & !allowed != 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_credential_of_systemd_may_be_open_to_its_access_list() {
        let credentials = Some(Path::new("/run/credentials/keynode.service"));
        let credential = Path::new("/run/credentials/keynode.service/pin");
        for mode in [0o400, 0o440, 0o450, 0o600] {
            assert!(!exposes(credential, mode, credentials), "{mode:o}");
        }
        for mode in [0o444, 0o404, 0o460] {
            assert!(exposes(credential, mode, credentials), "{mode:o}");
        }
        for (path, credentials) in [
            (credential, None),
            (Path::new("/etc/keynode/pin"), credentials),
            (
                Path::new("/run/credentials/keynode.service/more/pin"),
                credentials,
            ),
        ] {
            assert!(exposes(path, 0o440, credentials), "{}", path.display());
            assert!(!exposes(path, 0o600, credentials), "{}", path.display());
        }
    }
}
