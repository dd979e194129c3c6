//! Who is to prove itself when: the carriers that are plugged in, what each proved, and whom to ask next. Pure: time
//! and answers come in, nothing is opened here.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::carrier::fido2::Credential;
use super::carrier::{Carrier, CarrierError, CarrierState, DriverKind, Identity, Known, Progress, Proof};
use super::device::{Device, Inventory};

/// A carrier that has been silent for this long is not proven.
pub(super) const PATIENCE: Duration = Duration::from_secs(1);
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
/// Carriers asked at the same time, those that are late aside.
const AT_ONCE: usize = 16;

/// A security key that has proven itself is let alone for this long unless something happens to it: each proof is
/// written into its memory, which wears out, and keeps other programs from it.
const REST: Duration = Duration::from_mins(10);

/// A request to a carrier to prove itself.
pub(super) struct Ask {
    /// Comes back with the answer.
    pub(super) ticket: u64,
    pub(super) device: Arc<Device>,
    pub(super) driver: DriverKind,
    /// What the driver remembers of it.
    pub(super) known: Known,
}

/// What came of it.
pub(super) struct Answer {
    pub(super) ticket: u64,
    pub(super) known: Known,
    pub(super) result: Result<Proof, CarrierError>,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Want {
    /// Again, after those that come first.
    Later,
    /// It is new or something happened to it.
    First,
}

struct Asked {
    ticket: u64,
    since: Instant,
    progress: Progress,
    /// How far the progress was when it was looked at last.
    seen: u64,
    /// Until when the others wait for it.
    ahead_until: Option<Instant>,
    /// The answer will be thrown away.
    late: bool,
}

/// A carrier and how it stands with it. Belongs to one plug: a device that comes back has another address.
struct Slot {
    device: Arc<Device>,
    driver: DriverKind,
    /// What it is to licences: one carrier; a security key is one for each credential that it has.
    carriers: Vec<Arc<Carrier>>,
    known: Known,
    proven: Option<Instant>,
    want: Option<Want>,
    asked: Option<Asked>,
    failures: usize,
    retry: Option<Instant>,
    held_until: Option<Instant>,
}

/// All carriers, in the order of the inventory.
#[derive(Default)]
pub(super) struct Roster {
    slots: Vec<Slot>,
    tickets: u64,
    /// What security keys are asked for; without any they are never opened.
    credentials: Arc<[Credential]>,
}

impl Roster {
    /// Takes over what a scan found. New carriers and those that an event `touched` are asked first, the others after
    /// them where `all` are to prove themselves anew.
    pub(super) fn seen(&mut self, inventory: &Inventory, touched: &[PathBuf], all: bool, now: Instant) {
        let mut before = std::mem::take(&mut self.slots);
        for device in &inventory.devices {
            let Some(driver) = device.driver() else {
                continue;
            };
            if driver == DriverKind::Fido2 && self.credentials.is_empty() {
                continue;
            }
            let same = |slot: &Slot| {
                slot.device.syspath == device.syspath
                    && slot.device.address == device.address
                    && slot.driver == driver
            };
            let slot = match before.iter().position(same) {
                Some(place) => {
                    let mut slot = before.swap_remove(place);
                    slot.seen_again(device, touched, all, now);
                    slot
                }
                None => Slot::new(device, driver, now),
            };
            self.slots.push(slot);
        }
    }

    /// Security keys are asked for these credentials from now on.
    pub(super) fn ask_for(&mut self, credentials: Arc<[Credential]>) {
        self.credentials = credentials;
        for slot in &mut self.slots {
            if slot.driver == DriverKind::Fido2 {
                slot.want = Some(Want::First);
            }
        }
    }

    /// All carriers are to prove themselves anew.
    pub(super) fn revalidate(&mut self, now: Instant) {
        for slot in &mut self.slots {
            slot.revalidate(now);
        }
    }

    /// Whom to ask now. At most one request is under way to each carrier; new and touched ones come before the others.
    pub(super) fn asks(&mut self, now: Instant) -> Vec<Ask> {
        let under_way = |slot: &Slot| slot.asked.as_ref().is_some_and(|asked| !asked.late);
        let mut free = AT_ONCE.saturating_sub(self.slots.iter().filter(|slot| under_way(slot)).count());
        let mut asks = Vec::new();
        for want in [Want::First, Want::Later] {
            let ahead = |slot: &Slot| (slot.asked.as_ref()).is_some_and(|asked| asked.ahead_until.is_some());
            if want == Want::Later && self.slots.iter().any(ahead) {
                break;
            }
            for slot in &mut self.slots {
                if free > 0 && slot.want == Some(want) && slot.asked.is_none() {
                    free -= 1;
                    self.tickets += 1;
                    asks.push(slot.ask(self.tickets, &self.credentials, now));
                }
            }
        }
        asks
    }

    /// Takes an answer; one that came too late, or from a carrier that has gone, is thrown away. Tells whether it was a
    /// failure.
    pub(super) fn answered(&mut self, answer: Answer, now: Instant) -> bool {
        let is_its = |slot: &&mut Slot| {
            let ticket = slot.asked.as_ref().map(|asked| asked.ticket);
            ticket == Some(answer.ticket)
        };
        let Some(slot) = self.slots.iter_mut().find(is_its) else {
            return false;
        };
        let late = slot.asked.take().is_some_and(|asked| asked.late);
        slot.known = answer.known;
        if late {
            // Its time is over; asked again after the pause, unless something happened to it meanwhile.
            slot.want = slot.want.filter(|want| *want == Want::First);
            slot.retry = Some(now + slot.pause());
            return false;
        }
        slot.held_until = None;
        match answer.result {
            Ok(proof) => {
                slot.proven(proof, now);
                false
            }
            Err(error) => {
                slot.failed(&error);
                slot.retry = Some(now + slot.pause());
                true
            }
        }
    }

    /// Lets time do its work: carriers that have not answered are late, those that failed are asked again. Tells how
    /// many became late.
    pub(super) fn expire(&mut self, now: Instant) -> u64 {
        let mut became_late = 0;
        for slot in &mut self.slots {
            if let Some(asked) = &mut slot.asked {
                asked.ahead_until = asked.ahead_until.filter(|until| now < *until);
            }
            if let Some(asked) = &mut slot.asked
                && !asked.late
                && asked.since + PATIENCE <= now
                && !asked.has_advanced(now)
            {
                asked.late = true;
                became_late += 1;
                slot.held_until = None;
                let limit = u64::try_from(PATIENCE.as_millis()).unwrap_or(u64::MAX);
                slot.failed(&CarrierError::Late(limit));
            }
            slot.held_until = slot.held_until.filter(|until| now < *until);
            if slot.asked.is_none() && slot.retry.is_some_and(|retry| retry <= now) {
                slot.retry = None;
                slot.want = slot.want.max(Some(Want::Later));
            }
        }
        became_late
    }

    /// When time will have work to do next.
    pub(super) fn due(&self) -> Option<Instant> {
        let of_slot = |slot: &Slot| {
            let late = (slot.asked.as_ref())
                .filter(|asked| !asked.late)
                .map(|asked| asked.since + PATIENCE);
            let ahead = slot.asked.as_ref().and_then(|asked| asked.ahead_until);
            let retry = slot.retry.filter(|_| slot.asked.is_none());
            [late, ahead, retry, slot.held_until].into_iter().flatten().min()
        };
        self.slots.iter().filter_map(of_slot).min()
    }

    /// A carrier is so new that its news should wait for its proof.
    pub(super) fn holds_back(&self, now: Instant) -> bool {
        (self.slots.iter()).any(|slot| slot.held_until.is_some_and(|until| now < until))
    }

    /// Nobody is still to answer, those aside that are late.
    pub(super) fn is_idle(&self) -> bool {
        self.slots.iter().all(|slot| match &slot.asked {
            Some(asked) => asked.late,
            None => slot.want.is_none(),
        })
    }

    /// All carriers with what they proved.
    pub(super) fn carriers(&self) -> Vec<Arc<Carrier>> {
        self.slots.iter().flat_map(|slot| slot.carriers.clone()).collect()
    }
}

impl Asked {
    /// Whether it has answered anything since it was looked at last; its time then begins anew.
    fn has_advanced(&mut self, now: Instant) -> bool {
        let before = std::mem::replace(&mut self.seen, self.progress.count());
        let advanced = before != self.seen;
        if advanced {
            self.since = now;
        }
        advanced
    }
}

impl Slot {
    fn new(device: &Arc<Device>, driver: DriverKind, now: Instant) -> Self {
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
        }
    }

    fn seen_again(&mut self, device: &Arc<Device>, touched: &[PathBuf], all: bool, now: Instant) {
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

    fn revalidate(&mut self, now: Instant) {
        let rests = self.driver == DriverKind::Fido2 && self.proven.is_some_and(|proven| now < proven + REST);
        if !rests {
            self.want = self.want.max(Some(Want::Later));
        }
    }

    fn ask(&mut self, ticket: u64, credentials: &Arc<[Credential]>, now: Instant) -> Ask {
        let first = self.want.take() == Some(Want::First);
        self.retry = None;
        let progress = self.known.progress().clone();
        self.asked = Some(Asked {
            ticket,
            since: now,
            seen: progress.count(),
            progress,
            ahead_until: first.then(|| now + HEAD_START),
            late: false,
        });
        self.known.ask_for(credentials);
        Ask {
            ticket,
            device: Arc::clone(&self.device),
            driver: self.driver,
            known: std::mem::take(&mut self.known),
        }
    }

    fn proven(&mut self, proof: Proof, now: Instant) {
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
    fn failed(&mut self, error: &CarrierError) {
        self.failures += 1;
        self.proven = None;
        if self.carriers.is_empty() {
            self.carriers.push(unknown(&self.device, self.driver));
        }
        for carrier in &mut self.carriers {
            Arc::make_mut(carrier).state = CarrierState::Failed(error.clone());
        }
    }

    fn pause(&self) -> Duration {
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
