//! A vendor with a centre, as commands and as a process, and a computer that asks it by hand.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use keynode::activation::{Action, NodeIdentity, Nonce, REQUEST_VERSION, Request, seal_request};
use keynode::licence::binding::{Component, ComponentKind};
use keynode::licence::{ActivationCode, Itn, Licence, Timestamp, VendorKey, VendorKeys, open};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::harness::{Done, PATIENCE, eventually, keynode, run};
use crate::state::{fixture, private_key};

/// The holder that requests name.
pub(crate) const ITN: &str = "7707083893";

/// A directory with a centre in it.
pub(crate) struct Vendor {
    pub(crate) root: tempfile::TempDir,
}

impl Vendor {
    /// An empty directory.
    pub(crate) fn nowhere() -> Self {
        Self {
            root: tempfile::tempdir().unwrap(),
        }
    }

    /// A centre with the fixture vendor's key, for making one takes long, and a series 672B.
    pub(crate) fn new() -> Self {
        let vendor = Self::nowhere();
        vendor.bring_key();
        vendor.run(&["init"]).ok();
        vendor.sells();
        vendor
    }

    pub(crate) fn bring_key(&self) {
        fs::create_dir_all(self.dir()).unwrap();
        private_key("vendor.key.pem", &self.dir().join("vendor.key"));
        fs::copy(fixture("vendor.pub.pem"), self.dir().join("vendor.pem")).unwrap();
    }

    pub(crate) fn sells(&self) {
        self.run(&["product", "add", "--article", "1001", "--name", "Product"])
            .ok();
        self.run(&[
            "series",
            "add",
            "--series",
            "672b",
            "--article",
            "1001",
            "--seats",
            "7",
        ])
        .ok();
    }

    pub(crate) fn dir(&self) -> PathBuf {
        self.root.path().join("centre")
    }

    pub(crate) fn path(&self, name: &str) -> String {
        self.root.path().join(name).to_str().unwrap().to_owned()
    }

    /// `keynode centre` with these words.
    pub(crate) fn command(&self, words: &[&str]) -> Command {
        let mut command = keynode(&["centre"]);
        command.args(words).arg("--dir").arg(self.dir());
        command
            .env("HOME", self.root.path())
            .current_dir(self.root.path());
        command
    }

    pub(crate) fn run(&self, words: &[&str]) -> Done {
        run(self.command(words))
    }

    pub(crate) fn json(&self, words: &[&str]) -> Value {
        serde_json::from_str(&self.run(words).ok()).unwrap()
    }

    /// The codes of a new batch, by its CSV file.
    pub(crate) fn issue(&self, count: u64, more: &[&str]) -> Vec<ActivationCode> {
        let csv = self.path(&format!("codes-{}.csv", rows_in(self.root.path())));
        let count = count.to_string();
        let words = [
            "codes", "issue", "--series", "672B", "--count", &count, "--csv", &csv,
        ];
        self.run(&[&words[..], more].concat()).ok();
        codes(Path::new(&csv))
    }

    pub(crate) fn serve(&self, more: &[&str]) -> Serving {
        let mut command = self.command(&["serve"]);
        command.args(more);
        if !more.contains(&"--centre-listen") {
            command.args(["--centre-listen", "127.0.0.1:0"]);
        }
        Serving::start(command)
    }
}

/// So that no two files have one name.
pub(crate) fn rows_in(directory: &Path) -> usize {
    fs::read_dir(directory).unwrap().count()
}

pub(crate) fn codes(csv: &Path) -> Vec<ActivationCode> {
    let mut reader = csv::Reader::from_path(csv).unwrap();
    let code = |row: csv::Result<csv::StringRecord>| ActivationCode::parse(&row.unwrap()[0]).unwrap();
    reader.records().map(code).collect()
}

/// A centre as a process; it ends when dropped.
pub(crate) struct Serving {
    child: Child,
    pub(crate) address: SocketAddr,
    lines: Receiver<String>,
}

impl Serving {
    pub(crate) fn start(mut command: Command) -> Self {
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let errors = BufReader::new(child.stderr.take().unwrap());
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            for line in errors.lines().map_while(Result::ok) {
                let _ = sender.send(line);
            }
        });
        let mut own = Self {
            child,
            address: SocketAddr::from(([0; 4], 0)),
            lines,
        };
        own.address = own.logged("the activation centre serves")["address"]
            .as_str()
            .unwrap()
            .parse()
            .unwrap();
        own
    }

    pub(crate) fn logged(&self, message: &str) -> Value {
        let mut seen = String::new();
        loop {
            let line = self.lines.recv_timeout(PATIENCE);
            let line = line.unwrap_or_else(|_| panic!("not logged: {message}\n{seen}"));
            let row: Value = serde_json::from_str(&line).unwrap_or_default();
            if row["message"].as_str().is_some_and(|text| text.contains(message)) {
                return row;
            }
            seen.push_str(&line);
        }
    }

    pub(crate) fn is_healthy(&self) {
        let answer = self.health();
        assert!(
            answer.starts_with("HTTP/1.1 200 ") && answer.ends_with(r#"{"Healthy":true}"#),
            "{answer}"
        );
    }

    /// What it answers to the question for its health, with the head.
    pub(crate) fn health(&self) -> String {
        let mut stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream
            .write_all(b"GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    pub(crate) fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(i32::try_from(self.child.id()).unwrap()).unwrap();
        kill_process(pid, signal).unwrap();
    }

    /// How it ended after this signal, and how long that took.
    pub(crate) fn stop(mut self, signal: Signal) -> (ExitStatus, Duration) {
        self.signal(signal);
        let start = Instant::now();
        eventually("the end of the centre", || self.child.try_wait().unwrap());
        let took = start.elapsed();
        self.logged("the activation centre has stopped");
        (self.child.wait().unwrap(), took)
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A request of a computer that is not here.
pub(crate) fn request(directory: &Path, code: &ActivationCode) -> (Request, String) {
    let identity = NodeIdentity::open(directory).unwrap();
    let component = |kind, digit: &str| Component {
        kind,
        value: digit.repeat(32),
    };
    let request = Request {
        version: REQUEST_VERSION,
        action: Action::Activate,
        code: code.clone(),
        itn: Itn::parse(ITN).unwrap(),
        iec: None,
        nonce: Nonce::random().unwrap(),
        last: None,
        time: Timestamp::from_millis(1_800_000_000_000),
        recovery: None,
        computer: Some(vec![
            component(ComponentKind::MachineId, "a"),
            component(ComponentKind::BoardSerial, "b"),
        ]),
        carrier: None,
    };
    let sealed = seal_request(&request, &identity);
    (request, sealed)
}

pub(crate) fn opened(file: &Path, public: &Path) -> Licence {
    let pem = fs::read_to_string(public).unwrap();
    let keys: VendorKeys = [VendorKey::from_pem(&pem).unwrap()].into_iter().collect();
    open(&fs::read(file).unwrap(), &keys).unwrap()
}
