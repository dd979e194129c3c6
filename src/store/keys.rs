//! What is kept about keys: which the administrator switched off, and the highest wall time ever seen.

use std::collections::HashSet;

use rusqlite::{Connection, OptionalExtension, TransactionBehavior};

use crate::licence::{KeyNo, Timestamp};

use super::audit::{Author, append};
use super::{Database, StoreError};

/// Switches a key on or off. It holds over restarts, and for keys that are not there at the moment.
///
/// # Errors
/// [`StoreError`] where it cannot be written.
pub fn switch_key(database: &Database, key_no: KeyNo, enabled: bool, by: &Author) -> Result<(), StoreError> {
    let (statement, word) = if enabled {
        ("DELETE FROM switched_off WHERE key_no = ?1", "switched on")
    } else {
        (
            "INSERT OR IGNORE INTO switched_off (key_no) VALUES (?1)",
            "switched off",
        )
    };
    let mut connection = database.connect()?;
    let mut write = || -> rusqlite::Result<()> {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        transaction.execute(statement, [key_no])?;
        append(&transaction, &[by.did("key", key_no.to_string(), word)])?;
        transaction.commit()
    };
    write().map_err(database.error())
}

/// The keys that are switched off.
///
/// # Errors
/// As `SQLite` tells them.
pub fn load_switched_off(connection: &Connection) -> rusqlite::Result<HashSet<KeyNo>> {
    connection
        .prepare_cached("SELECT key_no FROM switched_off")?
        .query_map([], |row| row.get(0))?
        .collect()
}

/// The highest wall time that was ever saved.
///
/// # Errors
/// As `SQLite` tells them.
pub fn load_highest_time(connection: &Connection) -> rusqlite::Result<Option<Timestamp>> {
    let millis = connection
        .query_row("SELECT wall FROM highest_time", [], |row| row.get(0))
        .optional()?;
    Ok(millis.map(Timestamp::from_millis))
}

/// Saves a wall time, where it is higher than what is saved.
///
/// # Errors
/// As `SQLite` tells them.
pub fn save_highest_time(connection: &Connection, wall: Timestamp) -> rusqlite::Result<()> {
    connection.execute(
        "INSERT INTO highest_time (one, wall) VALUES (1, ?1)
         ON CONFLICT (one) DO UPDATE SET wall = max(wall, excluded.wall)",
        [wall.millis()],
    )?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_highest_time_never_falls() {
        let dir = tempfile::tempdir().unwrap();
        let connection = Database::open(dir.path()).unwrap().connect().unwrap();
        assert_eq!(load_highest_time(&connection).unwrap(), None);
        for millis in [5_000, 9_000, 7_000] {
            save_highest_time(&connection, Timestamp::from_millis(millis)).unwrap();
        }
        assert_eq!(
            load_highest_time(&connection).unwrap(),
            Some(Timestamp::from_millis(9_000))
        );
    }

    #[test]
    fn a_switch_holds() {
        let dir = tempfile::tempdir().unwrap();
        let database = Database::open(dir.path()).unwrap();
        let by = Author {
            time: Timestamp::default(),
            name: "test".into(),
        };
        for (key_no, enabled) in [(7, false), (7, false), (8, false), (8, true)] {
            switch_key(&database, key_no, enabled, &by).unwrap();
        }
        assert_eq!(
            load_switched_off(&database.connect().unwrap()).unwrap(),
            HashSet::from([7])
        );
    }
}
