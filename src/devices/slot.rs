//! One carrier on the roster: what it is asked, what it answered, when it is asked again. Pure, as the roster is.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::attestation::{Reply, Wish};
use super::carrier::{Carrier, CarrierError, CarrierState, DriverKind, Identity, Known, Progress, Proof};
use super::device::Device;

/// News of a carrier that was just plugged in is held back this long for its proof: a plug is one change, not two.
const HELD_BACK: Duration = Duration::from_millis(150);
/// Those that come first are asked this long before the others; a device that keeps coming first cannot keep the others
/// waiting for ever.
const HEAD_START: Duration = Duration::from_millis(150);
/// How long after a failure a carrier is asked again; the last holds for all further failures.
const RETRIES: [Duration; 3] = [
    Duration::from_secs(1),
    Duration::from_secs(5),
    Duration::from_mins(1),
];
/// A security key that has proven itself is let alone for this long unless something happens to it: each proof is
/// written into its memory, which wears out, and keeps other programs from it.
const REST: Duration = Duration::from_mins(10);

/// A request to a carrier to prove itself, or to sign a challenge.
pub(super) struct Ask {
    /// Comes back with the answer.
    pub(super) ticket: u64,
    pub(super) device: Arc<Device>,
    pub(super) driver: DriverKind,
    /// What the driver remembers of it.
    pub(super) known: Known,
    /// What it is to sign; none: it is to prove itself.
    pub(super) wish: Option<Wish>,
}

/// What came of it.
pub(super) struct Answer {
    pub(super) ticket: u64,
    pub(super) known: Known,
    /// None: it was asked to sign a challenge, which says nothing of its proof.
    pub(super) result: Result<Option<Proof>, CarrierError>,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Want {
    /// Again, after those that come first.
    Later,
    /// It is new or something happened to it.
    First,
}

pub(super) struct Asked {
    pub(super) ticket: u64,
    pub(super) since: Instant,
    pub(super) progress: Progress,
    /// How far the progress was when it was looked at last.
    pub(super) seen: u64,
    /// Until when the others wait for it.
    pub(super) ahead_until: Option<Instant>,
    /// The answer will be thrown away.
    pub(super) late: bool,
    /// Who waits for its signature.
    pub(super) wish: Option<Reply>,
}

/// A carrier and how it stands with it. Belongs to one plug: a device that comes back has another address.
pub(super) struct Slot {
    pub(super) device: Arc<Device>,
    pub(super) driver: DriverKind,
    /// What it is to licences: one carrier; a security key is one for each credential that it has.
    pub(super) carriers: Vec<Arc<Carrier>>,
    pub(super) known: Known,
    pub(super) proven: Option<Instant>,
    pub(super) want: Option<Want>,
    pub(super) asked: Option<Asked>,
    pub(super) failures: usize,
    pub(super) retry: Option<Instant>,
    pub(super) held_until: Option<Instant>,
    /// No licence asks for it: it is no carrier, and opened only to sign a challenge.
    pub(super) asleep: bool,
    /// Challenges that it is to sign.
    pub(super) wishes: VecDeque<Wish>,
}

impl Asked {
    /// Whether it has answered anything since it was looked at last; its time then begins anew.
    pub(super) fn has_advanced(&mut self, now: Instant) -> bool {
        let before = std::mem::replace(&mut self.seen, self.progress.count());
        let advanced = before != self.seen;
        if advanced {
            self.since = now;
        }
        advanced
    }
}

impl Slot {
    pub(super) fn new(device: &Arc<Device>, driver: DriverKind, now: Instant) -> Self {
        Self {
            device: Arc::clone(device),
            driver,
            carriers: vec![unknown(device, driver)],
            known: Known::default(),
            proven: None,
            want: Some(Want::First),
            asked: None,
            failures: 0,
            retry: None,
            held_until: Some(now + HELD_BACK),
            asleep: false,
            wishes: VecDeque::new(),
        }
    }

    pub(super) fn seen_again(&mut self, device: &Arc<Device>, touched: &[PathBuf], all: bool, now: Instant) {
        let below = |path: &Path| path.starts_with(&device.syspath);
        let changed = self.device != *device;
        if changed {
            self.device = Arc::clone(device);
            for carrier in &mut self.carriers {
                Arc::make_mut(carrier).device = Arc::clone(device);
            }
        }
        if changed || touched.iter().any(|path| below(path)) {
            self.want = Some(Want::First);
            self.failures = 0;
        } else if all {
            self.revalidate(now);
        }
    }

    /// Puts it to sleep or wakes it; one that wakes is as new.
    pub(super) fn set_asleep(&mut self, asleep: bool, now: Instant) {
        if asleep {
            self.asleep = true;
            self.carriers.clear();
            (self.want, self.retry, self.held_until) = (None, None, None);
        } else if self.asleep {
            let new = Self::new(&self.device, self.driver, now);
            let old = std::mem::replace(self, new);
            (self.asked, self.wishes) = (old.asked, old.wishes);
        }
    }

    pub(super) fn revalidate(&mut self, now: Instant) {
        let rests = self.driver == DriverKind::Fido2 && self.proven.is_some_and(|proven| now < proven + REST);
        if !rests && !self.asleep {
            self.want = self.want.max(Some(Want::Later));
        }
    }

    /// Asks it for a signature, or for a proof, which it is then no longer to give.
    pub(super) fn ask(&mut self, ticket: u64, wish: Option<Wish>, now: Instant) -> Ask {
        let mut first = false;
        if wish.is_none() {
            first = self.want.take() == Some(Want::First);
            self.retry = None;
        }
        let progress = self.known.progress().clone();
        self.asked = Some(Asked {
            ticket,
            since: now,
            seen: progress.count(),
            progress,
            ahead_until: first.then(|| now + HEAD_START),
            late: false,
            wish: wish.as_ref().map(|wish| wish.reply.clone()),
        });
        Ask {
            ticket,
            device: Arc::clone(&self.device),
            driver: self.driver,
            known: std::mem::take(&mut self.known),
            wish,
        }
    }

    pub(super) fn proven(&mut self, proof: Proof, now: Instant) {
        self.held_until = None;
        self.failures = 0;
        self.retry = None;
        self.proven = Some(now);
        let carrier = |identity: Identity| Carrier {
            device: Arc::clone(&self.device),
            driver: self.driver,
            serial: Some(identity.serial),
            public_key: identity.public_key,
            state: match identity.verdict {
                Ok(()) => CarrierState::Proven,
                Err(error) => CarrierState::Failed(error),
            },
            memory: proof.memory.clone(),
            capacity: proof.capacity,
        };
        self.carriers = proof.identities.into_iter().map(carrier).map(Arc::new).collect();
    }

    /// What it told of itself before stays: its memory, its names.
    pub(super) fn failed(&mut self, error: &CarrierError) {
        self.proven = None;
        if self.asleep {
            return;
        }
        self.failures += 1;
        if self.carriers.is_empty() {
            self.carriers.push(unknown(&self.device, self.driver));
        }
        for carrier in &mut self.carriers {
            Arc::make_mut(carrier).state = CarrierState::Failed(error.clone());
        }
    }

    pub(super) fn pause(&self) -> Duration {
        RETRIES[self.failures.clamp(1, RETRIES.len()) - 1]
    }
}

/// A carrier that has not answered yet.
fn unknown(device: &Arc<Device>, driver: DriverKind) -> Arc<Carrier> {
    let serial = device.serial.as_ref().and_then(|serial| match driver {
        DriverKind::Hid => Some(serial.clone()),
        DriverKind::Serial => Some(format!(
            "{:04x}:{:04x}:{serial}",
            device.vendor_id, device.product_id
        )),
        DriverKind::Fido2 => None,
    });
    Arc::new(Carrier {
        device: Arc::clone(device),
        driver,
        serial,
        public_key: None,
        state: CarrierState::Pending,
        memory: None,
        capacity: 0,
    })
}
