//! Starts the program, waits for what it says, and never leaves a process behind.

use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::http::Client;

/// Longer than anything takes, however busy the computer is: to wait longer is to fail.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// The program, with nothing of the caller's environment that could change what it does.
pub(crate) fn keynode(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_keynode"));
    command.args(arguments).env_clear().stdin(Stdio::null());
    command.env("PATH", std::env::var_os("PATH").unwrap());
    // Whatever is plugged into the computer that the tests run on.
    command.env("KEYNODE_DEVICES_ENABLED", "false");
    command
}

/// How a command ended.
#[derive(Debug)]
pub(crate) struct Done {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Done {
    /// What it printed; it must have succeeded.
    pub(crate) fn ok(self) -> String {
        assert_eq!(self.code, 0, "{self:?}");
        self.out
    }

    /// What it complained of in one line; it must have failed with this code and printed nothing else.
    pub(crate) fn fails(self, code: i32) -> String {
        assert_eq!(self.code, code, "{self:?}");
        assert!(
            self.err.starts_with("keynode: ") && self.err.trim_end().lines().count() == 1,
            "{self:?}"
        );
        self.err
    }
}

/// Runs a command to its end.
pub(crate) fn run(mut command: Command) -> Done {
    let output = command.output().unwrap();
    done(&output)
}

/// Runs a command that reads `input`.
pub(crate) fn run_with(mut command: Command, input: &str) -> Done {
    command.stdin(Stdio::piped());
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // A command that wants none may have ended already.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    done(&child.wait_with_output().unwrap())
}

fn done(output: &std::process::Output) -> Done {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    assert!(!err.contains("panicked"), "{err}");
    let code = output.status.code().unwrap_or(-1);
    Done { code, out, err }
}

/// A command of the shell, with these words as $1, $2, ...
pub(crate) fn sh(script: &str, words: &[&str], directory: &Path) -> Done {
    let mut command = Command::new("sh");
    command.args(["-euc", script, "sh"]).args(words);
    command.current_dir(directory).stdin(Stdio::null());
    run(command)
}

/// Waits until `look` finds something; the result says how long that took too.
pub(crate) fn eventually<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> (T, Duration) {
    let start = Instant::now();
    loop {
        if let Some(found) = look() {
            return (found, start.elapsed());
        }
        assert!(start.elapsed() < PATIENCE, "waited in vain for: {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// A process whose log is followed; killed when dropped.
pub(crate) struct Process {
    child: Child,
    log: Arc<Mutex<String>>,
    lines: Receiver<String>,
}

impl Process {
    pub(crate) fn start(mut command: Command) -> Self {
        command.stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let log = Arc::new(Mutex::new(String::new()));
        let lines = follow(&mut child, log.clone());
        Self { child, log, lines }
    }

    /// Waits for a line of the log with this message.
    pub(crate) fn logged(&self, message: &str) -> Value {
        loop {
            let line = self.lines.recv_timeout(PATIENCE);
            let line = line.unwrap_or_else(|_| panic!("not logged: {message}\n{}", self.log()));
            let line: Value = serde_json::from_str(&line).unwrap_or_default();
            if line["message"]
                .as_str()
                .is_some_and(|text| text.contains(message))
            {
                return line;
            }
        }
    }

    /// The whole log so far.
    pub(crate) fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            println!("log of the process:\n{}", self.log());
        }
    }
}

/// A node that serves.
pub(crate) struct Node {
    process: Process,
    pub(crate) address: SocketAddr,
    pub(crate) admin: SocketAddr,
    /// From the start of the process to its first word that it serves.
    pub(crate) start_took: Duration,
}

impl Node {
    /// Starts a command that serves, and waits until it does.
    pub(crate) fn start(command: Command) -> Self {
        let start = Instant::now();
        let process = Process::start(command);
        let told = process.logged("keynode serves");
        let start_took = start.elapsed();
        let address = |name: &str| told[name].as_str().unwrap().parse().unwrap();
        let node = Self {
            address: address("address"),
            admin: address("admin"),
            process,
            start_took,
        };
        assert_eq!(Client::new(node.admin).get("/ready").status, 200);
        node
    }

    /// Waits for a line of the log with this message.
    pub(crate) fn logged(&self, message: &str) -> Value {
        self.process.logged(message)
    }

    /// The whole log so far.
    pub(crate) fn log(&self) -> String {
        self.process.log()
    }

    pub(crate) fn client(&self) -> Client {
        Client::new(self.address)
    }

    pub(crate) fn pid(&self) -> u32 {
        self.process.child.id()
    }

    /// Takes what `Stdio::piped` gave for its standard output.
    pub(crate) fn stdout(&mut self) -> BufReader<std::process::ChildStdout> {
        BufReader::new(self.process.child.stdout.take().unwrap())
    }

    pub(crate) fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(i32::try_from(self.pid()).unwrap()).unwrap();
        kill_process(pid, signal).unwrap();
    }

    /// SIGTERM; how it ended, and how long that took.
    pub(crate) fn stop(mut self) -> (ExitStatus, Duration) {
        self.signal(Signal::TERM);
        let start = Instant::now();
        let child = &mut self.process.child;
        eventually("the end of the process", || child.try_wait().unwrap());
        let took = start.elapsed();
        (child.wait().unwrap(), took)
    }

    /// SIGKILL.
    pub(crate) fn kill(mut self) {
        self.process.child.kill().unwrap();
        self.process.child.wait().unwrap();
    }
}

/// Reads the process's log as it comes, for its pipe must never be full.
fn follow(child: &mut Child, log: Arc<Mutex<String>>) -> Receiver<String> {
    let errors = BufReader::new(child.stderr.take().unwrap());
    let (sender, lines) = channel();
    std::thread::spawn(move || {
        for line in errors.lines().map_while(Result::ok) {
            let mut log = log.lock().unwrap();
            log.push_str(&line);
            log.push('\n');
            drop(log);
            let _ = sender.send(line);
        }
    });
    lines
}
