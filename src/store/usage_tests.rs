//! The history on disk: what is written twice is put together, hours are made of slots, and what is old goes.

use super::*;

fn slot(series: &str, time: i64, peak: u64, seats: u64, refused: u64) -> UsageSlot {
    UsageSlot {
        series: KeyId::parse(series).unwrap(),
        time: Timestamp::from_millis(time),
        peak,
        seats,
        refused,
    }
}

/// A history, and a way to write it.
struct World {
    _dir: tempfile::TempDir,
    connection: Connection,
    history: UsageHistory,
}

impl World {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let database = Database::open(dir.path()).unwrap();
        Self {
            connection: database.connect().unwrap(),
            history: UsageHistory::new(&database),
            _dir: dir,
        }
    }

    fn write(&self, slots: &[UsageSlot]) {
        write(&self.connection, slots).unwrap();
    }

    fn read(&self, from: i64, until: i64, step: i64) -> UsageRows {
        let range = Timestamp::from_millis(from)..Timestamp::from_millis(until);
        self.history.read(range, step).unwrap()
    }
}

#[test]
fn a_slot_that_is_written_twice_takes_in_both() {
    let world = World::new();
    world.write(&[slot("672B", 0, 5, 10, 1)]);
    world.write(&[slot("672B", 0, 3, 8, 2), slot("672B", SLOT, 4, 8, 0)]);
    let rows = world.read(0, HOUR, SLOT).within;
    assert_eq!(rows, [slot("672B", 0, 5, 8, 3), slot("672B", SLOT, 4, 8, 0)]);
}

#[test]
fn hours_and_days_have_the_highest_peak_all_refusals_and_the_last_seats() {
    let world = World::new();
    world.write(&[
        slot("0001", 0, 5, 10, 1),
        slot("0001", 3 * SLOT, 7, 12, 0),
        slot("0001", 11 * SLOT, 1, 9, 4),
        slot("0001", HOUR, 2, 9, 0),
        slot("0002", HOUR, 3, 3, 0),
    ]);
    let hours = [slot("0001", 0, 7, 9, 5), slot("0001", HOUR, 2, 9, 0)];
    assert_eq!(world.read(0, HOUR, HOUR).within, hours[..1]);
    assert_eq!(world.read(0, 2 * HOUR, HOUR).within[..2], hours);
    let days = [slot("0001", 0, 7, 9, 5), slot("0002", 0, 3, 3, 0)];
    assert_eq!(world.read(0, 24 * HOUR, 24 * HOUR).within, days);
}

#[test]
fn the_last_row_before_a_range_is_told_for_each_series() {
    let world = World::new();
    assert_eq!(world.read(0, HOUR, SLOT), UsageRows::default());
    assert!(last_seats(&world.connection).unwrap().is_empty());
    world.write(&[
        slot("0001", 0, 5, 10, 0),
        slot("0001", 2 * HOUR, 0, 11, 0),
        slot("0001", 9 * HOUR, 0, 12, 0),
        slot("0002", HOUR, 3, 3, 0),
        slot("0003", 9 * HOUR, 3, 4, 0),
    ]);
    let rows = world.read(8 * HOUR, 9 * HOUR, SLOT);
    assert_eq!(
        rows.before,
        [slot("0001", 2 * HOUR, 0, 11, 0), slot("0002", HOUR, 3, 3, 0)]
    );
    assert!(rows.within.is_empty());
    let last: Vec<_> = last_seats(&world.connection).unwrap();
    let seats: Vec<u64> = last.into_iter().map(|(_, seats)| seats).collect();
    assert_eq!(seats, [12, 3, 4]);
}

#[test]
fn old_rows_go_little_by_little_and_hours_stay_for_longer() {
    let world = World::new();
    let count = |length: i64| -> i64 {
        let sql = "SELECT count(*) FROM usage WHERE length = ?1";
        world
            .connection
            .query_row(sql, [length], |row| row.get(0))
            .unwrap()
    };
    let early: Vec<_> = (0..12).map(|n| slot("672B", n * SLOT, 1, 1, 0)).collect();
    world.write(&early);
    assert_eq!((count(SLOT), count(HOUR)), (12, 1));
    let later = 50 * HOUR;
    world.write(&[slot("672B", later, 1, 1, 0)]);
    assert_eq!((count(SLOT), count(HOUR)), (12 + 1 - 4, 2));
    for n in 1..5 {
        world.write(&[slot("672B", later + n * SLOT, 1, 1, 0)]);
    }
    assert_eq!((count(SLOT), count(HOUR)), (5, 2));
    world.write(&[slot("672B", 403 * 24 * HOUR, 1, 1, 0)]);
    assert_eq!(count(HOUR), 1);
}
