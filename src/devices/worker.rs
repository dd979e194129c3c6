//! The devices' thread: waits, scans when the agenda says so, has carriers prove themselves as the roster says, and
//! publishes what is new.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, SyncSender};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;

use super::agenda::Agenda;
use super::attestation::Wish;
use super::carrier::fido2::Credential;
use super::device::Inventory;
use super::monitor::{Monitor, Nudge};
use super::netlink;
use super::prover::{self, Prover};
use super::roster::{self, Answer, Roster};
use super::scan;
use super::service::{Counting, DeviceRules, Hardware};
use super::sleep::SleepWatch;

/// What the thread is told.
pub(super) enum Message {
    /// By the monitor.
    Nudge(Nudge),
    /// Scan and revalidate; told when it is done, after so much time at most.
    Rescan(SyncSender<()>, Duration),
    Rules(DeviceRules),
    /// Security keys are asked for these.
    Credentials(Arc<[Credential]>),
    /// The device of this stable name is to sign a challenge.
    Wish(String, Wish),
    /// By a carrier's thread.
    Answer(Answer),
    Stop,
}

/// Sleep of the computer is looked for this often.
const TICK: Duration = Duration::from_secs(1);

/// Messages that are taken before the thread looks what there is to do.
const GULP: usize = 1000;

/// Who asked for a scan waits this long for the proofs: a little longer than a carrier may take.
pub(super) const WAITED: Duration = roster::PATIENCE.saturating_add(Duration::from_millis(20));

/// Somebody who asked for a scan.
struct Waiter {
    done: SyncSender<()>,
    patience: Duration,
    /// Until when the proofs are waited for; none: the scan has not begun.
    until: Option<Instant>,
}

pub(super) struct Worker {
    rules: DeviceRules,
    prover: Prover,
    hardware: Arc<ArcSwap<Hardware>>,
    counting: Arc<Counting>,
    inbox: Sender<Message>,
    on_change: Box<dyn FnMut() + Send>,
    agenda: Agenda,
    roster: Roster,
    inventory: Arc<Inventory>,
    /// Directories in /sys with events since the last scan.
    touched: HashSet<PathBuf>,
    waiters: Vec<Waiter>,
    revalidated: Instant,
    sleep: SleepWatch,
}

impl Worker {
    pub(super) fn new(
        rules: DeviceRules,
        prover: Prover,
        hardware: Arc<ArcSwap<Hardware>>,
        counting: Arc<Counting>,
        inbox: Sender<Message>,
        on_change: Box<dyn FnMut() + Send>,
    ) -> Self {
        let now = Instant::now();
        Self {
            rules,
            prover,
            hardware,
            counting,
            inbox,
            on_change,
            agenda: Agenda::new(now),
            roster: Roster::default(),
            inventory: Arc::default(),
            touched: HashSet::new(),
            waiters: Vec::new(),
            revalidated: now,
            sleep: SleepWatch::new(),
        }
    }

    /// Works until it is told to stop.
    pub(super) fn run(mut self, messages: &Receiver<Message>) {
        let inbox = self.inbox.clone();
        // Before the first scan: what happens during it is not missed.
        let monitor = Monitor::start(Box::new(netlink::open), move |nudge| {
            // An error: this thread has ended, and the monitor is about to.
            let _ = inbox.send(Message::Nudge(nudge));
        });
        if let Err(error) = &monitor {
            tracing::error!("no thread for udev's events, devices are looked for every minute: {error}");
        }
        // A storm is taken in gulps, so that it cannot keep the thread from its work. What was asked for before the first
        // scan is served by it.
        while !messages.try_iter().take(GULP).any(|message| self.take(message)) {
            match messages.recv_timeout(self.work()) {
                Ok(message) => {
                    if self.take(message) {
                        break;
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        if let Ok(monitor) = monitor {
            monitor.stop();
        }
    }

    /// Takes a message; true: it is time to stop.
    fn take(&mut self, message: Message) -> bool {
        let now = Instant::now();
        match message {
            Message::Nudge(nudge) => self.nudged(nudge, now),
            Message::Rescan(done, patience) => {
                self.waiters.push(Waiter {
                    done,
                    patience,
                    until: None,
                });
                self.agenda.ask(now);
            }
            Message::Rules(rules) => {
                self.rules = rules;
                self.agenda.ask(now);
            }
            Message::Credentials(credentials) => {
                self.roster.ask_for(credentials);
                self.roster.seen(&self.inventory, &[], false, now);
            }
            Message::Wish(id, wish) => self.roster.wish(&id, wish),
            Message::Answer(answer) => {
                let failed = self.roster.answered(answer, now);
                count(&self.counting.failed_proofs, u64::from(failed));
            }
            Message::Stop => return true,
        }
        false
    }

    fn nudged(&mut self, nudge: Nudge, now: Instant) {
        match nudge {
            Nudge::Touched(syspath) => {
                count(&self.counting.events, 1);
                self.touched.insert(syspath);
            }
            Nudge::Changed => {}
            Nudge::Overflow => {
                count(&self.counting.overflows, 1);
                tracing::warn!("the kernel dropped events of devices: everything is looked at anew");
            }
            Nudge::Reconnected => count(&self.counting.reconnects, 1),
        }
        self.agenda.event(now);
    }

    /// Does what is due, and tells for how long there is nothing to do.
    fn work(&mut self) -> Duration {
        if self.sleep.has_slept() {
            tracing::info!("the computer slept: all carriers are asked anew");
            self.agenda.ask(Instant::now());
        }
        if self.agenda.due() <= Instant::now() {
            self.scan();
        }
        let now = Instant::now();
        let period = Some(self.rules.revalidate).filter(|period| !period.is_zero());
        if period.is_some_and(|period| self.revalidated + period <= now) {
            self.revalidated = now;
            self.roster.revalidate(now);
        }
        let late = self.roster.expire(now);
        count(&self.counting.failed_proofs, late);
        self.ask(now);
        self.publish(now);
        self.release(now);
        let waiters = self.waiters.iter().filter_map(|waiter| waiter.until);
        let next = [
            Some(self.agenda.due()),
            self.roster.due(),
            period.map(|period| self.revalidated + period),
        ]
        .into_iter()
        .flatten()
        .chain(waiters)
        .fold(now + TICK, Instant::min);
        next.saturating_duration_since(Instant::now())
    }

    fn scan(&mut self) {
        let reason = self.agenda.has_reason();
        self.agenda.begin(Instant::now());
        let touched: Vec<PathBuf> = self.touched.drain().collect();
        let start = Instant::now();
        let inventory = Arc::new(scan::scan(&self.rules.catalogue, &self.inventory));
        self.counting.scan_times.since(start);
        count(&self.counting.scans, 1);
        for error in &inventory.errors {
            if !self.inventory.errors.contains(error) {
                tracing::error!("cannot look for devices: {error}");
            }
        }
        let now = Instant::now();
        let all = reason || inventory != self.inventory;
        self.roster.seen(&inventory, &touched, all, now);
        self.inventory = inventory;
        if all {
            self.revalidated = now;
        }
        for waiter in &mut self.waiters {
            waiter.until.get_or_insert(now + waiter.patience);
        }
    }

    fn ask(&mut self, now: Instant) {
        for ask in self.roster.asks(now) {
            count(&self.counting.proofs, u64::from(ask.wish.is_none()));
            let inbox = self.inbox.clone();
            prover::start(&self.prover, ask, move |answer| {
                // An error: the devices' thread has ended, nobody wants to know any more.
                let _ = inbox.send(Message::Answer(answer));
            });
        }
    }

    fn publish(&mut self, now: Instant) {
        if self.roster.holds_back(now) {
            return;
        }
        let hardware = Hardware {
            inventory: Arc::clone(&self.inventory),
            carriers: self.roster.carriers(),
            ..Hardware::default()
        };
        if hardware != **self.hardware.load() {
            self.hardware.store(Arc::new(hardware));
            (self.on_change)();
        }
    }

    /// Tells those who waited that all is published that will be in time.
    fn release(&mut self, now: Instant) {
        let idle = self.roster.is_idle();
        self.waiters.retain(|waiter| {
            let over = waiter.until.is_some_and(|until| idle || until <= now);
            if over {
                // An error: it has stopped waiting.
                let _ = waiter.done.try_send(());
            }
            !over
        });
    }
}

fn count(counter: &AtomicU64, by: u64) {
    counter.fetch_add(by, Ordering::Relaxed);
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{channel, sync_channel};

    use super::*;
    use crate::devices::Catalogue;

    #[test]
    fn lost_events_and_a_dead_connection_are_counted_and_followed_by_a_scan() {
        let rules = DeviceRules {
            catalogue: Catalogue::default(),
            revalidate: Duration::ZERO,
        };
        let counting = Arc::<Counting>::default();
        let (inbox, messages) = channel();
        let worker = Worker::new(
            rules,
            Arc::new(|_, _, _| unreachable!("no family has a driver")),
            Arc::default(),
            Arc::clone(&counting),
            inbox.clone(),
            Box::new(|| ()),
        );
        let running = std::thread::spawn(move || worker.run(&messages));
        let rescan = || {
            let (done, wait) = sync_channel(1);
            inbox.send(Message::Rescan(done, WAITED)).unwrap();
            wait.recv().unwrap();
            counting.scans.load(Ordering::Relaxed)
        };
        let before = rescan();
        inbox.send(Message::Nudge(Nudge::Overflow)).unwrap();
        inbox.send(Message::Nudge(Nudge::Reconnected)).unwrap();
        while counting.scans.load(Ordering::Relaxed) == before {
            std::thread::yield_now();
        }
        assert_eq!(counting.overflows.load(Ordering::Relaxed), 1);
        assert_eq!(counting.reconnects.load(Ordering::Relaxed), 1);
        inbox.send(Message::Stop).unwrap();
        running.join().unwrap();
    }
}
