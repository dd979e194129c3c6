//! The history of use: what of the day is told, and random days held against a model that remembers every moment.

use proptest::prelude::*;

use crate::seats::testing::series;

use super::*;

fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis)
}

fn row(time: i64, peak: u64, seats: u64, refused: u64) -> UsageSlot {
    UsageSlot {
        series: series("672B"),
        time: at(time),
        peak,
        seats,
        refused,
    }
}

/// A history with ten seats on offer, at time 0.
fn fresh() -> Usage {
    let mut usage = Usage::default();
    usage.offered([(series("672B"), 10)].into_iter());
    usage.advance(at(0));
    usage
}

#[test]
fn a_peak_is_kept_and_what_holds_on_is_in_every_slot() {
    let mut usage = fresh();
    let id = series("672B");
    (0..3).for_each(|_| usage.sat(id));
    (0..2).for_each(|_| usage.left(id));
    usage.refused(id);
    usage.saved();
    usage.advance(at(SLOT - 1));
    assert!(usage.over().is_empty());
    assert_eq!(usage.now().slots, [row(0, 3, 10, 1)]);
    usage.advance(at(SLOT));
    usage.advance(at(2 * SLOT + 5));
    assert_eq!(usage.over(), [row(0, 3, 10, 1), row(SLOT, 1, 10, 0)]);
    assert_eq!(usage.end(), Some(at(3 * SLOT)));
    usage.left(id);
    usage.advance(at(3 * SLOT));
    assert_eq!((usage.over().len(), usage.end()), (3, None));
    usage.advance(at(40 * SLOT));
    assert_eq!(usage.over().len(), 3);
    assert_eq!((usage.now().slots.len(), usage.now().saves), (3, 0));
    usage.saved();
    assert_eq!((usage.now().slots.len(), usage.now().saves), (0, 1));
}

#[test]
fn a_seat_that_was_taken_back_was_nobodys() {
    let mut usage = fresh();
    let id = series("672B");
    usage.sat(id);
    usage.saved();
    usage.sat(id);
    assert_eq!(usage.now().slots, [row(0, 1, 10, 0)]);
    usage.left(id);
    usage.fell();
    usage.saved();
    assert_eq!(usage.now().slots, [row(0, 1, 10, 0)]);
}

#[test]
fn seats_are_told_when_they_change_also_those_of_a_series_that_vanishes() {
    let mut usage = Usage::restored(vec![(series("672B"), 10), (series("0001"), 5)]);
    usage.offered([(series("672B"), 4), (series("672B"), 6)].into_iter());
    usage.advance(at(0));
    usage.advance(at(SLOT));
    let other = |slot: UsageSlot| UsageSlot {
        series: series("0001"),
        ..slot
    };
    assert_eq!(usage.over(), [other(row(0, 0, 0, 0))]);
    usage.refused(series("0001"));
    usage.refused(series("FFFF"));
    assert_eq!(usage.now().slots[1..], [other(row(SLOT, 0, 0, 1))]);
}

#[test]
fn a_clock_that_goes_back_ends_the_slot_and_opens_the_earlier_one() {
    let mut usage = fresh();
    usage.sat(series("672B"));
    usage.saved();
    usage.advance(at(SLOT));
    usage.advance(at(SLOT - 1));
    usage.close();
    assert_eq!(
        usage.over(),
        [row(0, 1, 10, 0), row(SLOT, 1, 10, 0), row(0, 1, 10, 0)]
    );
}

#[test]
fn what_cannot_be_saved_is_bounded() {
    let mut usage = fresh();
    usage.sat(series("672B"));
    usage.saved();
    for slot in 0..i64::try_from(MOST).unwrap() + 5 {
        usage.advance(at(slot * SLOT));
    }
    usage.close();
    assert_eq!((usage.over().len(), usage.over()[0].time), (MOST, at(5 * SLOT)));
}

#[derive(Clone, Debug)]
enum Step {
    Sit(usize),
    Leave(usize),
    Refuse(usize),
    Offer(usize, u64),
    Commit(bool),
    Pass(i64),
}

const SERIES: [&str; 2] = ["0001", "0002"];

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let which = 0..SERIES.len();
    let step = prop_oneof![
        6 => which.clone().prop_map(Step::Sit),
        4 => which.clone().prop_map(Step::Leave),
        2 => which.clone().prop_map(Step::Refuse),
        2 => (which, 0u64..5).prop_map(|(which, seats)| Step::Offer(which, seats)),
        4 => prop::bool::weighted(0.8).prop_map(Step::Commit),
        4 => (1..2 * SLOT).prop_map(Step::Pass),
    ];
    prop::collection::vec(step, 0..60)
}

/// Remembers, for each slot and series, everything that was so in it and was not taken back.
#[derive(Default)]
struct Model {
    time: i64,
    used: [u64; 2],
    seats: [u64; 2],
    /// Seats that were taken and are not durable.
    promised: [u64; 2],
    /// Peaks that count once they are durable.
    hoped: [u64; 2],
    slots: BTreeMap<(KeyId, i64), (u64, u64, u64)>,
    /// What went to the disk.
    rows: Vec<UsageSlot>,
}

impl Model {
    fn mark(&mut self, which: usize, peak: u64, refused: u64) {
        let key = (series(SERIES[which]), self.time - self.time.rem_euclid(SLOT));
        let slot = self.slots.entry(key).or_default();
        *slot = (slot.0.max(peak), self.seats[which], slot.2 + refused);
    }

    fn step(&mut self, usage: &mut Usage, step: &Step) {
        match *step {
            Step::Sit(which) => {
                usage.sat(series(SERIES[which]));
                self.used[which] += 1;
                self.promised[which] += 1;
                self.hoped[which] = self.hoped[which].max(self.used[which]);
            }
            Step::Leave(which) if self.used[which] > self.promised[which] => {
                usage.left(series(SERIES[which]));
                self.used[which] -= 1;
            }
            Step::Leave(_) => {}
            Step::Refuse(which) => {
                usage.refused(series(SERIES[which]));
                self.mark(which, 0, 1);
            }
            Step::Offer(which, seats) => {
                self.seats[which] = seats;
                usage.offered(
                    SERIES
                        .iter()
                        .zip(self.seats)
                        .map(|(id, seats)| (series(id), seats)),
                );
                self.mark(which, 0, 0);
            }
            Step::Commit(works) => self.commit(usage, works),
            Step::Pass(millis) => {
                // The desk commits what it promised before it lets time pass, and looks at its clock in every slot.
                if self.promised.iter().any(|seats| *seats > 0) {
                    self.commit(usage, true);
                }
                let end = self.time + millis;
                while self.time < end {
                    self.time = end.min(self.time + SLOT);
                    usage.advance(at(self.time));
                    for which in 0..SERIES.len() {
                        self.mark(which, self.used[which], 0);
                        self.hoped[which] = self.used[which];
                    }
                }
            }
        }
    }

    fn commit(&mut self, usage: &mut Usage, works: bool) {
        for (which, id) in SERIES.into_iter().enumerate() {
            if works {
                self.mark(which, self.hoped[which], 0);
            } else {
                for _ in 0..self.promised[which] {
                    usage.left(series(id));
                }
                self.used[which] -= self.promised[which];
            }
            self.promised[which] = 0;
            self.hoped[which] = self.used[which];
        }
        if works {
            self.rows.extend_from_slice(usage.over());
            usage.saved();
        } else {
            usage.fell();
        }
    }
}

/// What a reader makes of the rows: a slot without one has nobody in it and the seats of the last row.
fn told(rows: &[UsageSlot], id: KeyId, time: i64) -> (u64, u64, u64) {
    let mut newest_first = rows.iter().rev();
    match newest_first.find(|row| row.series == id && row.time.millis() <= time) {
        Some(row) if row.time.millis() == time => (row.peak, row.seats, row.refused),
        last => (0, last.map_or(0, |row| row.seats), 0),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_days_are_told_as_they_were(steps in steps()) {
        let mut usage = Usage::restored(SERIES.map(|id| (series(id), 0)).to_vec());
        usage.advance(at(0));
        let mut model = Model::default();
        for step in &steps {
            model.step(&mut usage, step);
        }
        model.commit(&mut usage, true);
        model.rows.extend(usage.now().slots);
        for (&(id, time), &expected) in &model.slots {
            prop_assert_eq!(told(&model.rows, id, time), expected, "{} at {}", id, time);
        }
    }
}
