//! When to scan: what asks for it is gathered, so that a burst of events is one scan. Pure: time comes in.

use std::time::{Duration, Instant};

/// A scan waits until nothing happened for this long: a plug is a handful of events.
const QUIET: Duration = Duration::from_millis(200);
/// It waits no longer than this from the first event on, however many follow.
const PATIENCE: Duration = Duration::from_millis(400);
/// No scan follows another sooner than this.
const GAP: Duration = Duration::from_millis(200);
/// Even if nothing happens there is a scan this often: an event may have been lost without a trace.
const SLOW: Duration = Duration::from_mins(1);

/// What asks for scans, and when the next is due.
pub(super) struct Agenda {
    /// First and latest event since the last scan.
    events: Option<(Instant, Instant)>,
    /// Somebody waits for a scan, or everything is to be looked at anew.
    asked: Option<Instant>,
    last: Option<Instant>,
    start: Instant,
}

impl Agenda {
    /// The first scan is due at once.
    pub(super) fn new(now: Instant) -> Self {
        Self {
            events: None,
            asked: Some(now),
            last: None,
            start: now,
        }
    }

    /// Something happened on the bus.
    pub(super) fn event(&mut self, now: Instant) {
        let first = self.events.map_or(now, |(first, _)| first);
        self.events = Some((first, now));
    }

    /// A scan is wanted without waiting for quiet.
    pub(super) fn ask(&mut self, now: Instant) {
        self.asked.get_or_insert(now);
    }

    /// Something happened or was asked for since the last scan: it is more than the slow timer's.
    pub(super) fn has_reason(&self) -> bool {
        self.events.is_some() || self.asked.is_some()
    }

    /// When the next scan is due.
    pub(super) fn due(&self) -> Instant {
        let settled = self
            .events
            .map(|(first, latest)| (latest + QUIET).min(first + PATIENCE));
        let wanted = [settled, self.asked].into_iter().flatten().min();
        match (wanted, self.last) {
            (Some(wanted), Some(last)) => wanted.max(last + GAP),
            (Some(wanted), None) => wanted,
            (None, last) => last.unwrap_or(self.start) + SLOW,
        }
    }

    /// A scan begins that serves all that was asked for so far.
    pub(super) fn begin(&mut self, now: Instant) {
        self.events = None;
        self.asked = None;
        self.last = Some(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(milliseconds: u64) -> Duration {
        Duration::from_millis(milliseconds)
    }

    /// An agenda whose first scan was at `start`.
    fn scanned() -> (Agenda, Instant) {
        let start = Instant::now();
        let mut agenda = Agenda::new(start);
        assert_eq!(agenda.due(), start, "the first scan is due at once");
        agenda.begin(start);
        (agenda, start)
    }

    #[test]
    fn a_burst_of_events_is_one_scan_200_ms_after_the_last() {
        let (mut agenda, start) = scanned();
        for at in [1000, 1050, 1090] {
            agenda.event(start + ms(at));
        }
        assert_eq!(agenda.due(), start + ms(1290));
        assert!(agenda.has_reason());
        agenda.begin(start + ms(1290));
        assert_eq!(agenda.due(), start + ms(1290) + SLOW);
        assert!(!agenda.has_reason());
    }

    #[test]
    fn events_without_end_delay_a_scan_by_400_ms_at_most() {
        let (mut agenda, start) = scanned();
        let first = start + ms(1000);
        (0..100).for_each(|step| agenda.event(first + ms(step * 10)));
        assert_eq!(agenda.due(), first + ms(400));
    }

    #[test]
    fn who_asks_waits_for_nothing_but_the_gap() {
        let (mut agenda, start) = scanned();
        agenda.event(start + ms(10));
        agenda.ask(start + ms(20));
        agenda.ask(start + ms(30));
        assert_eq!(agenda.due(), start + ms(200));
        agenda.begin(start + ms(200));
        agenda.ask(start + ms(5000));
        assert_eq!(agenda.due(), start + ms(5000));
    }

    #[test]
    fn a_storm_gives_at_most_one_scan_in_200_ms() {
        let (mut agenda, start) = scanned();
        let mut scans = 0;
        for at in 1..=10_000 {
            let now = start + ms(at);
            agenda.event(now);
            agenda.ask(now);
            if agenda.due() <= now {
                agenda.begin(now);
                scans += 1;
            }
        }
        assert_eq!(scans, 10_000 / 200);
    }
}
