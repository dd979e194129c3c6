//! What is kept about keys: which the administrator switched off, and the highest wall time ever seen.

use std::collections::HashSet;

use rusqlite::{Connection, OptionalExtension};

use crate::licence::{KeyNo, Timestamp};

use super::{Database, StoreError};

/// Switches a key on or off. It holds over restarts, and for keys that are not there at the moment.
///
/// # Errors
/// [`StoreError`] where it cannot be written.
pub fn switch_key(database: &Database, key_no: KeyNo, enabled: bool) -> Result<(), StoreError> {
    let statement = if enabled {
        "DELETE FROM switched_off WHERE key_no = ?1"
    } else {
        "INSERT OR IGNORE INTO switched_off (key_no) VALUES (?1)"
    };
    database
        .connect()?
        .execute(statement, [key_no])
        .map_err(database.error())?;
    Ok(())
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
        switch_key(&database, 7, false).unwrap();
        switch_key(&database, 7, false).unwrap();
        switch_key(&database, 8, false).unwrap();
        switch_key(&database, 8, true).unwrap();
        assert_eq!(
            load_switched_off(&database.connect().unwrap()).unwrap(),
            HashSet::from([7])
        );
    }
}
