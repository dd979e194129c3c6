//! The program itself as a process that is killed: with settings in a file, and requests whose answers may never come.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use keynode::sandbox::Sandbox;
use keynode::settings::Settings;
use keynode::store::{Database, Role};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::common::http::Ask;
use crate::common::node::prepare;
use crate::common::users;
use crate::keys::{Key, Plugged};
use crate::random::Random;
use crate::world::{ACCOUNT, ITN, PASSWORD, organization, point, sandbox};

/// Longer than anything takes.
const PATIENCE: Duration = Duration::from_mins(1);

/// What a node lives on, and what outlives it.
pub(crate) struct Home {
    pub(crate) sandbox: Sandbox,
    pub(crate) settings: Settings,
    pub(crate) key: Plugged,
    directory: TempDir,
}

/// A node that runs; it is killed when this is dropped.
pub(crate) struct Daemon {
    child: Child,
    pub(crate) address: SocketAddr,
    log: Receiver<String>,
}

impl Home {
    /// A home with this key, where the organisation and the account are known.
    pub(crate) fn new(key: Key, change: impl FnOnce(&mut Settings)) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let sandbox = sandbox(directory.path());
        let key = Plugged::new(key);
        let loopback = SocketAddr::from(([127, 0, 0, 1], 0));
        let mut settings = Settings {
            listen: loopback,
            admin_listen: loopback,
            state_dir: directory.path().join("state"),
            workers: 1,
            ..Settings::default()
        };
        settings.devices.enabled = false;
        point(&mut settings, &sandbox.url());
        key.apply(&mut settings);
        change(&mut settings);
        prepare(&settings);
        let home = Self {
            sandbox,
            settings,
            key,
            directory,
        };
        users::add(&home.database(), "robot", Role::Gateway, PASSWORD, false);
        let daemon = home.start();
        let organization = serde_json::to_value(organization(&home.key.thumbprint)).unwrap();
        let account = json!({ "Login": ACCOUNT.0, "Password": ACCOUNT.1 });
        for (target, body) in [
            (format!("/api/organizations/{ITN}"), organization),
            ("/api/support-account".into(), account),
        ] {
            let put = Ask::new(daemon.address, "PUT", &target).body(body.to_string());
            let answer = put.send();
            assert!(matches!(answer.status, 200 | 201), "{target}: {answer:?}");
        }
        drop(daemon);
        home
    }

    pub(crate) fn database(&self) -> Database {
        Database::open(&self.settings.state_dir).unwrap()
    }

    /// Starts the program, and waits until it serves.
    pub(crate) fn start(&self) -> Daemon {
        let mut daemon = self.spawn();
        let deadline = Instant::now() + PATIENCE;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let line = daemon.log.recv_timeout(left).expect("the node is to start");
            let line: Value = serde_json::from_str(&line).unwrap_or_default();
            if line["message"] == "keynode serves" {
                daemon.address = line["address"].as_str().unwrap().parse().unwrap();
                return daemon;
            }
        }
    }

    /// Starts the program, and does not wait.
    pub(crate) fn spawn(&self) -> Daemon {
        let config: PathBuf = self.directory.path().join("keynode.toml");
        fs::write(&config, toml::to_string(&self.settings).unwrap()).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_keynode"));
        command.arg("serve").arg("--config").arg(config).env_clear();
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let (sender, log) = channel();
        // Its pipe must never be full.
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                let _ = sender.send(line);
            }
        });
        Daemon {
            child,
            address: SocketAddr::from(([127, 0, 0, 1], 1)),
            log,
        }
    }
}

impl Daemon {
    /// Asks as the robot; none: the node was gone before it had answered.
    pub(crate) fn ask(&self, verb: &str, target: &str, body: &Value) -> Option<(u16, Value)> {
        ask(self.address, verb, target, body)
    }

    /// Waits until something is so.
    #[track_caller]
    pub(crate) fn until(&self, what: &str, mut is: impl FnMut() -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !is() {
            let log = || self.log.try_iter().collect::<Vec<_>>().join("\n");
            assert!(Instant::now() < deadline, "{what}\n{}", log());
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // SIGKILL.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Asks a node that may be gone at any moment.
pub(crate) fn ask(address: SocketAddr, verb: &str, target: &str, body: &Value) -> Option<(u16, Value)> {
    let mut ask = Ask::new(address, verb, target).login("robot", PASSWORD);
    ask = ask.header("Connection", "close");
    if !body.is_null() {
        ask = ask.body(body.to_string());
    }
    let mut stream = TcpStream::connect(address).ok()?;
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.write_all(&ask.bytes()).ok()?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).ok()?;
    let answer = String::from_utf8(answer).ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    Some((status, serde_json::from_str(body).ok()?))
}

/// Kills a node under this load after so many milliseconds at most.
pub(crate) fn kill_under(
    node: Daemon,
    random: &mut Random,
    longest: u64,
    load: impl Fn(SocketAddr, Random) + Sync,
) {
    let (address, moment) = (node.address, Duration::from_millis(random.below(longest)));
    std::thread::scope(|scope| {
        for _ in 0..3 {
            let (own, load) = (random.fork(), &load);
            scope.spawn(move || load(address, own));
        }
        std::thread::sleep(moment);
        drop(node);
    });
}
