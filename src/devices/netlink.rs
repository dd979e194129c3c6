//! udev's events: after its rules have run, so that nodes and permissions are ready.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::{Path, PathBuf};

use rustix::net::sockopt::set_socket_recv_buffer_size;

use super::monitor::EventSource;

/// Bytes asked for; the kernel gives at most `net.core.rmem_max`. A storm of a thousand events takes about one million.
const BUFFER: usize = 8 << 20;

/// There only while udevd runs. Containers have none, and nobody may be there to send events.
const UDEVD: &str = "/run/udev/control";

struct Netlink(udev::MonitorSocket);

/// Subscribes to udev's events of USB devices and hidraw nodes.
pub(super) fn open() -> io::Result<Box<dyn EventSource>> {
    let socket = udev::MonitorBuilder::new()?
        .match_subsystem("usb")?
        .match_subsystem("hidraw")?
        .listen()?;
    if let Err(error) = set_socket_recv_buffer_size(socket.as_fd(), BUFFER) {
        tracing::debug!("udev's socket keeps its small buffer: {error}");
    }
    Ok(Box::new(Netlink(socket)))
}

impl EventSource for Netlink {
    fn fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }

    fn is_served(&self) -> bool {
        Path::new(UDEVD).exists()
    }

    fn next(&mut self) -> io::Result<PathBuf> {
        match self.0.iter().next() {
            Some(event) => Ok(event.syspath().to_owned()),
            // libudev's way to say why: errno, set by the call just made.
            None => Err(io::Error::last_os_error()),
        }
    }
}
