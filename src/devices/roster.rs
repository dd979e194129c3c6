//! Who is to prove itself when: the carriers that are plugged in, what each proved, and whom to ask next. Pure: time
//! and answers come in, nothing is opened here.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::attestation::{Wish, tell};
use super::carrier::fido2::Credential;
use super::carrier::{Carrier, CarrierError, DriverKind};
use super::device::Inventory;
use super::slot::{Slot, Want};

pub(super) use super::slot::{Answer, Ask};

/// A carrier that has been silent for this long is not proven.
pub(super) const PATIENCE: Duration = Duration::from_secs(1);
/// Carriers asked at the same time, those that are late aside.
const AT_ONCE: usize = 16;
/// So many may wait for signatures of one carrier.
const WISHES: usize = 8;

/// All carriers, in the order of the inventory.
#[derive(Default)]
pub(super) struct Roster {
    slots: Vec<Slot>,
    tickets: u64,
    /// What security keys are asked for; without any they sleep, and are no carriers.
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
            let same = |slot: &Slot| {
                slot.device.syspath == device.syspath
                    && slot.device.address == device.address
                    && slot.driver == driver
            };
            let asleep = driver == DriverKind::Fido2 && self.credentials.is_empty();
            let mut slot = match before.iter().position(same) {
                Some(place) => {
                    let mut slot = before.swap_remove(place);
                    slot.seen_again(device, touched, all, now);
                    slot
                }
                None => Slot::new(device, driver, now),
            };
            slot.set_asleep(asleep, now);
            self.slots.push(slot);
        }
    }

    /// Security keys are asked for these credentials from now on.
    pub(super) fn ask_for(&mut self, credentials: Arc<[Credential]>) {
        self.credentials = credentials;
        for slot in &mut self.slots {
            if slot.driver == DriverKind::Fido2 && !slot.asleep {
                slot.want = Some(Want::First);
            }
        }
    }

    /// This device is to sign a challenge. Where it cannot be asked who wished it is told so.
    pub(super) fn wish(&mut self, id: &str, wish: Wish) {
        let refusal = match self.slots.iter_mut().find(|slot| slot.device.id == id) {
            Some(slot) if slot.wishes.len() < WISHES => return slot.wishes.push_back(wish),
            Some(_) => CarrierError::Busy("others who want signatures of it".into()),
            None => CarrierError::Absent,
        };
        tell(&wish.reply, Err(refusal));
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
        for slot in &mut self.slots {
            if free > 0
                && slot.asked.is_none()
                && let Some(wish) = slot.wishes.pop_front()
            {
                free -= 1;
                self.tickets += 1;
                asks.push(slot.ask(self.tickets, Some(wish), now));
            }
        }
        for want in [Want::First, Want::Later] {
            let ahead = |slot: &Slot| (slot.asked.as_ref()).is_some_and(|asked| asked.ahead_until.is_some());
            if want == Want::Later && self.slots.iter().any(ahead) {
                break;
            }
            for slot in &mut self.slots {
                if free > 0 && slot.want == Some(want) && slot.asked.is_none() {
                    free -= 1;
                    self.tickets += 1;
                    slot.known.ask_for(&self.credentials);
                    asks.push(slot.ask(self.tickets, None, now));
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
        if slot.asleep {
            return false;
        }
        if late {
            // Its time is over; asked again after the pause, unless something happened to it meanwhile.
            slot.want = slot.want.filter(|want| *want == Want::First);
            slot.retry = Some(now + slot.pause());
            return false;
        }
        match answer.result {
            Ok(None) => false,
            Ok(Some(proof)) => {
                slot.proven(proof, now);
                false
            }
            Err(error) => {
                slot.held_until = None;
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
                let error = CarrierError::late(PATIENCE);
                let waiting = asked.wish.take().into_iter();
                for reply in waiting.chain(slot.wishes.drain(..).map(|wish| wish.reply)) {
                    tell(&reply, Err(error.clone()));
                }
                slot.failed(&error);
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
