//! A module's process as the node sees it: started, spoken to, ended.

use std::io::{self, Read};
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::process::{Child, ChildStderr, Command, Stdio};
use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::net::{AddressFamily, SendFlags, Shutdown, SocketFlags, SocketType, shutdown, socketpair};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

use super::TokenRules;
use super::wire::{self, Answer, Ask, Inbox, Request, Response};
use crate::text::clean;

/// A killed process is waited for so long; one that hangs in the kernel is left to a thread.
const BURIAL: Duration = Duration::from_millis(300);

/// Lines of a process's standard error that go to the log.
const MOST_LINES: usize = 1000;

/// So much of it is read at once.
const READ: usize = 4096;

/// So much is waiting to be read at most: no pipe holds more.
const FULLEST: usize = 1 << 20;

/// Of the node's own environment, what programs cannot do without.
const BASICS: [&str; 3] = ["PATH", "HOME", "LANG"];

/// A module's process.
pub(super) struct Process {
    socket: OwnedFd,
    /// Names the process even after its number was given to another.
    handle: OwnedFd,
    child: Mutex<Option<Child>>,
    noise: Mutex<Noise>,
}

/// What came of waiting for an answer.
pub(super) enum Received<'a> {
    Answer(u64, Answer, &'a [u8]),
    /// Nothing came in time.
    Late,
    /// The process has ended, or says what is no answer.
    Ended,
}

impl Process {
    /// Starts one; nothing is loaded yet.
    ///
    /// # Errors
    /// The system's.
    pub(super) fn start(program: &Path, rules: &TokenRules) -> io::Result<Self> {
        let (own, other) = socketpair(
            AddressFamily::UNIX,
            SocketType::SEQPACKET,
            SocketFlags::CLOEXEC,
            None,
        )?;
        let mut command = Command::new(program);
        command
            .arg("token-worker")
            .env_clear()
            .envs(
                BASICS
                    .iter()
                    .filter_map(|name| Some((name, std::env::var_os(name)?))),
            )
            .envs(&rules.environment)
            .current_dir("/")
            .stdin(Stdio::from(other))
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        let mut child = command.spawn()?;
        let opened = Pid::from_raw(child.id().cast_signed())
            .ok_or(io::ErrorKind::InvalidData.into())
            .and_then(|pid| Ok(pidfd_open(pid, PidfdFlags::empty())?));
        let handle = match opened {
            Ok(handle) => handle,
            Err(error) => {
                let _ = child.kill();
                let _ = child.wait();
                return Err(error);
            }
        };
        let noise = Noise {
            name: rules.name.clone(),
            pipe: child.stderr.take(),
            line: Vec::new(),
            lines: 0,
            hushed: false,
        };
        Ok(Self {
            socket: own,
            handle,
            child: Mutex::new(Some(child)),
            noise: Mutex::new(noise),
        })
    }

    /// Sends a request; does not wait.
    ///
    /// # Errors
    /// `WouldBlock`: it has not taken what it was sent; `BrokenPipe` and the like: it has ended.
    pub(super) fn send(&self, id: u64, ask: Ask, bytes: &[u8]) -> io::Result<()> {
        wire::send(
            self.socket.as_fd(),
            &Request { id, ask },
            bytes,
            SendFlags::DONTWAIT,
        )
    }

    /// Waits until an answer is there, or the process has ended, and sees to its standard error meanwhile; false: neither came
    /// in time.
    pub(super) fn wait(&self, until: Option<Instant>) -> bool {
        let mut noise = lock(&self.noise);
        loop {
            let patience = until.map(|until| until.saturating_duration_since(Instant::now()));
            let patience = patience.and_then(|patience| Timespec::try_from(patience).ok());
            let mut waits = vec![PollFd::new(&self.socket, PollFlags::IN)];
            if let Some(pipe) = &noise.pipe {
                waits.push(PollFd::new(pipe, PollFlags::IN));
            }
            match poll(&mut waits, patience.as_ref()) {
                Ok(0) => return false,
                Err(Errno::INTR) => continue,
                Err(_) => return true,
                Ok(_) => {}
            }
            let answered = !waits[0].revents().is_empty();
            if waits.get(1).is_some_and(|wait| !wait.revents().is_empty()) {
                noise.hear();
            }
            if answered {
                return true;
            }
            // Whoever writes without end is late all the same.
            if until.is_some_and(|until| Instant::now() >= until) {
                return false;
            }
        }
    }

    /// Waits for the next answer.
    pub(super) fn receive<'a>(&self, inbox: &'a mut Inbox, until: Option<Instant>) -> Received<'a> {
        if !self.wait(until) {
            return Received::Late;
        }
        match inbox.receive::<Response>(self.socket.as_fd()) {
            Ok(Some((Response { id, answer }, bytes))) => Received::Answer(id, answer, bytes),
            Ok(None) => {
                // Its last words may say why.
                lock(&self.noise).hear_all();
                Received::Ended
            }
            Err(error) => {
                tracing::debug!("a module's process says what is no answer: {error}");
                Received::Ended
            }
        }
    }

    /// While the PIN is with the process, nothing that the module writes reaches the log.
    pub(super) fn hush(&self, hushed: bool) {
        let mut noise = lock(&self.noise);
        if !hushed {
            // What was written while the PIN was there is in the pipe by now.
            noise.hear_all();
        }
        noise.hushed = hushed;
    }

    /// Has it end by itself: it does what it was asked, and sees then that nobody asks any more.
    pub(super) fn dismiss(&self) {
        let _ = shutdown(&self.socket, Shutdown::Both);
    }

    /// Ends it now.
    pub(super) fn kill(&self) {
        let _ = pidfd_send_signal(&self.handle, Signal::KILL);
        self.dismiss();
    }

    /// Waits until it has ended; kills it when `patience` is over.
    pub(super) fn bury(&self, patience: Duration) {
        let ended = |patience: Duration| {
            let patience = Timespec::try_from(patience).ok();
            let mut wait = [PollFd::new(&self.handle, PollFlags::IN)];
            matches!(poll(&mut wait, patience.as_ref()), Ok(1..))
        };
        if !ended(patience) {
            self.kill();
        }
        let Some(mut child) = lock(&self.child).take() else {
            return;
        };
        if ended(BURIAL) {
            let _ = child.wait();
            return;
        }
        tracing::warn!(
            pid = child.id(),
            "a module's process hangs in the kernel and cannot be ended"
        );
        let waiting = thread::Builder::new().name("token-burial".into());
        let _ = waiting.spawn(move || child.wait());
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.bury(Duration::ZERO);
    }
}

/// What the process writes to its standard error.
struct Noise {
    name: String,
    pipe: Option<ChildStderr>,
    line: Vec<u8>,
    lines: usize,
    hushed: bool,
}

impl Noise {
    fn is_waiting(&self) -> bool {
        let Some(pipe) = &self.pipe else { return false };
        let mut wait = [PollFd::new(pipe, PollFlags::IN)];
        matches!(poll(&mut wait, Some(&Timespec::default())), Ok(1..))
    }

    /// Takes all that is there; not what is written meanwhile without end.
    fn hear_all(&mut self) {
        for _ in 0..FULLEST.div_ceil(READ) {
            if !self.is_waiting() {
                return;
            }
            self.hear();
        }
    }

    /// Takes what is there; a read does not block after a poll.
    fn hear(&mut self) {
        let mut buffer = zeroize::Zeroizing::new([0; READ]);
        let count = self.pipe.as_mut().map(|pipe| pipe.read(&mut buffer[..]));
        let Some(Ok(count @ 1..)) = count else {
            self.pipe = None;
            return;
        };
        if self.hushed {
            return;
        }
        for byte in &buffer[..count] {
            if *byte != b'\n' {
                if self.line.len() < 1024 {
                    self.line.push(*byte);
                }
                continue;
            }
            self.lines += 1;
            if let Some(line) = clean(&self.line).filter(|_| self.lines <= MOST_LINES) {
                tracing::debug!(token = self.name, "the module says: {line}");
            }
            self.line.clear();
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::sync::mpsc::channel;

    use super::*;

    /// A process that answers nothing, and whose standard error always has more to be read.
    fn babbling() -> Process {
        let rules = TokenRules {
            name: "a".into(),
            module: "/nonexistent".into(),
            label: None,
            serial: None,
            pin: None,
            environment: std::collections::BTreeMap::new(),
            sessions: 1,
            timeout: Duration::from_secs(1),
            probe: Duration::from_secs(1),
        };
        // It runs until it is ended.
        let process = Process::start(Path::new("/usr/bin/yes"), &rules).unwrap();
        let endless = OwnedFd::from(File::open("/dev/zero").unwrap());
        lock(&process.noise).pipe = Some(endless.into());
        process
    }

    #[test]
    fn who_writes_without_end_is_late_all_the_same() {
        let process = babbling();
        let (sender, told) = channel();
        thread::spawn(move || {
            process.hush(true);
            let answered = process.wait(Some(Instant::now() + Duration::from_millis(50)));
            process.hush(false);
            // The test ends with the answer, and the process would outlive it.
            drop(process);
            sender.send(answered)
        });
        assert_eq!(told.recv_timeout(Duration::from_secs(30)), Ok(false));
    }
}
