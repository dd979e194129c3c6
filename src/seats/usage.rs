//! The history of use as the desk sees it happen: for each series the most seats that were taken at once, the seats on
//! offer and the refusals, slot by slot of the wall clock. Pure: what is over goes out to be saved.

use std::collections::BTreeMap;

use crate::licence::{KeyId, Timestamp};
use crate::store::{SLOT, UsageSlot};

/// Slots that wait while nothing can be saved; beyond it the oldest are dropped.
const MOST: usize = 10_000;

/// One series.
#[derive(Default)]
struct Line {
    /// Seats that are taken.
    used: u64,
    /// The most of them since it was last known what is durable.
    high: u64,
    /// The most of them in this slot, of those that are durable: a seat that was taken back was nobody's.
    peak: u64,
    /// Seats on offer.
    seats: u64,
    /// Seats on offer as the last row knows them.
    told: u64,
    /// Refusals in this slot.
    refused: u64,
}

impl Line {
    /// Without a row a reader would not know of it.
    fn needs_row(&self) -> bool {
        self.peak > 0 || self.refused > 0 || self.seats != self.told
    }

    fn slot(&self, series: KeyId, time: Timestamp) -> UsageSlot {
        UsageSlot {
            series,
            time,
            peak: self.peak,
            seats: self.seats,
            refused: self.refused,
        }
    }
}

/// What of the history is not on disk yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsageNow {
    /// Slots of 5 minutes in the order of time; several of one slot, where there are, are parts of it.
    pub slots: Vec<UsageSlot>,
    /// How often slots went to the disk. A reader that finds the same count before and after it read what is there has
    /// missed nothing and has nothing twice.
    pub saves: u64,
}

/// All series in the slot under way, and the slots before it that are not saved yet.
#[derive(Default)]
pub struct Usage {
    /// Start of the slot under way; `None` before the first look at the clock.
    start: Option<Timestamp>,
    lines: BTreeMap<KeyId, Line>,
    /// Seats were taken or left since.
    moved: bool,
    over: Vec<UsageSlot>,
    saves: u64,
}

impl Usage {
    /// Goes on after a history that knows these seats on offer.
    pub(super) fn restored(told: Vec<(KeyId, u64)>) -> Self {
        let line = |told| Line {
            told,
            ..Line::default()
        };
        Self {
            lines: told.into_iter().map(|(id, seats)| (id, line(seats))).collect(),
            ..Self::default()
        }
    }

    /// A session got a seat.
    pub(super) fn sat(&mut self, series: KeyId) {
        let line = self.lines.entry(series).or_default();
        line.used += 1;
        line.high = line.high.max(line.used);
        self.moved = true;
    }

    /// A session left its seat.
    pub(super) fn left(&mut self, series: KeyId) {
        let line = self.lines.entry(series).or_default();
        line.used = line.used.saturating_sub(1);
        self.moved = true;
    }

    /// A session got no seat. Of a series that never was here it is not kept: clients may make up as many as they like.
    pub(super) fn refused(&mut self, series: KeyId) {
        if let Some(line) = self.lines.get_mut(&series) {
            line.refused += 1;
        }
    }

    /// These seats are on offer now, and no others.
    pub(super) fn offered(&mut self, seats: impl Iterator<Item = (KeyId, u64)>) {
        for line in self.lines.values_mut() {
            line.seats = 0;
        }
        for (series, seats) in seats {
            self.lines.entry(series).or_default().seats += seats;
        }
    }

    /// What happened so far is durable, and what is over is on disk.
    pub(super) fn saved(&mut self) {
        if !self.over.is_empty() {
            self.over.clear();
            self.saves += 1;
        }
        if std::mem::take(&mut self.moved) {
            for line in self.lines.values_mut() {
                line.peak = line.peak.max(line.high);
                line.high = line.used;
            }
        }
    }

    /// What could not be saved was taken back.
    pub(super) fn fell(&mut self) {
        for line in self.lines.values_mut() {
            line.high = line.used;
        }
    }

    /// Follows the wall clock: where it shows another slot, also an earlier one, the one under way is over.
    pub(super) fn advance(&mut self, wall: Timestamp) {
        let start = wall.millis() - wall.millis().rem_euclid(SLOT);
        let start = Timestamp::from_millis(start);
        if self.start != Some(start) {
            self.close();
            self.start = Some(start);
        }
    }

    /// Ends the slot under way, be it early.
    pub(super) fn close(&mut self) {
        let Some(start) = self.start else {
            return;
        };
        for (series, line) in &mut self.lines {
            if line.needs_row() {
                self.over.push(line.slot(*series, start));
                line.told = line.seats;
            }
            // Nothing waits for its commit while time passes: what is taken now is held.
            (line.peak, line.high) = (line.used, line.used);
            line.refused = 0;
        }
        let surplus = self.over.len().saturating_sub(MOST);
        self.over.drain(..surplus);
    }

    /// Slots that are over.
    pub(super) fn over(&self) -> &[UsageSlot] {
        &self.over
    }

    /// When the slot under way ends, where that leaves something to save.
    pub(super) fn end(&self) -> Option<Timestamp> {
        let wanted = self.lines.values().any(Line::needs_row);
        self.start.filter(|_| wanted).map(|start| start.plus(SLOT))
    }

    /// What is not on disk yet, the slot under way included.
    pub fn now(&self) -> UsageNow {
        let open = self.start.into_iter().flat_map(|start| {
            let lines = self.lines.iter().filter(|(_, line)| line.needs_row());
            lines.map(move |(series, line)| line.slot(*series, start))
        });
        UsageNow {
            slots: self.over.iter().copied().chain(open).collect(),
            saves: self.saves,
        }
    }
}

#[cfg(test)]
#[path = "usage_tests.rs"]
mod tests;
