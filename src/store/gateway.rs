//! What is kept about the operators' services: records by kind and name, each with a part that is sealed, and the times at
//! which something is to be done about them.

use rusqlite::{Connection, OptionalExtension, Row, TransactionBehavior, params};

use crate::licence::Timestamp;

use super::{Database, StoreError};

/// The tables, from version 4 of the schema on.
pub(super) const SCHEMA: &str = "
    CREATE TABLE gateway_records (
        kind TEXT NOT NULL,
        name TEXT NOT NULL,
        record TEXT NOT NULL,
        sealed BLOB,
        PRIMARY KEY (kind, name)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE gateway_jobs (
        kind TEXT NOT NULL,
        name TEXT NOT NULL,
        due INTEGER NOT NULL,
        PRIMARY KEY (kind, name)
    ) STRICT, WITHOUT ROWID;
";

/// A record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GatewayRecord {
    /// Its name among those of its kind.
    pub name: String,
    /// What anybody may see: JSON.
    pub record: String,
    /// What nobody may: sealed.
    pub sealed: Option<Vec<u8>>,
}

/// Something that is to be done at a time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GatewayJob {
    /// What.
    pub kind: String,
    /// About which record.
    pub name: String,
    /// When.
    pub due: Timestamp,
}

/// One of several changes that are made together or not at all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GatewayWrite {
    /// Puts a record in place of what was there, its sealed part too.
    Put {
        /// Kind of the record.
        kind: &'static str,
        /// The record.
        record: GatewayRecord,
    },
    /// Puts a record's open part in place of what was there; a sealed part stays.
    Update {
        /// Kind of the record.
        kind: &'static str,
        /// Its name.
        name: String,
        /// JSON.
        record: String,
    },
    /// Removes a record.
    Remove {
        /// Kind of the record.
        kind: &'static str,
        /// Its name.
        name: String,
    },
    /// Plans a job, in place of one that was there.
    Plan(GatewayJob),
    /// Ends a job that was done, or puts it off; one that was planned anew meanwhile stays as it is.
    End {
        /// The job as it was begun.
        job: GatewayJob,
        /// When it is to be done again.
        next: Option<Timestamp>,
    },
    /// Removes a job.
    Done {
        /// What was to be done.
        kind: String,
        /// About which record.
        name: String,
    },
}

/// The records and jobs in the state file.
pub struct GatewayRecords {
    connection: Connection,
    database: Database,
}

impl GatewayRecords {
    /// Those of this state file, over a connection of their own.
    ///
    /// # Errors
    /// [`StoreError`] where it cannot be opened.
    pub fn open(database: &Database) -> Result<Self, StoreError> {
        Ok(Self {
            connection: database.connect()?,
            database: database.clone(),
        })
    }

    /// A record.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn find(&self, kind: &str, name: &str) -> Result<Option<GatewayRecord>, StoreError> {
        let read = || {
            let statement = "SELECT name, record, sealed FROM gateway_records WHERE kind = ?1 AND name = ?2";
            let mut statement = self.connection.prepare_cached(statement)?;
            statement.query_row([kind, name], record).optional()
        };
        read().map_err(self.database.error())
    }

    /// All records of a kind, by name.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn all(&self, kind: &str) -> Result<Vec<GatewayRecord>, StoreError> {
        let read = || -> rusqlite::Result<_> {
            let statement = "SELECT name, record, sealed FROM gateway_records WHERE kind = ?1 ORDER BY name";
            let mut statement = self.connection.prepare_cached(statement)?;
            statement.query_map([kind], record)?.collect()
        };
        read().map_err(self.database.error())
    }

    /// Whether any record has a sealed part.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn has_sealed(&self) -> Result<bool, StoreError> {
        let statement = "SELECT EXISTS (SELECT 1 FROM gateway_records WHERE sealed IS NOT NULL)";
        let read = || self.connection.query_row(statement, [], |row| row.get(0));
        read().map_err(self.database.error())
    }

    /// Removes a record and returns it: of several who ask at once, one gets it.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn take(&mut self, kind: &str, name: &str) -> Result<Option<GatewayRecord>, StoreError> {
        let take = || {
            let statement =
                "DELETE FROM gateway_records WHERE kind = ?1 AND name = ?2 RETURNING name, record, sealed";
            let mut statement = self.connection.prepare_cached(statement)?;
            statement.query_row([kind, name], record).optional()
        };
        take().map_err(self.database.error())
    }

    /// Makes these changes, durably, all or none.
    ///
    /// # Errors
    /// [`StoreError`]; nothing was changed then.
    pub fn write(&mut self, writes: &[GatewayWrite]) -> Result<(), StoreError> {
        let connection = &mut self.connection;
        let mut write = || -> rusqlite::Result<()> {
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            for write in writes {
                apply(&transaction, write)?;
            }
            transaction.commit()
        };
        write().map_err(self.database.error())
    }

    /// All jobs, the most urgent first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn jobs(&self) -> Result<Vec<GatewayJob>, StoreError> {
        let read = || -> rusqlite::Result<_> {
            let statement = "SELECT kind, name, due FROM gateway_jobs ORDER BY due, kind, name";
            let mut statement = self.connection.prepare_cached(statement)?;
            let jobs = statement.query_map([], |row| {
                Ok(GatewayJob {
                    kind: row.get(0)?,
                    name: row.get(1)?,
                    due: Timestamp::from_millis(row.get(2)?),
                })
            })?;
            jobs.collect()
        };
        read().map_err(self.database.error())
    }
}

fn record(row: &Row<'_>) -> rusqlite::Result<GatewayRecord> {
    Ok(GatewayRecord {
        name: row.get(0)?,
        record: row.get(1)?,
        sealed: row.get(2)?,
    })
}

fn apply(connection: &Connection, write: &GatewayWrite) -> rusqlite::Result<()> {
    let execute = |statement: &str, values: &[&dyn rusqlite::ToSql]| {
        connection.prepare_cached(statement)?.execute(values).map(drop)
    };
    match write {
        GatewayWrite::Put { kind, record } => execute(
            "INSERT OR REPLACE INTO gateway_records (kind, name, record, sealed) VALUES (?1, ?2, ?3, ?4)",
            params![kind, record.name, record.record, record.sealed],
        ),
        GatewayWrite::Update { kind, name, record } => execute(
            "INSERT INTO gateway_records (kind, name, record) VALUES (?1, ?2, ?3)
             ON CONFLICT (kind, name) DO UPDATE SET record = excluded.record",
            params![kind, name, record],
        ),
        GatewayWrite::Remove { kind, name } => execute(
            "DELETE FROM gateway_records WHERE kind = ?1 AND name = ?2",
            params![kind, name],
        ),
        GatewayWrite::Plan(job) => execute(
            "INSERT OR REPLACE INTO gateway_jobs (kind, name, due) VALUES (?1, ?2, ?3)",
            params![job.kind, job.name, job.due.millis()],
        ),
        GatewayWrite::End { job, next: None } => execute(
            "DELETE FROM gateway_jobs WHERE kind = ?1 AND name = ?2 AND due = ?3",
            params![job.kind, job.name, job.due.millis()],
        ),
        GatewayWrite::End {
            job,
            next: Some(next),
        } => execute(
            "UPDATE gateway_jobs SET due = ?4 WHERE kind = ?1 AND name = ?2 AND due = ?3",
            params![job.kind, job.name, job.due.millis(), next.millis()],
        ),
        GatewayWrite::Done { kind, name } => execute(
            "DELETE FROM gateway_jobs WHERE kind = ?1 AND name = ?2",
            params![kind, name],
        ),
    }
}
