//! One program at a time: a hidraw node is opened and locked, so that two programs never mix their frames.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use rustix::io::Errno;

use super::CarrierError;
use crate::devices::access::mend;
use crate::devices::device::Device;
use crate::text::clean;

/// Right after a plug a node may not be there yet, or udev has not opened it for us yet.
const OPENINGS: u32 = 4;
const BETWEEN_OPENINGS: Duration = Duration::from_millis(100);
/// Another program's exchange is over by then. With the openings it is less than the second after which a carrier counts
/// as silent: who has it is to be told, not that it does not answer.
const LOCKING: Duration = Duration::from_millis(600);
const BETWEEN_LOCKINGS: Duration = Duration::from_millis(10);

/// Opens a node and locks it (`flock`) until the file is dropped.
///
/// # Errors
/// [`CarrierError::NoPermission`], Busy, Gone, or Io.
pub(super) fn lock(node: &Path, device: &Device) -> Result<File, CarrierError> {
    let file = open(node, device)?;
    let until = Instant::now() + LOCKING;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) if Instant::now() < until => thread::sleep(BETWEEN_LOCKINGS),
            Err(TryLockError::WouldBlock) => return Err(CarrierError::Busy(holder(&file))),
            Err(TryLockError::Error(error)) => {
                return Err(CarrierError::Io(format!("{}: {error}", node.display())));
            }
        }
    }
}

fn open(node: &Path, device: &Device) -> Result<File, CarrierError> {
    let there = || device.syspath.exists();
    let open = || OpenOptions::new().read(true).write(true).open(node);
    patiently(open, there).map_err(|error| refusal(&error, node, device, there()))
}

/// Tries to open for as long as the device is there and what hinders may pass.
fn patiently(mut open: impl FnMut() -> io::Result<File>, there: impl Fn() -> bool) -> io::Result<File> {
    let mut tries = 1;
    loop {
        let error = match open() {
            Ok(file) => return Ok(file),
            Err(error) => error,
        };
        let passing = matches!(error.kind(), ErrorKind::NotFound | ErrorKind::PermissionDenied);
        if !passing || tries == OPENINGS || !there() {
            return Err(error);
        }
        tries += 1;
        thread::sleep(BETWEEN_OPENINGS);
    }
}

/// Why a node does not open. `there`: the device is still plugged in.
fn refusal(error: &io::Error, node: &Path, device: &Device, there: bool) -> CarrierError {
    let errno = Errno::from_io_error(error).unwrap_or(Errno::IO);
    match errno {
        Errno::ACCESS | Errno::PERM => CarrierError::NoPermission(mend(device, node, errno)),
        Errno::BUSY => CarrierError::Busy("another program".into()),
        // What the kernel says of a node whose device has left.
        Errno::NODEV | Errno::NXIO => CarrierError::Gone,
        _ if !there => CarrierError::Gone,
        _ => CarrierError::Io(mend(device, node, errno)),
    }
}

/// The program that has a file locked, as far as /proc shows it.
fn holder(file: &File) -> String {
    let unknown = || "another program".to_owned();
    let (Ok(metadata), Ok(locks)) = (file.metadata(), fs::read_to_string("/proc/locks")) else {
        return unknown();
    };
    let Some(process) = locks.lines().find_map(|line| locker(line, metadata.ino())) else {
        return unknown();
    };
    if process == std::process::id() {
        return "this program itself: an earlier exchange with it has not ended".to_owned();
    }
    let name = fs::read(format!("/proc/{process}/comm")).unwrap_or_default();
    let name = clean(&name).unwrap_or_else(|| "a program".into());
    format!("{name} (pid {process})")
}

/// The process of a line of /proc/locks that is a `flock` on this inode:
/// `1: FLOCK  ADVISORY  WRITE 1234 00:06:567 0 EOF`.
fn locker(line: &str, inode: u64) -> Option<u32> {
    let mut fields = line.split_whitespace().skip(1);
    let kind = fields.next()?;
    let process = fields.nth(2)?.parse().ok()?;
    let file = fields.next()?.rsplit(':').next()?;
    (kind == "FLOCK" && file == inode.to_string()).then_some(process)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::devices::testing::device;

    fn fails(error: i32) -> io::Result<File> {
        Err(io::Error::from_raw_os_error(error))
    }

    #[test]
    fn who_has_the_node_is_told_before_its_device_counts_as_silent() {
        let longest = BETWEEN_OPENINGS * (OPENINGS - 1) + LOCKING + BETWEEN_LOCKINGS;
        assert!(longest < crate::devices::roster::PATIENCE);
    }

    #[test]
    fn a_node_that_comes_late_is_waited_for() {
        let mut answers = [fails(2), fails(13), File::open("/dev/null")].into_iter();
        assert!(patiently(|| answers.next().unwrap(), || true).is_ok());
        let mut tries = 0;
        let mut forbidden = || {
            tries += 1;
            fails(13)
        };
        assert!(patiently(&mut forbidden, || true).is_err());
        assert!(patiently(&mut forbidden, || false).is_err());
        assert_eq!(tries, 5);
    }

    #[test]
    fn what_hinders_is_told_apart() {
        let told = |error, there| {
            let error = io::Error::from_raw_os_error(error);
            refusal(&error, Path::new("/dev/hidraw3"), &device("1-1", 5, None), there)
        };
        assert!(
            matches!(told(13, true), CarrierError::NoPermission(mend) if mend.contains("70-keynode.rules"))
        );
        assert_eq!(told(2, false), CarrierError::Gone);
        assert!(matches!(told(2, true), CarrierError::Io(_)));
        assert_eq!(told(19, true), CarrierError::Gone);
        assert!(matches!(told(16, true), CarrierError::Busy(_)));
        assert!(matches!(told(5, true), CarrierError::Io(_)));
    }

    #[test]
    fn the_holder_of_a_lock_is_found() {
        let line = "7: FLOCK  ADVISORY  WRITE 1234 00:06:567 0 EOF";
        assert_eq!(locker(line, 567), Some(1234));
        assert_eq!(locker(line, 67), None);
        assert_eq!(
            locker("7: POSIX  ADVISORY  WRITE 1234 00:06:567 0 EOF", 567),
            None
        );
        assert_eq!(
            locker("7: -> FLOCK  ADVISORY  WRITE 1234 00:06:567 0 EOF", 567),
            None
        );
        assert_eq!(locker("", 567), None);
    }
}
