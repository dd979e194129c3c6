//! A node as it runs for users, but in this process, with a clock that tests move and a computer made of files.

use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;

use keynode::clock::{Clock, Millis};
use keynode::computer::Roots;
use keynode::devices::Carrier;
use keynode::gateway::GatewayHandle;
use keynode::keyring::{KeeperHandle, Plugged};
use keynode::licence::{Licence, Timestamp};
use keynode::monitoring::webhooks::WebhooksHandle;
use keynode::node::{Node, SIGNING_KEY, StartError, host_devices};
use keynode::seats::DeskHandle;
use keynode::settings::Settings;
use keynode::store::{Database, INITIAL_PASSWORD, INITIAL_USER, Role};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

use super::clock::{START, TestClock};
use super::http::{Answer, Ask};
use super::plug::TestDevices;
use super::{keys, machine, users};

pub(crate) use super::users::author;

/// The program that keeps a PKCS#11 module.
const WORKER: &str = env!("CARGO_BIN_EXE_keynode");

/// What the node's own thread is told.
enum Command {
    Reload(Box<Settings>, mpsc::Sender<()>),
    Stop,
}

struct Running {
    address: SocketAddr,
    admin: SocketAddr,
    keys: KeeperHandle,
    desk: DeskHandle,
    gateway: GatewayHandle,
    webhooks: WebhooksHandle,
    commands: UnboundedSender<Command>,
    thread: Option<JoinHandle<()>>,
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.commands.send(Command::Stop);
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap();
        }
    }
}

/// A node that serves until it is dropped.
pub(crate) struct TestNode {
    running: Option<Running>,
    pub(crate) clock: Arc<TestClock>,
    pub(crate) settings: Settings,
    pub(crate) devices: Arc<TestDevices>,
    /// It sees the computer's own devices, not `devices`.
    on_host: bool,
    roots: Roots,
    dir: TempDir,
    crashes: usize,
}

impl TestNode {
    /// A node without licences.
    pub(crate) fn start() -> Self {
        Self::with(|_| ())
    }

    /// A node with the manual's licence.
    pub(crate) fn licensed() -> Self {
        let node = Self::start();
        node.put(&keys::licence());
        node
    }

    /// A node with changed settings.
    pub(crate) fn with(change: impl FnOnce(&mut Settings)) -> Self {
        Self::try_with(change).unwrap()
    }

    /// As [`TestNode::with`], where the node may refuse to start.
    pub(crate) fn try_with(change: impl FnOnce(&mut Settings)) -> Result<Self, StartError> {
        Self::make(change, false)
    }

    /// As [`TestNode::try_with`]; on the host it sees the computer's own devices, for tests that describe those.
    pub(crate) fn make(change: impl FnOnce(&mut Settings), on_host: bool) -> Result<Self, StartError> {
        let dir = tempfile::tempdir().unwrap();
        let loopback = SocketAddr::from(([127, 0, 0, 1], 0));
        let mut settings = Settings {
            listen: loopback,
            admin_listen: loopback,
            state_dir: dir.path().join("state"),
            workers: 1,
            ..Settings::default()
        };
        change(&mut settings);
        prepare(&settings);
        let roots = machine::build(&dir.path().join("machine"));
        let clock = Arc::new(TestClock::at(Timestamp::parse(START).unwrap()));
        let devices = Arc::default();
        let running = run(&settings, &clock, &roots, (!on_host).then_some(&devices))?;
        Ok(Self {
            running: Some(running),
            clock,
            settings,
            devices,
            on_host,
            roots,
            dir,
            crashes: 0,
        })
    }

    fn running(&self) -> &Running {
        self.running.as_ref().unwrap()
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.running().address
    }

    pub(crate) fn admin_address(&self) -> SocketAddr {
        self.running().admin
    }

    /// Stops the node in order and starts it again, this many milliseconds later.
    pub(crate) fn restart(&mut self, downtime: Millis) {
        self.running = None;
        self.start_again(downtime);
    }

    /// Starts the node again from what is on disk at this moment, as after a power loss.
    pub(crate) fn crash(&mut self, downtime: Millis) {
        self.crashes += 1;
        let after = self.dir.path().join(format!("after-crash-{}", self.crashes));
        let before = self.settings.state_dir.clone();
        fs::create_dir(&after).unwrap();
        // The database before its log: what the log lacks was not promised to anybody.
        for name in [SIGNING_KEY, "gateway.key", "keynode.db", "keynode.db-wal"] {
            if before.join(name).exists() {
                fs::copy(before.join(name), after.join(name)).unwrap();
            }
        }
        self.settings.licence_dir = Some(self.settings.licence_dir());
        self.settings.vendor_dir = Some(self.settings.vendor_dir());
        self.settings.state_dir = after;
        self.running = None;
        self.start_again(downtime);
    }

    fn start_again(&mut self, downtime: Millis) {
        self.clock.advance(downtime);
        self.clock = Arc::new(TestClock::at(self.clock.now().wall));
        let devices = (!self.on_host).then_some(&self.devices);
        self.running = Some(run(&self.settings, &self.clock, &self.roots, devices).unwrap());
    }

    /// Changes the settings while the node runs.
    pub(crate) fn reload(&mut self, change: impl FnOnce(&mut Settings)) {
        change(&mut self.settings);
        let (done, finished) = mpsc::channel();
        let settings = Box::new(self.settings.clone());
        let _ = self.running().commands.send(Command::Reload(settings, done));
        finished.recv().unwrap();
    }

    /// Lets time pass for everything in the node.
    pub(crate) fn advance(&self, millis: Millis) {
        self.clock.advance(millis);
        self.wake();
    }

    /// Sets the node's wall clock.
    pub(crate) fn set_wall(&self, wall: Timestamp) {
        self.clock.set_wall(wall);
        self.wake();
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now().wall
    }

    /// Makes the node look at its clock; returns when it has.
    pub(crate) fn wake(&self) {
        self.running().keys.wake();
        self.running().gateway.wake();
        self.rescan();
        self.running().webhooks.wake();
    }

    /// Makes the node look at its keys; returns when the seats follow them too.
    fn rescan(&self) {
        let running = self.running();
        running.keys.rescan();
        let desk = running.desk.ask(|_, _, _| ());
        let waiting = tokio::runtime::Builder::new_current_thread().build();
        waiting.unwrap().block_on(desk).unwrap();
    }

    /// These carriers are plugged in now, and no others; returns when the node knows it.
    pub(crate) fn plug(&self, carriers: Vec<Carrier>) {
        self.devices.set(carriers);
        self.follow();
    }

    /// Waits until the keyring has done what it was told, and the seats follow it.
    pub(crate) fn follow(&self) {
        self.rescan();
    }

    /// Its hardware, tokens among it.
    #[allow(dead_code, reason = "only some tests have hardware of their own")]
    pub(crate) fn plugged(&self) -> Arc<dyn Plugged> {
        self.running().keys.devices().clone()
    }

    /// Its services.
    #[allow(dead_code, reason = "only some tests have services")]
    pub(crate) fn gateway(&self) -> GatewayHandle {
        self.running().gateway.clone()
    }

    /// Holds up the desk, as a disk that hangs does, until what it gives is dropped.
    #[allow(dead_code, reason = "only some tests want a sick node")]
    pub(crate) fn hold_desk(&self) -> mpsc::Sender<()> {
        let (free, freed) = mpsc::channel();
        let (began, begun) = mpsc::channel();
        let held = self.running().desk.ask(move |_, _, _| {
            let _ = began.send(());
            let _ = freed.recv();
        });
        drop(held);
        begun.recv().unwrap();
        free
    }

    pub(crate) fn licence_dir(&self) -> PathBuf {
        self.settings.licence_dir()
    }

    /// Puts a licence file; returns when the node knows it.
    pub(crate) fn put(&self, licence: &Licence) -> PathBuf {
        self.put_file(&licence.file_name(), &keys::sealed(licence))
    }

    /// Puts a file among the licences; returns when the node knows it.
    pub(crate) fn put_file(&self, name: &str, content: &str) -> PathBuf {
        let path = self.licence_dir().join(name);
        fs::write(&path, content).unwrap();
        self.rescan();
        path
    }

    /// Removes a licence file; returns when the node knows it.
    pub(crate) fn remove(&self, path: &Path) {
        fs::remove_file(path).unwrap();
        self.rescan();
    }

    /// A licence bound to this node's computer.
    pub(crate) fn bound(&self, licence: Licence) -> Licence {
        Licence {
            binding: machine::binding(&self.roots),
            ..licence
        }
    }

    /// Replaces a part of the computer.
    pub(crate) fn change_computer(&self, file: &str, content: &str) {
        fs::write(self.dir.path().join("machine").join(file), content).unwrap();
        self.rescan();
    }

    pub(crate) fn database(&self) -> Database {
        Database::open(&self.settings.state_dir).unwrap()
    }

    pub(crate) fn add_user(&self, name: &str, role: Role, password: &str) {
        users::add(&self.database(), name, role, password, false);
    }

    pub(crate) fn ask(&self, verb: &str, target: &str) -> Ask {
        Ask::new(self.address(), verb, target)
    }

    #[track_caller]
    pub(crate) fn get(&self, target: &str) -> Answer {
        self.ask("GET", target).send()
    }

    #[track_caller]
    pub(crate) fn post(&self, target: &str, body: &Value) -> Answer {
        self.ask("POST", target).body(body.to_string()).send()
    }

    #[track_caller]
    pub(crate) fn put_to(&self, target: &str) -> Answer {
        self.ask("PUT", target).send()
    }

    #[track_caller]
    pub(crate) fn delete(&self, target: &str) -> Answer {
        self.ask("DELETE", target).send()
    }

    /// Asks for a seat of the series 672B.
    #[track_caller]
    pub(crate) fn take(&self, client: &str) -> Answer {
        self.post(
            "/api/sessions",
            &json!({ "KeyID": "672B", "ClientSessionID": client }),
        )
    }

    /// Takes a seat, and returns the path of its session.
    #[track_caller]
    pub(crate) fn seat(&self, client: &str) -> String {
        let taken = self.take(client).expect(201);
        taken.header("Location").unwrap().to_owned()
    }

    /// The one licence of this number.
    #[track_caller]
    pub(crate) fn licence(&self, key_no: u64) -> Value {
        self.get(&format!("/api/licences/{key_no}")).expect(200).json()
    }
}

/// Puts the fixture keys where the node looks for them, and the user that every new node has.
pub(crate) fn prepare(settings: &Settings) {
    for dir in [
        &settings.state_dir,
        &settings.licence_dir(),
        &settings.vendor_dir(),
    ] {
        fs::create_dir_all(dir).unwrap();
    }
    let mut private = fs::File::options();
    private.write(true).create_new(true).mode(0o600);
    let mut key = private.open(settings.state_dir.join(SIGNING_KEY)).unwrap();
    std::io::Write::write_all(&mut key, keys::NODE_KEY.as_bytes()).unwrap();
    let vendor = settings.vendor_dir().join(format!("{}.pem", keys::vendor_kid()));
    fs::write(vendor, keys::VENDOR_PUBLIC).unwrap();
    let database = Database::open(&settings.state_dir).unwrap();
    users::add(&database, INITIAL_USER, Role::Admin, INITIAL_PASSWORD, true);
}

fn run(
    settings: &Settings,
    clock: &Arc<TestClock>,
    roots: &Roots,
    devices: Option<&Arc<TestDevices>>,
) -> Result<Running, StartError> {
    let (settings, clock, roots) = (settings.clone(), clock.clone(), roots.clone());
    let devices = devices.cloned();
    let (commands, mut told) = unbounded_channel();
    let (started, result) = mpsc::channel();
    let thread = std::thread::spawn(move || {
        actix_rt::System::new().block_on(async move {
            let plug = |rules, on_plug| match devices {
                Some(devices) => devices.plug(rules, on_plug),
                None => host_devices(rules, on_plug),
            };
            let node = match Node::start_with(&settings, clock, roots, Path::new(WORKER), plug) {
                Ok(node) => node,
                Err(error) => {
                    started.send(Err(error)).unwrap();
                    return;
                }
            };
            let handles = (
                node.keys.clone(),
                node.desk.clone(),
                node.gateway.clone(),
                node.webhooks.clone(),
            );
            let addresses = (node.address, node.admin_address);
            started.send(Ok((addresses, handles))).unwrap();
            while let Some(Command::Reload(settings, done)) = told.recv().await {
                node.reload(&settings);
                done.send(()).unwrap();
            }
            node.stop().await;
        });
    });
    match result.recv().unwrap() {
        Ok(((address, admin), (keys, desk, gateway, webhooks))) => Ok(Running {
            address,
            admin,
            keys,
            desk,
            gateway,
            webhooks,
            commands,
            thread: Some(thread),
        }),
        Err(error) => {
            thread.join().unwrap();
            Err(error)
        }
    }
}
