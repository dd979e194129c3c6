//! The history of use as people look at it: over a day, a week or a year, without gaps. Pure.

use std::collections::BTreeMap;
use std::ops::Range;

use crate::licence::{KeyId, Timestamp};
use crate::store::{HOUR, SLOT, UsageRows, UsageSlot};

const DAY: i64 = 24 * HOUR;

/// How far a look at the history goes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Period {
    /// 24 hours, in slots of 5 minutes.
    Day,
    /// 7 days, in slots of an hour.
    Week,
    /// 365 days, in slots of a day of UTC.
    Year,
}

impl Period {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Day, Self::Week, Self::Year];

    /// In one lower-case word.
    pub fn name(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Week => "week",
            Self::Year => "year",
        }
    }

    /// The one of this name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|period| period.name() == name)
    }

    /// Length of its slots in milliseconds.
    pub fn step(self) -> i64 {
        match self {
            Self::Day => SLOT,
            Self::Week => HOUR,
            Self::Year => DAY,
        }
    }

    /// From the start of its first slot to the end of its last one, in which `now` lies.
    pub fn range(self, now: Timestamp) -> Range<Timestamp> {
        let (step, now) = (self.step(), now.millis());
        let back = match self {
            Self::Day => DAY,
            Self::Week => 7 * DAY,
            Self::Year => 365 * DAY,
        };
        let whole = step.max(HOUR);
        let start = now - back;
        let start = start - start.rem_euclid(whole);
        let end = now - now.rem_euclid(step) + step;
        Timestamp::from_millis(start)..Timestamp::from_millis(end)
    }
}

/// All slots of the series that had seats or refusals in the range, in the order of series and time. Each series begins where
/// its history does. `rows` are those of the range, `unsaved` come after them.
pub fn plot(
    period: Period,
    range: &Range<Timestamp>,
    rows: UsageRows,
    unsaved: &[UsageSlot],
) -> Vec<UsageSlot> {
    let mut series: BTreeMap<KeyId, (Option<u64>, BTreeMap<Timestamp, UsageSlot>)> = BTreeMap::new();
    for before in rows.before {
        series.entry(before.series).or_default().0 = Some(before.seats);
    }
    for slot in rows.within.iter().chain(unsaved) {
        let slot = slot.within(period.step());
        if range.contains(&slot.time) {
            let slots = &mut series.entry(slot.series).or_default().1;
            slots
                .entry(slot.time)
                .and_modify(|known| known.add(&slot))
                .or_insert(slot);
        }
    }
    let filled = series
        .into_iter()
        .map(|(id, (before, slots))| fill(period, range, id, before, &slots));
    filled
        .filter(|slots| slots.iter().any(|slot| slot.peak + slot.seats + slot.refused > 0))
        .flatten()
        .collect()
}

/// One series without gaps; `seats` are those on offer when the range begins, where the history is that old.
fn fill(
    period: Period,
    range: &Range<Timestamp>,
    series: KeyId,
    mut seats: Option<u64>,
    slots: &BTreeMap<Timestamp, UsageSlot>,
) -> Vec<UsageSlot> {
    let mut filled = Vec::new();
    let mut time = range.start;
    while time < range.end {
        if let Some(slot) = slots.get(&time) {
            seats = Some(slot.seats);
            filled.push(*slot);
        } else if let Some(seats) = seats {
            filled.push(UsageSlot {
                series,
                time,
                peak: 0,
                seats,
                refused: 0,
            });
        }
        time = time.plus(period.step());
    }
    filled
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seats::testing::series;

    fn slot(time: i64, peak: u64, seats: u64, refused: u64) -> UsageSlot {
        UsageSlot {
            series: series("672B"),
            time: Timestamp::from_millis(time),
            peak,
            seats,
            refused,
        }
    }

    #[test]
    fn a_range_ends_with_the_slot_of_now_and_begins_with_a_whole_hour() {
        let now = Timestamp::parse("2026-11-22T14:57:31Z").unwrap();
        let ranges = Period::ALL.map(|period| {
            let range = period.range(now);
            let slots = (range.end.millis() - range.start.millis()) / period.step();
            (range.start.to_string(), range.end.to_string(), slots)
        });
        let expected = [
            ("2026-11-21T14:00:00.000Z", "2026-11-22T15:00:00.000Z", 300),
            ("2026-11-15T14:00:00.000Z", "2026-11-22T15:00:00.000Z", 169),
            ("2025-11-22T00:00:00.000Z", "2026-11-23T00:00:00.000Z", 366),
        ];
        assert_eq!(ranges, expected.map(|(a, b, n)| (a.to_owned(), b.to_owned(), n)));
        for period in Period::ALL {
            assert_eq!(Period::parse(period.name()), Some(period));
        }
        assert_eq!(Period::parse("Day"), None);
    }

    #[test]
    fn gaps_hold_the_seats_and_nobody_on_them() {
        let range = Timestamp::from_millis(0)..Timestamp::from_millis(6 * SLOT);
        let rows = UsageRows {
            before: vec![slot(-HOUR, 9, 20, 9)],
            within: vec![slot(SLOT, 3, 10, 1), slot(4 * SLOT, 2, 10, 0)],
        };
        let unsaved = [
            slot(4 * SLOT, 4, 11, 2),
            slot(5 * SLOT, 1, 11, 0),
            slot(9 * SLOT, 7, 7, 7),
        ];
        let expected = [
            slot(0, 0, 20, 0),
            slot(SLOT, 3, 10, 1),
            slot(2 * SLOT, 0, 10, 0),
            slot(3 * SLOT, 0, 10, 0),
            slot(4 * SLOT, 4, 11, 2),
            slot(5 * SLOT, 1, 11, 0),
        ];
        assert_eq!(plot(Period::Day, &range, rows, &unsaved), expected);
    }

    #[test]
    fn a_history_begins_where_it_does_and_a_series_that_is_long_gone_is_none() {
        let range = Timestamp::from_millis(0)..Timestamp::from_millis(3 * SLOT);
        let young = UsageRows {
            before: Vec::new(),
            within: vec![slot(SLOT, 0, 10, 0)],
        };
        let expected = [slot(SLOT, 0, 10, 0), slot(2 * SLOT, 0, 10, 0)];
        assert_eq!(plot(Period::Day, &range, young, &[]), expected);
        let gone = UsageRows {
            before: vec![slot(-HOUR, 3, 0, 1)],
            within: Vec::new(),
        };
        assert!(plot(Period::Day, &range, gone, &[]).is_empty());
    }
}
