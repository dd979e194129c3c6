//! The history of use on disk: for each series what was used at most, in slots of 5 minutes for two days and in slots of an
//! hour for more than a year.

use std::ops::Range;

use rusqlite::{Connection, Row, params};

use crate::licence::{KeyId, Timestamp};

use super::{Database, StoreError};

/// Length of the slots that the desk fills, in milliseconds.
pub const SLOT: i64 = 5 * 60_000;

/// Length of the slots that are kept for long, in milliseconds.
pub const HOUR: i64 = 60 * 60_000;

/// Lengths of slots, and how long each is kept, in milliseconds.
const KEPT: [(i64, i64); 2] = [(SLOT, 48 * HOUR), (HOUR, 400 * 24 * HOUR)];

/// Old rows that go with each new one at most. More than one, so that they get fewer; few, so that a clock that jumps ahead
/// for a while costs a few rows and not the history.
const PRUNED: u32 = 4;

/// What happened to a series in a slot. Without a row nobody had a seat and nobody was refused one, and the seats on offer
/// are those of the last row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UsageSlot {
    /// The series.
    pub series: KeyId,
    /// Start of the slot: a whole multiple of its length.
    pub time: Timestamp,
    /// The most seats that were taken at once.
    pub peak: u64,
    /// Seats on offer at its end.
    pub seats: u64,
    /// Wishes for a seat that were refused.
    pub refused: u64,
}

impl UsageSlot {
    /// The slot of this length, in milliseconds, that this one lies in, as far as this one knows it.
    #[must_use]
    pub fn within(self, length: i64) -> Self {
        let time = self.time.millis();
        Self {
            time: Timestamp::from_millis(time - time.rem_euclid(length)),
            ..self
        }
    }

    /// Takes in what is known of a part of this slot that came after all others.
    pub fn add(&mut self, later: &Self) {
        self.peak = self.peak.max(later.peak);
        self.seats = later.seats;
        self.refused += later.refused;
    }
}

/// Writes slots of 5 minutes, and into those of an hour, inside the caller's transaction. A slot that is there already, from
/// before a restart or before the clock was put back, takes in what is new. Rows of the same series that are too old go.
pub(super) fn write(connection: &Connection, slots: &[UsageSlot]) -> rusqlite::Result<()> {
    for slot in slots {
        for (length, keep) in KEPT {
            let slot = slot.within(length);
            connection
                .prepare_cached(
                    "INSERT INTO usage (series, length, time, peak, seats, refused) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
                     ON CONFLICT DO UPDATE SET peak = max(peak, excluded.peak), seats = excluded.seats,
                        refused = refused + excluded.refused",
                )?
                .execute(params![
                    slot.series.as_str(),
                    length,
                    slot.time.millis(),
                    slot.peak,
                    slot.seats,
                    slot.refused
                ])?;
            connection
                .prepare_cached(
                    "DELETE FROM usage WHERE series = ?1 AND length = ?2 AND time IN
                        (SELECT time FROM usage WHERE series = ?1 AND length = ?2 AND time < ?3
                         ORDER BY time LIMIT ?4)",
                )?
                .execute(params![
                    slot.series.as_str(),
                    length,
                    slot.time.millis() - keep,
                    PRUNED
                ])?;
        }
    }
    Ok(())
}

/// The seats on offer of each series, as its last row knows them.
pub(super) fn last_seats(connection: &Connection) -> rusqlite::Result<Vec<(KeyId, u64)>> {
    let last = seats_before(connection, i64::MAX)?;
    Ok(last.into_iter().map(|slot| (slot.series, slot.seats)).collect())
}

/// For each series its last row from before a time.
fn seats_before(connection: &Connection, time: i64) -> rusqlite::Result<Vec<UsageSlot>> {
    let mut statement = connection.prepare(
        "WITH RECURSIVE names (name) AS (
            SELECT min(series) FROM usage
            UNION ALL
            SELECT (SELECT min(series) FROM usage WHERE series > name) FROM names WHERE name IS NOT NULL)
         SELECT series, time, peak, seats, refused FROM names, usage
         WHERE series = name AND length = ?1
            AND time = (SELECT max(time) FROM usage WHERE series = name AND length = ?1 AND time < ?2)",
    )?;
    let rows = statement.query_map(params![HOUR, time], read)?;
    rows.collect()
}

fn read(row: &Row<'_>) -> rusqlite::Result<UsageSlot> {
    let series = KeyId::parse(row.get_ref(0)?.as_str()?).map_err(|error| {
        rusqlite::Error::FromSqlConversionFailure(0, rusqlite::types::Type::Text, Box::new(error))
    })?;
    Ok(UsageSlot {
        series,
        time: Timestamp::from_millis(row.get(1)?),
        peak: row.get(2)?,
        seats: row.get(3)?,
        refused: row.get(4)?,
    })
}

/// What of the history lies in a range of time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UsageRows {
    /// For each series that has one, the last row from before the range.
    pub before: Vec<UsageSlot>,
    /// The rows in the range, in the order of series and time.
    pub within: Vec<UsageSlot>,
}

/// Reads the history, on a connection of its own each time: for threads that may wait.
#[derive(Clone, Debug)]
pub struct UsageHistory(Database);

impl UsageHistory {
    /// Of this state file.
    pub fn new(database: &Database) -> Self {
        Self(database.clone())
    }

    /// The rows of slots that start in this range, put together to slots of `step` milliseconds: a multiple of 5 minutes,
    /// and of an hour where the range reaches back for more than two days. The range begins with a whole hour and a whole
    /// `step`.
    ///
    /// # Errors
    /// [`StoreError`] where they cannot be read.
    pub fn read(&self, range: Range<Timestamp>, step: i64) -> Result<UsageRows, StoreError> {
        let connection = self.0.connect_to_read()?;
        read_rows(&connection, range, step).map_err(self.0.error())
    }
}

fn read_rows(connection: &Connection, range: Range<Timestamp>, step: i64) -> rusqlite::Result<UsageRows> {
    let length = if step < HOUR { SLOT } else { HOUR };
    let mut statement = connection.prepare(
        "SELECT series, time, peak, seats, refused FROM usage WHERE length = ?1 AND time >= ?2 AND time < ?3
         ORDER BY series, time",
    )?;
    let rows = statement.query_map(params![length, range.start.millis(), range.end.millis()], read)?;
    let mut within: Vec<UsageSlot> = Vec::new();
    for row in rows {
        let row = row?.within(step);
        match within.last_mut() {
            Some(last) if (last.series, last.time) == (row.series, row.time) => last.add(&row),
            _ => within.push(row),
        }
    }
    let before = seats_before(connection, range.start.millis())?;
    Ok(UsageRows { before, within })
}

#[cfg(test)]
#[path = "usage_tests.rs"]
mod tests;
