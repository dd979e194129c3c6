//! A copy of a database that others may be writing to.

use std::path::Path;
use std::time::Duration;

use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, OpenFlags};

/// Pages that are copied at once; between two such steps the caller is told how far it is.
const STEP: i32 = 1024;

/// Copies a database as it is at this moment into a new file; `told` gets pages copied and pages in all. Writers are
/// not held up: the copy reads one snapshot of the write-ahead log, whatever is committed meanwhile.
///
/// # Errors
/// As `SQLite` tells them, damage of the copy included.
pub fn copy_database(from: &Path, to: &Path, mut told: impl FnMut(u64, u64)) -> rusqlite::Result<()> {
    // No schema is brought up to date, and no file is made where there is none.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    // Nor is a link followed that somebody puts there. SQLite minds links in the whole path, where they are usual.
    let flags = flags | OpenFlags::SQLITE_OPEN_NOFOLLOW;
    let directory = from.parent().and_then(|directory| directory.canonicalize().ok());
    let path = match (directory, from.file_name()) {
        (Some(directory), Some(name)) => directory.join(name),
        _ => from.into(),
    };
    let source = Connection::open_with_flags(path, flags)?;
    source.busy_timeout(Duration::from_secs(5))?;
    let mut target = Connection::open(to)?;
    // The transaction holds the snapshot: without it a write in the middle would start the copy anew, for ever under load.
    source.execute_batch("BEGIN")?;
    source.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))?;
    let backup = Backup::new(&source, &mut target)?;
    loop {
        let step = backup.step(STEP)?;
        let progress = backup.progress();
        let all = u64::try_from(progress.pagecount).unwrap_or(0);
        told(
            all.saturating_sub(u64::try_from(progress.remaining).unwrap_or(0)),
            all,
        );
        match step {
            StepResult::Done => break,
            StepResult::More => {}
            // The copy's file is ours alone, so the source is taken by somebody for a moment.
            _ => std::thread::sleep(Duration::from_millis(20)),
        }
    }
    drop(backup);
    source.execute_batch("ROLLBACK")?;
    // One file without a log beside it.
    target.query_row("PRAGMA journal_mode = DELETE", [], |_| Ok(()))?;
    let found: String = target.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    if found == "ok" {
        Ok(())
    } else {
        let damaged = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_CORRUPT);
        Err(rusqlite::Error::SqliteFailure(damaged, Some(found)))
    }
}

/// The version of a database's schema.
///
/// # Errors
/// As `SQLite` tells them.
pub fn schema_of(path: &Path) -> rusqlite::Result<i64> {
    let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    connection.query_row("PRAGMA user_version", [], |row| row.get(0))
}

/// Takes all sessions and connections out of a node's state: nobody has a seat.
///
/// # Errors
/// As `SQLite` tells them.
pub fn forget_sessions(connection: &Connection) -> rusqlite::Result<usize> {
    connection.execute("DELETE FROM sessions", [])
}
