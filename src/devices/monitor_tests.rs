//! The monitor over real sockets that overflow and die.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rustix::io::Errno;
use rustix::net::netlink::SocketAddrNetlink;
use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, bind, netlink, recv, sendto, socket_with,
    socketpair, sockopt,
};

use super::monitor::{EventSource, Monitor, Nudge};

const LIMIT: Duration = Duration::from_secs(10);

/// A source over a socket of datagrams, each a path.
struct Datagrams(OwnedFd);

impl EventSource for Datagrams {
    fn fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }

    fn is_served(&self) -> bool {
        true
    }

    fn next(&mut self) -> io::Result<PathBuf> {
        let mut buffer = [0; 256];
        let (length, _) = recv(&self.0, &mut buffer[..], RecvFlags::DONTWAIT)?;
        match length {
            // The other end was closed.
            0 => Err(io::ErrorKind::BrokenPipe.into()),
            _ => Ok(String::from_utf8_lossy(&buffer[..length]).into_owned().into()),
        }
    }
}

/// A monitor over sources that `open` makes, and what it says.
fn monitor(mut open: impl FnMut() -> io::Result<Datagrams> + Send + 'static) -> (Monitor, Receiver<Nudge>) {
    let (tell, told): (Sender<Nudge>, _) = channel();
    let open = Box::new(move || open().map(|source| Box::new(source) as Box<dyn EventSource>));
    let monitor = Monitor::start(open, move |nudge| {
        let _ = tell.send(nudge);
    });
    (monitor.unwrap(), told)
}

fn pair() -> (OwnedFd, OwnedFd) {
    socketpair(
        AddressFamily::UNIX,
        SocketType::SEQPACKET,
        SocketFlags::CLOEXEC,
        None,
    )
    .unwrap()
}

fn send(to: &OwnedFd, text: &str) {
    rustix::net::send(to, text.as_bytes(), SendFlags::empty()).unwrap();
}

fn touched(path: &str) -> Nudge {
    Nudge::Touched(path.into())
}

#[test]
fn a_connection_that_dies_is_made_anew_and_said_once() {
    let ends: Arc<Mutex<Vec<OwnedFd>>> = Arc::default();
    let kept = Arc::clone(&ends);
    let (monitor, told) = monitor(move || {
        let (mine, theirs) = pair();
        kept.lock().unwrap().push(theirs);
        Ok(Datagrams(mine))
    });
    send(&ends.lock().unwrap()[0], "one");
    assert_eq!(told.recv_timeout(LIMIT).unwrap(), touched("one"));
    drop(ends.lock().unwrap().pop());
    assert_eq!(told.recv_timeout(LIMIT).unwrap(), Nudge::Reconnected);
    send(&ends.lock().unwrap()[0], "two");
    assert_eq!(told.recv_timeout(LIMIT).unwrap(), touched("two"));
    monitor.stop();
    assert!(
        told.recv().is_err(),
        "nothing else was said, and the thread has ended"
    );
}

#[test]
fn one_that_dies_again_and_again_is_tried_ever_more_seldom() {
    let opened = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&opened);
    let (monitor, told) = monitor(move || {
        counter.fetch_add(1, Ordering::SeqCst);
        Ok(Datagrams(pair().0))
    });
    // Pauses of 100 and 200 ms, and more from then on.
    assert_eq!(told.recv_timeout(LIMIT).unwrap(), Nudge::Reconnected);
    assert_eq!(told.recv_timeout(LIMIT).unwrap(), Nudge::Reconnected);
    assert!(opened.load(Ordering::SeqCst) <= 4);
    monitor.stop();
}

#[test]
fn without_a_connection_it_tries_on_and_can_be_stopped() {
    let opened = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&opened);
    let (monitor, told) = monitor(move || {
        if counter.fetch_add(1, Ordering::SeqCst) == 0 {
            return Err(io::ErrorKind::PermissionDenied.into());
        }
        let (mine, theirs) = pair();
        // Never closed: lives as long as the test's process.
        std::mem::forget(theirs);
        Ok(Datagrams(mine))
    });
    assert_eq!(told.recv_timeout(LIMIT).unwrap(), Nudge::Reconnected);
    monitor.stop();
    assert_eq!(opened.load(Ordering::SeqCst), 2);
}

/// A real netlink socket whose buffer the kernel overflows. Joining a group takes a privilege; without it the socket
/// cannot be made, and there is nothing to test.
#[test]
fn events_that_the_kernel_drops_are_noticed_and_what_comes_after_them_is_seen() {
    const GROUP: u32 = 1;
    let netlink = || {
        let (family, kind) = (AddressFamily::NETLINK, SocketType::RAW);
        socket_with(family, kind, SocketFlags::CLOEXEC, Some(netlink::USERSOCK)).unwrap()
    };
    let mine = netlink();
    if bind(&mine, &SocketAddrNetlink::new(0, GROUP)) == Err(Errno::PERM) {
        return;
    }
    sockopt::set_socket_recv_buffer_size(&mine, 4096).unwrap();
    let theirs = netlink();
    let shout = |text: &str| {
        // The sender is told of receivers that were too slow; that is their affair.
        let _ = sendto(
            &theirs,
            text.as_bytes(),
            SendFlags::empty(),
            &SocketAddrNetlink::new(0, GROUP),
        );
    };
    let [flood, after] = ["flood", "after"].map(|text| format!("{text} {}", std::process::id()));
    (0..1000).for_each(|_| shout(&flood));
    let mut mine = Some(mine);
    let (monitor, told) = monitor(move || Ok(Datagrams(mine.take().ok_or(io::ErrorKind::NotFound)?)));
    let mut seen = Vec::new();
    while seen.last() != Some(&Nudge::Overflow) {
        seen.push(told.recv_timeout(LIMIT).unwrap());
    }
    let flood = seen.iter().filter(|nudge| **nudge == touched(&flood)).count();
    assert!(flood < 1000, "some were dropped");
    // Said until it is heard: the group may be flooded by another run of this test.
    while !seen.contains(&touched(&after)) {
        shout(&after);
        seen.extend(told.recv_timeout(LIMIT));
    }
    assert!(!seen.contains(&Nudge::Reconnected), "an overflow is no death");
    monitor.stop();
}

#[test]
fn a_program_started_meanwhile_does_not_keep_it_from_stopping() {
    let (monitor, _told) = monitor(|| Err(io::ErrorKind::Unsupported.into()));
    let mut program = Command::new("cat").stdin(Stdio::piped()).spawn().unwrap();
    let (stopped, end) = channel();
    std::thread::spawn(move || {
        monitor.stop();
        let _ = stopped.send(());
    });
    let ended = end.recv_timeout(LIMIT);
    program.kill().unwrap();
    program.wait().unwrap();
    ended.unwrap();
}
