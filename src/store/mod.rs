//! The one SQLite file: schema, durability, and how a change made by another process is noticed.

mod activations;
mod audit;
mod audit_search;
mod copy;
mod gateway;
mod id;
mod keys;
mod password;
mod seats;
mod session;
mod usage;
mod users;

pub use activations::{ActivationCarrier, ActivationRow, Activations, PendingRequest};
pub use audit::{
    AUDIT_TABLE, AuditEntry, AuditError, AuditRow, Author, CHECKPOINT_NAME, ChainHash,
    append as append_audit_to, append_audit, checkpoint_audit, prune_audit, verify_audit,
};
pub use audit_search::{AuditSearch, FoundAudit, search_audit};
pub use copy::{copy_database, forget_sessions, schema_of};
pub use gateway::{GatewayJob, GatewayRecord, GatewayRecords, GatewayWrite};
pub use id::{BadId, Id};
pub use keys::{load_highest_time, load_switched_off, save_highest_time, switch_key};
pub use password::{HashedPassword, MIN_PASSWORD};
pub use seats::{Batch, LedgerTime, Restored, SeatStore, SqliteSeats, Write};
pub use session::{Session, SessionFields};
pub use usage::{HOUR, SLOT, UsageHistory, UsageRows, UsageSlot};
pub use users::{INITIAL_PASSWORD, INITIAL_USER, Role, User, UserError, Users};

use std::fs::OpenOptions;
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use audit::audit_table;

/// Name of the database in the state directory.
pub const FILE_NAME: &str = "keynode.db";

/// Reading or writing the state failed.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// `SQLite` refused: disk full, no permission, damaged file, …
    #[error("the state file {path}: {source}")]
    Sqlite {
        /// The database.
        path: PathBuf,
        /// What `SQLite` said.
        source: rusqlite::Error,
    },
    /// It cannot be made or opened.
    #[error("the state file {path}: {source}")]
    Io {
        /// The database.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file was written by a later program.
    #[error(
        "the state file {path} has version {found}, this program knows up to {known}: install a newer keynode"
    )]
    TooNew {
        /// The database.
        path: PathBuf,
        /// Version of the file.
        found: i64,
        /// Version of this program.
        known: i64,
    },
}

/// Each entry brings the schema from the version of its index to the next one.
const MIGRATIONS: &[&str] = &[
    concat!(
        "
    CREATE TABLE sessions (
        seq INTEGER PRIMARY KEY,
        id BLOB NOT NULL,
        key_id TEXT NOT NULL,
        key_no INTEGER NOT NULL,
        client_session_id TEXT NOT NULL,
        owner TEXT NOT NULL,
        connection BLOB,
        is_server INTEGER NOT NULL,
        session_number TEXT,
        infobase TEXT,
        app_name TEXT,
        computer_name TEXT,
        user_name TEXT,
        access_code TEXT,
        started INTEGER NOT NULL,
        created INTEGER NOT NULL,
        expires INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE ledger (
        one INTEGER PRIMARY KEY CHECK (one = 1),
        time INTEGER NOT NULL,
        clean INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE highest_time (
        one INTEGER PRIMARY KEY CHECK (one = 1),
        wall INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE switched_off (
        key_no INTEGER PRIMARY KEY
    ) STRICT;
    CREATE TABLE users (
        name TEXT PRIMARY KEY,
        role TEXT NOT NULL,
        password TEXT NOT NULL,
        initial INTEGER NOT NULL
    ) STRICT;
",
        audit_table!()
    ),
    "
    CREATE TABLE user_certificates (
        user TEXT NOT NULL,
        thumbprint BLOB NOT NULL,
        PRIMARY KEY (user, thumbprint)
    ) STRICT;
",
    activations::SCHEMA,
    gateway::SCHEMA,
    "
    CREATE TABLE usage (
        series TEXT NOT NULL,
        time INTEGER NOT NULL,
        length INTEGER NOT NULL,
        peak INTEGER NOT NULL,
        seats INTEGER NOT NULL,
        refused INTEGER NOT NULL,
        PRIMARY KEY (series, length, time)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE webhook_queue (
        id INTEGER PRIMARY KEY,
        webhook TEXT NOT NULL,
        event TEXT NOT NULL,
        body TEXT NOT NULL,
        made INTEGER NOT NULL,
        due INTEGER NOT NULL,
        tries INTEGER NOT NULL
    ) STRICT;
",
];

/// The version of the node's schema that this program brings a state file to.
pub const SCHEMA_VERSION: usize = MIGRATIONS.len();

/// A kind of database: the name of its file, and the history of its schema. Each entry of that brings it from the version of
/// its index to the next one.
#[derive(Clone, Copy, Debug)]
pub struct Schema {
    /// Name of the file.
    pub file_name: &'static str,
    /// SQL.
    pub migrations: &'static [&'static str],
}

/// The node's own.
const NODE: Schema = Schema {
    file_name: FILE_NAME,
    migrations: MIGRATIONS,
};

/// Opens connections to a database. Each part that uses it has a connection of its own.
#[derive(Clone, Debug)]
pub struct Database {
    path: PathBuf,
}

impl Database {
    /// Opens the state file in `state_dir`, makes it where it is missing, brings it to the present schema.
    ///
    /// # Errors
    /// [`StoreError`]; a damaged file is never replaced, for that would give seats twice.
    pub fn open(state_dir: &Path) -> Result<Self, StoreError> {
        Self::open_as(state_dir, NODE)
    }

    /// As [`Database::open`], for a database of another kind.
    ///
    /// # Errors
    /// As [`Database::open`].
    pub fn open_as(dir: &Path, schema: Schema) -> Result<Self, StoreError> {
        let database = Self {
            path: dir.join(schema.file_name),
        };
        let mut connection = database.connect()?;
        database.migrate(&mut connection, schema.migrations)?;
        Ok(database)
    }

    /// A new connection.
    ///
    /// # Errors
    /// [`StoreError::Sqlite`] where the file cannot be opened.
    pub fn connect(&self) -> Result<Connection, StoreError> {
        self.create_private()?;
        let open = || -> rusqlite::Result<Connection> {
            let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
                | OpenFlags::SQLITE_OPEN_CREATE
                | OpenFlags::SQLITE_OPEN_NO_MUTEX;
            let connection = Connection::open_with_flags(&self.path, flags)?;
            connection.busy_timeout(Duration::from_secs(5))?;
            // What was restored may have been made by anybody: nothing in it calls on functions.
            connection.pragma_update(None, "trusted_schema", false)?;
            connection.pragma_update(None, "journal_mode", "WAL")?;
            connection.pragma_update(None, "synchronous", "FULL")?;
            connection.pragma_update(None, "journal_size_limit", 64 * 1024 * 1024)?;
            Ok(connection)
        };
        open().map_err(self.error())
    }

    /// A new connection that cannot write: for readers who take their time.
    ///
    /// # Errors
    /// [`StoreError::Sqlite`] where the file cannot be opened.
    pub fn connect_to_read(&self) -> Result<Connection, StoreError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(&self.path, flags).map_err(self.error())?;
        connection
            .busy_timeout(Duration::from_secs(5))
            .map_err(self.error())?;
        Ok(connection)
    }

    /// Makes the file for its owner alone, where it is missing: it holds hashes of passwords. `SQLite` gives the
    /// files beside it the same mode.
    fn create_private(&self) -> Result<(), StoreError> {
        let made = OpenOptions::new()
            .append(true)
            .create(true)
            .mode(0o600)
            .open(&self.path);
        let directory = self.path.parent().unwrap_or(Path::new("."));
        let given = made.and_then(|file| match file.metadata()?.len() {
            // It was not there, or nobody got further; root may have come before the node.
            0 => crate::files::give(&file, directory),
            _ => Ok(()),
        });
        given.map_err(|source| StoreError::Io {
            path: self.path.clone(),
            source,
        })
    }

    /// Names the file in an error.
    pub(crate) fn error(&self) -> impl Fn(rusqlite::Error) -> StoreError {
        let path = self.path.clone();
        move |source| StoreError::Sqlite {
            path: path.clone(),
            source,
        }
    }

    fn migrate(&self, connection: &mut Connection, migrations: &[&str]) -> Result<(), StoreError> {
        let known = i64::try_from(migrations.len()).unwrap_or(i64::MAX);
        let version =
            |connection: &Connection| connection.query_row("PRAGMA user_version", [], |row| row.get(0));
        let found: i64 = version(connection).map_err(self.error())?;
        if found > known {
            return Err(StoreError::TooNew {
                path: self.path.clone(),
                found,
                known,
            });
        }
        let done = usize::try_from(found).unwrap_or(0);
        for (step, migration) in migrations.iter().enumerate().skip(done) {
            let transaction = connection.transaction().map_err(self.error())?;
            transaction.execute_batch(migration).map_err(self.error())?;
            transaction
                .pragma_update(None, "user_version", step + 1)
                .map_err(self.error())?;
            transaction.commit().map_err(self.error())?;
        }
        Ok(())
    }
}

/// Notices that another connection, of this or another process, has changed the file.
pub struct ChangeWatch {
    connection: Connection,
    seen: Option<i64>,
}

impl ChangeWatch {
    /// A watch with a connection of its own; the first question is answered with yes.
    ///
    /// # Errors
    /// [`StoreError`] where the file cannot be opened.
    pub fn new(database: &Database) -> Result<Self, StoreError> {
        Ok(Self {
            connection: database.connect()?,
            seen: None,
        })
    }

    /// The connection, to read what changed.
    pub fn connection(&self) -> &Connection {
        &self.connection
    }

    /// Whether the file changed since the last call. Costs a few microseconds. A file that cannot be asked
    /// counts as unchanged: readers go on with what they have.
    pub fn changed(&mut self) -> bool {
        let version = self
            .connection
            .query_row("PRAGMA data_version", [], |row| row.get(0))
            .ok();
        let changed = version.is_some() && version != self.seen;
        self.seen = version.or(self.seen);
        changed
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::licence::Timestamp;

    #[test]
    fn a_file_of_a_later_program_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let database = Database::open(dir.path()).unwrap();
        database
            .connect()
            .unwrap()
            .pragma_update(None, "user_version", 1000)
            .unwrap();
        assert!(matches!(
            Database::open(dir.path()),
            Err(StoreError::TooNew { found: 1000, .. })
        ));
    }

    #[test]
    fn what_a_state_file_brings_along_is_not_trusted() {
        let dir = tempfile::tempdir().unwrap();
        let connection = Database::open(dir.path()).unwrap().connect().unwrap();
        let trusted: bool = connection
            .query_row("PRAGMA trusted_schema", [], |row| row.get(0))
            .unwrap();
        assert!(!trusted);
    }

    #[test]
    fn a_file_of_the_first_version_is_brought_up_to_date_with_its_users() {
        let dir = tempfile::tempdir().unwrap();
        let first = rusqlite::Connection::open(dir.path().join(FILE_NAME)).unwrap();
        first.execute_batch(MIGRATIONS[0]).unwrap();
        first.pragma_update(None, "user_version", 1).unwrap();
        let hash = HashedPassword::new("admin");
        let user = "INSERT INTO users (name, role, password, initial) VALUES (?1, ?2, ?3, 0)";
        for (name, role) in [("boss", "admin"), ("later", "archangel")] {
            first.execute(user, (name, role, hash.as_str())).unwrap();
        }
        drop(first);
        let users = Users::open(&Database::open(dir.path()).unwrap())
            .unwrap()
            .list()
            .unwrap();
        let roles: Vec<_> = users.iter().map(|user| (user.name.as_str(), user.role)).collect();
        assert_eq!(roles, [("boss", Role::Admin), ("later", Role::Monitor)]);
        assert!(users.iter().all(|user| user.certificates.is_empty()));
    }

    #[test]
    fn a_damaged_file_is_refused_and_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let damaged = vec![0x5a; 8192];
        std::fs::write(dir.path().join(FILE_NAME), &damaged).unwrap();
        assert!(Database::open(dir.path()).is_err());
        assert_eq!(std::fs::read(dir.path().join(FILE_NAME)).unwrap(), damaged);
    }

    #[test]
    fn a_change_by_another_connection_is_noticed_once() {
        let dir = tempfile::tempdir().unwrap();
        let database = Database::open(dir.path()).unwrap();
        let mut watch = ChangeWatch::new(&database).unwrap();
        assert!(watch.changed() && !watch.changed());
        switch_key(
            &database,
            7,
            false,
            &Author {
                time: Timestamp::default(),
                name: String::new(),
            },
        )
        .unwrap();
        assert!(watch.changed() && !watch.changed());
    }
}
