//! Listens to udev and says "look again". It never says what to see: the scan is the truth.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::PathBuf;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::pipe::{PipeFlags, pipe_with};

use super::sysfs;

/// Why to look again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Nudge {
    /// Something happened to the device of this directory in /sys.
    Touched(PathBuf),
    /// Devices came or went; seen without udev.
    Changed,
    /// The kernel dropped events.
    Overflow,
    /// The connection to udev had died and stands again; what happened meanwhile is unknown.
    Reconnected,
}

/// Where events come from.
pub(super) trait EventSource {
    /// Readable when there is an event.
    fn fd(&self) -> BorrowedFd<'_>;

    /// Somebody is known to send events; if not, the ports are compared every second besides.
    fn is_served(&self) -> bool;

    /// The next event's directory in /sys. `WouldBlock`: there is none left; ENOBUFS: some were dropped; anything else:
    /// the source is dead.
    fn next(&mut self) -> io::Result<PathBuf>;
}

/// Makes a source.
pub(super) type Opener = Box<dyn FnMut() -> io::Result<Box<dyn EventSource>> + Send>;

/// Without a source that is served the ports are compared this often.
const POLLED: Duration = Duration::from_secs(1);
/// First pause before a dead source is made anew; it doubles up to `LONGEST_PAUSE`.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// A source that wakes so often without an event is broken.
const EMPTY_WAKES: u32 = 16;

/// The monitor's thread.
pub(super) struct Monitor {
    stop: OwnedFd,
    thread: JoinHandle<()>,
}

impl Monitor {
    /// Starts it; returns once it is subscribed, or knows that it cannot be.
    pub(super) fn start(open: Opener, tell: impl Fn(Nudge) + Send + 'static) -> io::Result<Self> {
        // A program that is started meanwhile must not hold the other end open.
        let (stopped, stop) = pipe_with(PipeFlags::CLOEXEC)?;
        let (ready, subscribed) = sync_channel(1);
        let thread = thread::Builder::new()
            .name("udev monitor".into())
            .spawn(move || Listener { open, tell, stopped }.run(&ready))?;
        // An error: the thread has ended, and there is nothing to wait for.
        let _ = subscribed.recv();
        Ok(Self { stop, thread })
    }

    /// Ends the thread and waits for it.
    pub(super) fn stop(self) {
        drop(self.stop);
        let _ = self.thread.join();
    }
}

struct Listener<T> {
    open: Opener,
    tell: T,
    /// Hangs up when the monitor is to stop.
    stopped: OwnedFd,
}

/// The monitor is to stop.
struct Stop;

impl<T: Fn(Nudge)> Listener<T> {
    fn run(mut self, ready: &SyncSender<()>) {
        let mut pause = FIRST_PAUSE;
        let mut source = self.opened();
        let _ = ready.send(());
        loop {
            let ended = match &mut source {
                Some(source) => self.listen(source.as_mut(), &mut pause),
                None => self.pass(pause),
            };
            match ended {
                Err(Stop) => return,
                Ok(Some(reason)) => tracing::warn!("the connection to udev is made anew: {reason}"),
                Ok(None) => {}
            }
            // A source that dies at once, every time, costs little more than a look now and then.
            if source.take().is_some() && self.pass(pause).is_err() {
                return;
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
            source = self.opened();
            if source.is_some() {
                (self.tell)(Nudge::Reconnected);
            }
        }
    }

    fn opened(&mut self) -> Option<Box<dyn EventSource>> {
        let source = (self.open)();
        match &source {
            Ok(source) if source.is_served() => {}
            Ok(_) => tracing::info!("udev does not run here: USB devices are also looked for every second"),
            Err(error) => tracing::warn!("no connection to udev, which is tried again: {error}"),
        }
        source.ok()
    }

    /// Lets a time pass without a source, comparing the ports meanwhile.
    fn pass(&self, time: Duration) -> Result<Option<io::Error>, Stop> {
        let mut ports = Ports::now();
        let end = Instant::now() + time;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(None);
            }
            self.wait(None, Some(left.min(POLLED)))?;
            if ports.changed() {
                (self.tell)(Nudge::Changed);
            }
        }
    }

    /// Passes events on until the source dies, and tells of what.
    fn listen(&self, source: &mut dyn EventSource, pause: &mut Duration) -> Result<Option<io::Error>, Stop> {
        let mut empty = 0;
        let served = source.is_served();
        let mut ports = Ports::now();
        loop {
            let woken = self.wait(Some(source.fd()), (!served).then_some(POLLED))?;
            if woken.is_empty() && !served {
                if ports.changed() {
                    (self.tell)(Nudge::Changed);
                }
                if source.is_served() {
                    return Ok(Some(io::Error::other("udev has started")));
                }
                continue;
            }
            match self.drain(source) {
                Err(error) => return Ok(Some(error)),
                Ok(0) => empty += 1,
                Ok(_) => {
                    empty = 0;
                    *pause = FIRST_PAUSE;
                }
            }
            if woken.intersects(PollFlags::HUP | PollFlags::NVAL) || empty >= EMPTY_WAKES {
                return Ok(Some(io::Error::other("it wakes without events")));
            }
        }
    }

    /// Takes all events that are there. Left unread, an error would wake the next wait at once, and again.
    fn drain(&self, source: &mut dyn EventSource) -> io::Result<u32> {
        let mut events = 0;
        loop {
            match source.next() {
                Ok(path) => (self.tell)(Nudge::Touched(path)),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(events),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) if Errno::from_io_error(&error) == Some(Errno::NOBUFS) => {
                    (self.tell)(Nudge::Overflow);
                }
                Err(error) => return Err(error),
            }
            events += 1;
        }
    }

    /// Waits for the source, the order to stop, or the time limit.
    fn wait(&self, source: Option<BorrowedFd<'_>>, limit: Option<Duration>) -> Result<PollFlags, Stop> {
        let mut fds = vec![PollFd::from_borrowed_fd(self.stopped.as_fd(), PollFlags::IN)];
        fds.extend(source.map(|fd| PollFd::from_borrowed_fd(fd, PollFlags::IN)));
        let limit = limit.and_then(|limit| Timespec::try_from(limit).ok());
        match poll(&mut fds, limit.as_ref()) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => tracing::error!("poll: {error}"),
        }
        if fds[0].revents().is_empty() {
            Ok(fds.get(1).map_or(PollFlags::empty(), PollFd::revents))
        } else {
            Err(Stop)
        }
    }
}

/// The ports with their devices, as they were when they were looked at last.
struct Ports(Vec<(String, Vec<u8>)>);

impl Ports {
    fn now() -> Self {
        Self(sysfs::stamp())
    }

    fn changed(&mut self) -> bool {
        let before = std::mem::replace(&mut self.0, sysfs::stamp());
        before != self.0
    }
}
