//! The way to the devices for everybody else: snapshots, and what may be asked of the devices' thread.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use arc_swap::ArcSwap;

use super::attestation::{self, Wish};
use super::carrier::fido2::Credential;
use super::carrier::{self, Carrier, CarrierError};
use super::catalogue::Catalogue;
use super::device::{Inventory, ScanError};
use super::prover::Prover;
use super::token_carriers::TokenHardware;
use super::worker::{Message, WAITED, Worker};
use crate::measure::{Noted, Times};

/// What is plugged in and what it proved, at a moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hardware {
    /// All devices.
    pub inventory: Arc<Inventory>,
    /// Those of them that have a driver, in the same order.
    pub carriers: Vec<Arc<Carrier>>,
    /// Tokens, and the carriers on them.
    pub tokens: Arc<TokenHardware>,
    /// The settings switch USB devices off: none were looked for.
    pub usb_off: bool,
}

/// What the devices' thread follows.
#[derive(Clone, Debug)]
pub struct DeviceRules {
    /// The families.
    pub catalogue: Catalogue,
    /// Carriers prove themselves anew this often even if nothing happens; 0: only when something does.
    pub revalidate: Duration,
}

/// What the devices' thread has counted since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Scans.
    pub scans: u64,
    /// Events from udev.
    pub events: u64,
    /// Times that the kernel dropped events (ENOBUFS) and everything was looked at anew.
    pub overflows: u64,
    /// Times that the connection to udev died and was made anew.
    pub reconnects: u64,
    /// Proofs asked for.
    pub proofs: u64,
    /// Proofs that failed.
    pub failed_proofs: u64,
    /// How long scans took.
    pub scan_times: Noted,
}

/// The counters as the devices' thread writes them.
#[derive(Default)]
pub(super) struct Counting {
    pub(super) scans: AtomicU64,
    pub(super) events: AtomicU64,
    pub(super) overflows: AtomicU64,
    pub(super) reconnects: AtomicU64,
    pub(super) proofs: AtomicU64,
    pub(super) failed_proofs: AtomicU64,
    pub(super) scan_times: Times,
}

/// The devices' thread is waited for so much longer than for the carriers: a scan itself may hang in the kernel.
const PATIENCE: Duration = Duration::from_secs(2);

/// A look waits this long for carriers that still answer: until the largest licence is read over slow USB.
const LOOK: Duration = Duration::from_secs(17);

/// A signature is waited for so long: a security key may work for ten seconds, if it shows that it does.
const ATTESTING: Duration = Duration::from_secs(12);

/// The way to the devices for everybody else. Clones speak to the same thread, which ends with the last of them.
#[derive(Clone, Default)]
pub struct DevicesHandle {
    hardware: Arc<ArcSwap<Hardware>>,
    counting: Arc<Counting>,
    credentials: Arc<Mutex<Arc<[Credential]>>>,
    thread: Option<Arc<Thread>>,
}

struct Thread {
    inbox: Sender<Message>,
    running: Mutex<Option<JoinHandle<()>>>,
}

impl DevicesHandle {
    /// Starts the thread: subscribes to udev, scans, and waits for the first proofs, at most a second. From then on
    /// `on_change` is called on the devices' thread after each snapshot that differs from the one before; it must
    /// not block.
    pub fn start(rules: DeviceRules, on_change: impl FnMut() + Send + 'static) -> Self {
        Self::start_with(rules, Arc::new(carrier::prove), on_change)
    }

    /// As `start`, with another way to prove carriers than the drivers'.
    pub fn start_with(rules: DeviceRules, prover: Prover, on_change: impl FnMut() + Send + 'static) -> Self {
        Self::start_and_wait(rules, prover, Vec::new(), Box::new(on_change), WAITED)
    }

    fn start_and_wait(
        rules: DeviceRules,
        prover: Prover,
        credentials: Vec<Credential>,
        on_change: Box<dyn FnMut() + Send>,
        patience: Duration,
    ) -> Self {
        let mut handle = Self::default();
        let (inbox, messages) = channel();
        let worker = Worker::new(
            rules,
            prover,
            Arc::clone(&handle.hardware),
            Arc::clone(&handle.counting),
            inbox.clone(),
            on_change,
        );
        if !credentials.is_empty() {
            // An error cannot be: this function has the other end.
            let _ = inbox.send(Message::Credentials(credentials.into()));
        }
        // Before the thread begins, so that its first scan is the one that is waited for.
        let first_scan = ask_for_scan(&inbox, patience);
        let spawned = thread::Builder::new()
            .name("devices".into())
            .spawn(move || worker.run(&messages));
        match spawned {
            Ok(running) => {
                let running = Mutex::new(Some(running));
                handle.thread = Some(Arc::new(Thread { inbox, running }));
                await_scan(&first_scan, patience);
            }
            Err(error) => handle.hardware.store(Arc::new(Hardware {
                inventory: Arc::new(Inventory {
                    devices: vec![],
                    errors: vec![ScanError {
                        place: "the devices' thread".into(),
                        reason: error.to_string(),
                    }],
                }),
                ..Hardware::default()
            })),
        }
        handle
    }

    /// What is plugged in.
    pub fn hardware(&self) -> Arc<Hardware> {
        self.hardware.load_full()
    }

    /// Scans and revalidates all carriers; returns when the new snapshot is published: after the proofs, or a
    /// second at most. Callers at the same time share one scan.
    pub fn rescan(&self) {
        if let Some(thread) = &self.thread {
            await_scan(&ask_for_scan(&thread.inbox, WAITED), WAITED);
        }
    }

    /// Follows new rules, and scans.
    pub fn set_rules(&self, rules: DeviceRules) {
        self.send(Message::Rules(rules));
    }

    /// Has security keys asked for these credentials and no others. As long as there are none, none is opened.
    pub fn set_credentials(&self, credentials: Vec<Credential>) {
        let mut asked = self.credentials.lock().unwrap_or_else(PoisonError::into_inner);
        if **asked != *credentials {
            *asked = credentials.into();
            self.send(Message::Credentials(Arc::clone(&asked)));
        }
    }

    /// Has a carrier sign this challenge (see [`super::attestation`]), between two of its proofs. The name is its stable
    /// name, or the id of a security key's credential in base64url, as bindings write it. Blocks for seconds at most.
    ///
    /// # Errors
    /// Why it did not.
    pub fn attest(&self, name: &str, challenge: &[u8; 32]) -> Result<Vec<u8>, CarrierError> {
        attestation::first(attestation::named(&self.hardware(), name)?, |one| {
            let (wish, answer) = Wish::new(*challenge, one.credential);
            self.send(Message::Wish(one.device.id.clone(), wish));
            match answer.recv_timeout(ATTESTING) {
                Ok(answer) => answer,
                Err(RecvTimeoutError::Timeout) => Err(CarrierError::late(ATTESTING)),
                Err(RecvTimeoutError::Disconnected) => Err(CarrierError::Gone),
            }
        })
    }

    /// What was counted.
    pub fn counters(&self) -> Counters {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Counters {
            scans: read(&self.counting.scans),
            events: read(&self.counting.events),
            overflows: read(&self.counting.overflows),
            reconnects: read(&self.counting.reconnects),
            proofs: read(&self.counting.proofs),
            failed_proofs: read(&self.counting.failed_proofs),
            scan_times: self.counting.scan_times.read(),
        }
    }

    /// Ends the thread and waits for it. A transfer that hangs in the kernel is not waited for.
    pub fn stop(&self) {
        if let Some(thread) = &self.thread {
            thread.stop();
        }
    }

    fn send(&self, message: Message) {
        if let Some(thread) = &self.thread {
            // An error: the thread was stopped, and there is nothing left to do.
            let _ = thread.inbox.send(message);
        }
    }
}

fn ask_for_scan(inbox: &Sender<Message>, patience: Duration) -> Receiver<()> {
    let (done, wait) = sync_channel(1);
    // An error: the thread was stopped, and nobody needs to wait.
    let _ = inbox.send(Message::Rescan(done, patience));
    wait
}

fn await_scan(done: &Receiver<()>, patience: Duration) {
    // Errors: the thread has ended or the scan hangs, and the snapshot is as new as it can be.
    let _ = done.recv_timeout(patience + PATIENCE);
}

impl Thread {
    fn stop(&self) {
        let _ = self.inbox.send(Message::Stop);
        let running = (self.running.lock().unwrap_or_else(PoisonError::into_inner)).take();
        if let Some(running) = running
            && running.thread().id() != thread::current().id()
        {
            let _ = running.join();
        }
    }
}

impl Drop for Thread {
    fn drop(&mut self) {
        self.stop();
    }
}

/// One look, for programs that do not stay: scans, has all carriers prove themselves (a second for one that is silent, 17
/// for one that tells its licence slowly), and leaves no thread behind but those of carriers that hang. Security keys
/// are asked for these credentials.
pub fn look(rules: &DeviceRules, credentials: Vec<Credential>) -> Hardware {
    let prover = Arc::new(carrier::prove);
    let devices = DevicesHandle::start_and_wait(rules.clone(), prover, credentials, Box::new(|| ()), LOOK);
    devices.stop();
    Hardware::clone(&devices.hardware())
}
