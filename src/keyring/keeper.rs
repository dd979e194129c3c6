//! The keeper: one thread that looks at the keys whenever something says so, judges them, and publishes the
//! snapshot.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;

use crate::clock::{Moment, SharedClock};
use crate::computer::{self, Roots};
use crate::licence::binding::{Carriers, Fingerprint};
use crate::licence::{KeyNo, Timestamp, VendorKeys};
use crate::store::{self, ChangeWatch};

use super::KeyProvider;
use super::assemble::{Situation, assemble};
use super::credentials::credentials;
use super::ending::{Ending, Warned};
use super::handle::{KeeperHandle, KeeperHealth, Mailbox, Message, Next, settle};
use super::key::{Change, Found, Keyring};
use super::plugged::Plugged;
use super::revocations::Revoked;
use super::usb::UsbKeys;
use super::vendors::read_vendor_keys;
use super::watch::DirectoryWatch;

/// Between looks at clock, directories and the administrator's switches.
const TICK: Duration = Duration::from_millis(500);

/// Everything is looked at anew this often, whatever the events say.
const SLOW_TIMER: Duration = Duration::from_mins(1);

/// The highest wall time is saved this often.
const SAVE_TIME: Duration = Duration::from_mins(5);

/// Wall and monotonic time may drift apart by this many milliseconds in a tick before the clock counts as set.
const JUMP: i64 = 1_000;

/// Where keys come from.
pub struct Sources {
    /// Each finds keys of one kind; hardware keys are not among them.
    pub providers: Vec<Box<dyn KeyProvider>>,
    /// Where hardware keys are plugged in.
    pub devices: Arc<dyn Plugged>,
    /// Trusted vendor keys.
    pub vendor_dir: PathBuf,
    /// Revocation lists.
    pub revocation_dir: PathBuf,
    /// Directories whose changes are worth a scan.
    pub watched: Vec<PathBuf>,
    /// Where the computer is looked at.
    pub roots: Roots,
}

/// Called with each new snapshot; calls its last argument to publish that.
type OnChange = Box<dyn FnMut(&Keyring, &[Change], &dyn Fn()) + Send>;

/// The thread's own state.
pub struct Keeper {
    sources: Sources,
    clock: SharedClock,
    switches: ChangeWatch,
    on_change: OnChange,
    found: Vec<Vec<Found>>,
    usb: UsbKeys,
    usb_found: Vec<Found>,
    carriers: Carriers,
    vendors: VendorKeys,
    revoked: Revoked,
    warned: Warned,
    fingerprint: Fingerprint,
    switched_off: HashSet<KeyNo>,
    highest: Timestamp,
    last: Moment,
    next_change: Option<Timestamp>,
    keyring: Arc<ArcSwap<Keyring>>,
    health: Arc<Mutex<KeeperHealth>>,
}

impl Keeper {
    /// Makes the first scan. Nothing is published to anybody yet.
    ///
    /// # Errors
    /// Those of the state file.
    pub fn new(sources: Sources, clock: SharedClock, switches: ChangeWatch) -> rusqlite::Result<Self> {
        let now = clock.now();
        let highest = store::load_highest_time(switches.connection())?
            .unwrap_or(now.wall)
            .max(now.wall);
        let mut keeper = Self {
            found: sources.providers.iter().map(|_| Vec::new()).collect(),
            usb: UsbKeys::default(),
            usb_found: Vec::new(),
            carriers: Carriers::default(),
            revoked: Revoked::new(&sources.revocation_dir),
            warned: Warned::default(),
            sources,
            switches,
            on_change: Box::new(|_, _, publish| publish()),
            vendors: VendorKeys::default(),
            fingerprint: Fingerprint::default(),
            switched_off: HashSet::new(),
            highest,
            last: now,
            next_change: None,
            keyring: Arc::default(),
            health: Arc::default(),
            clock,
        };
        keeper.scan();
        if !credentials(keeper.found.iter().flatten()).is_empty() {
            // Security keys were not asked before it was known for what.
            keeper.sources.devices.rescan();
            keeper.look_at_devices();
        }
        Ok(keeper)
    }

    /// The keys as the first scan found them.
    pub fn keyring(&self) -> Arc<Keyring> {
        self.keyring.load_full()
    }

    /// Starts the thread, which reads this mailbox; from now on `on_change` is called with each new snapshot, and
    /// publishes it by calling its last argument.
    pub fn start(
        mut self,
        mailbox: Mailbox,
        on_change: impl FnMut(&Keyring, &[Change], &dyn Fn()) + Send + 'static,
    ) -> (KeeperHandle, JoinHandle<()>) {
        let Mailbox { sender, receiver } = mailbox;
        let handle = KeeperHandle {
            sender: sender.clone(),
            keyring: self.keyring.clone(),
            health: self.health.clone(),
            devices: self.sources.devices.clone(),
        };
        self.on_change = Box::new(on_change);
        let thread = std::thread::Builder::new()
            .name("keyring".into())
            .spawn(move || self.run(&receiver, sender));
        (
            handle,
            thread.expect("a process that cannot start a thread cannot serve"),
        )
    }

    fn run(mut self, receiver: &Receiver<Message>, sender: Sender<Message>) {
        let mut directories = self.sources.watched.clone();
        directories.push(self.sources.vendor_dir.clone());
        directories.push(self.sources.revocation_dir.clone());
        // Subscribe before the scan: what changes between the two is seen by either.
        let mut watch = DirectoryWatch::new(&directories, move || {
            let _ = sender.send(Message::Changed);
        });
        self.scan();
        let (mut scanned, mut saved) = (Instant::now(), None::<Instant>);
        loop {
            let mut waiting = Vec::new();
            let due = match receiver.recv_timeout(TICK) {
                Ok(Message::Changed) => match settle(receiver, &mut waiting, || self.look_at_devices()) {
                    Next::Scan => true,
                    Next::Stop => break,
                },
                Ok(Message::Plugged) => {
                    self.look_at_devices();
                    false
                }
                Ok(Message::Rescan(done)) => {
                    waiting.push(done);
                    true
                }
                Ok(Message::Answer(answer)) => {
                    let _ = answer.send(());
                    false
                }
                Ok(Message::Tick) | Err(RecvTimeoutError::Timeout) => false,
                Ok(Message::Stop) | Err(RecvTimeoutError::Disconnected) => break,
            };
            let changed = watch.renew();
            if due || changed || scanned.elapsed() >= SLOW_TIMER {
                self.scan();
                scanned = Instant::now();
            } else {
                self.tick();
            }
            for done in waiting {
                let _ = done.send(());
            }
            if saved.is_none_or(|saved| saved.elapsed() >= SAVE_TIME) {
                self.save_time();
                saved = Some(Instant::now());
            }
        }
        self.save_time();
    }

    fn scan(&mut self) {
        self.vendors = read_vendor_keys(&self.sources.vendor_dir);
        self.revoked.read(&self.vendors);
        self.fingerprint = computer::inspect(&self.sources.roots).fingerprint;
        let mut errors = Vec::new();
        for (provider, found) in self.sources.providers.iter_mut().zip(&mut self.found) {
            match provider.scan(&self.vendors) {
                Ok(now) => *found = now,
                Err(error) => errors.push(error),
            }
        }
        let mut health = self.health.lock().unwrap_or_else(PoisonError::into_inner);
        let differs = health.errors != errors;
        if differs {
            for error in &errors {
                tracing::error!(%error, "keys cannot be looked for here; those found before still count");
            }
        }
        *health = KeeperHealth {
            errors,
            scans: health.scans + 1,
        };
        drop(health);
        self.look_at_devices();
        if differs {
            // The keys are the same, and what is told of them is not.
            (self.on_change)(&self.keyring.load_full(), &[], &|| ());
        }
    }

    /// Judges anew with what is plugged in now; files and computer are taken as they were last seen.
    fn look_at_devices(&mut self) {
        let now = self.clock.now().wall;
        let hardware = self.sources.devices.hardware();
        (self.usb_found, self.carriers) = self.usb.look(&hardware, &self.vendors, now);
        self.judge();
    }

    /// Judges anew where time, the clock or the administrator has changed something.
    fn tick(&mut self) {
        let now = self.clock.now();
        let elapsed = i64::try_from(now.mono.saturating_sub(self.last.mono)).unwrap_or(i64::MAX);
        let jump = now
            .wall
            .millis()
            .saturating_sub(self.last.wall.millis())
            .saturating_sub(elapsed);
        let due = self.next_change.is_some_and(|change| change <= now.wall);
        // The state file changes with every session: what was switched is looked up before all keys are judged.
        let switched = self.switches.changed() && self.read_switches();
        if due || jump.abs() > JUMP || switched {
            self.judge();
        }
        self.note_time(now);
    }

    /// Reads which keys are switched off; true where that has changed.
    fn read_switches(&mut self) -> bool {
        match store::load_switched_off(self.switches.connection()) {
            Ok(switched_off) => std::mem::replace(&mut self.switched_off, switched_off) != self.switched_off,
            Err(error) => {
                tracing::warn!(%error, "which keys are switched off cannot be read; as before");
                false
            }
        }
    }

    fn judge(&mut self) {
        self.note_time(self.clock.now());
        self.read_switches();
        let found = self.found.iter().flatten().chain(&self.usb_found);
        let found: Vec<Found> = found.cloned().collect();
        let situation = Situation {
            now: self.last.wall,
            highest: self.highest,
            computer: &self.fingerprint,
            carriers: &self.carriers,
            revoked: &self.revoked,
            switched_off: &self.switched_off,
        };
        // Those that are new are asked for at once; what comes of it is told as any other plug.
        self.sources.devices.set_credentials(credentials(&found));
        let before = self.keyring.load_full();
        let keyring = assemble(&found, &situation, &before);
        for one in self.warned.due(&keyring, self.last.wall) {
            warn_of(&one);
        }
        let licences = found.iter().filter_map(|one| one.opened.as_ref().ok());
        self.next_change = licences
            .filter_map(|licence| licence.next_change(self.last.wall))
            .min();
        if keyring == *before {
            return;
        }
        let changes = keyring.changes_since(&before);
        tell(&changes);
        let keyring = Arc::new(keyring);
        let published = &self.keyring;
        (self.on_change)(&keyring, &changes, &|| published.store(keyring.clone()));
    }

    fn note_time(&mut self, now: Moment) {
        self.last = now;
        self.highest = self.highest.max(now.wall);
    }

    fn save_time(&self) {
        if let Err(error) = store::save_highest_time(self.switches.connection(), self.highest) {
            tracing::warn!(%error, "the time cannot be saved");
        }
    }
}

fn warn_of(one: &Ending) {
    let Ending {
        key_no,
        key_id,
        days_left,
        end,
    } = one;
    tracing::warn!(key_no, %key_id, days_left, %end, "the period of this licence ends soon");
}

/// Logs what changed between two snapshots.
fn tell(changes: &[Change]) {
    for Change {
        key_no,
        file_name,
        cause,
    } in changes
    {
        match cause {
            None => tracing::info!(key_no, file = file_name, "key is enabled"),
            Some(cause) => tracing::warn!(key_no, file = file_name, cause, "key is not enabled"),
        }
    }
}
