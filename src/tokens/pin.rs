//! The PIN file: read each time that the PIN is needed, only where nobody else can read it, and wiped afterwards.

use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use zeroize::Zeroizing;

use super::private_file;

/// Longest PIN, in bytes.
const LONGEST: u64 = 255;

/// Reads a PIN.
///
/// # Errors
/// What is wrong with the file and what to do, for people.
pub(super) fn read(path: &Path) -> Result<Zeroizing<String>, String> {
    let shown = path.display();
    let unreadable = |error| format!("its PIN file {shown} cannot be read: {error}");
    let (mut file, metadata) = private_file::open(path).map_err(unreadable)?;
    if !metadata.is_file() {
        return Err(format!("its PIN file {shown} is no file"));
    }
    if private_file::is_exposed(path, &metadata) {
        let mode = metadata.mode() & 0o777;
        return Err(format!(
            "others can read its PIN file {shown} (mode {mode:03o}): run chmod 600 {shown}"
        ));
    }
    // Room from the start: a buffer that grows leaves copies behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(512));
    let limit = LONGEST + 3;
    (&mut file)
        .take(limit)
        .read_to_end(&mut bytes)
        .map_err(unreadable)?;
    let pin = bytes.strip_suffix(b"\n").unwrap_or(&bytes);
    let pin = pin.strip_suffix(b"\r").unwrap_or(pin);
    match std::str::from_utf8(pin) {
        Ok(pin) if (1..=LONGEST).contains(&(pin.len() as u64)) && !pin.contains(['\0', '\n']) => {
            Ok(Zeroizing::new(pin.to_owned()))
        }
        _ => Err(format!(
            "its PIN file {shown} has no PIN: expected one line of 1 to {LONGEST} characters"
        )),
    }
}

/// Whether a node could use this PIN file.
///
/// # Errors
/// What is wrong with it, for people.
pub fn check_pin_file(path: &Path) -> Result<(), String> {
    read(path).map(drop)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn with(content: &[u8], mode: u32) -> Result<String, String> {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("pin");
        fs::write(&path, content).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        read(&path).map(|pin| pin.to_string())
    }

    #[test]
    fn a_private_file_with_one_line_is_a_pin() {
        for content in [&b"1234"[..], b"1234\n", b"1234\r\n"] {
            assert_eq!(with(content, 0o600).unwrap(), "1234");
        }
        assert_eq!(with(b" 12 34 \n", 0o400).unwrap(), " 12 34 ");
    }

    #[test]
    fn anything_else_is_refused_without_telling_the_pin() {
        for mode in [0o640, 0o604, 0o620, 0o602] {
            let told = with(b"1234", mode).unwrap_err();
            assert!(told.contains("chmod 600") && !told.contains("1234"), "{told}");
        }
        for content in [
            &b""[..],
            b"\n",
            b"1234\n5678\n",
            b"12\0",
            &[0xFF; 4],
            &[b'1'; 256],
        ] {
            let told = with(content, 0o600).unwrap_err();
            assert!(told.contains("has no PIN") && !told.contains("5678"), "{told}");
        }
        assert!(
            read(Path::new("/nonexistent"))
                .unwrap_err()
                .contains("cannot be read")
        );
        assert!(read(Path::new("/")).is_err());
    }

    #[test]
    fn a_pipe_holds_nobody_up() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("pin");
        let mode = rustix::fs::Mode::from_raw_mode(0o600);
        rustix::fs::mknodat(rustix::fs::CWD, &path, rustix::fs::FileType::Fifo, mode, 0).unwrap();
        let (sender, told) = std::sync::mpsc::channel();
        std::thread::spawn(move || sender.send(read(&path)));
        let told = told.recv_timeout(std::time::Duration::from_secs(20)).unwrap();
        assert!(told.unwrap_err().contains("is no file"));
    }
}
