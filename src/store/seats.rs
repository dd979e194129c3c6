//! Sessions on disk: one transaction for each batch of changes, all of them back after a crash.

use std::sync::Arc;

use rusqlite::{Connection, Row, params};

use crate::clock::Millis;
use crate::licence::{KeyId, Timestamp};

use super::audit::{AuditEntry, append};
use super::usage::{self, UsageSlot};
use super::{Database, Id, Session, SessionFields, StoreError};

/// One change of a session.
#[derive(Clone, Debug)]
pub enum Write {
    /// The session is now so.
    Put(Arc<Session>),
    /// The session of this row is gone.
    Delete(u64),
}

/// The ledger's own time, kept so that it goes on after a restart where it stopped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LedgerTime {
    /// Milliseconds that the ledger has lived, over all runs.
    pub time: Millis,
    /// The node stopped in order after this write: nothing is missing.
    pub clean: bool,
}

/// What a store gives back at start.
#[derive(Debug, Default)]
pub struct Restored {
    /// All sessions, in the order of their rows.
    pub sessions: Vec<Arc<Session>>,
    /// The ledger's time at the last write.
    pub time: LedgerTime,
    /// Seats on offer by series, as the history of use knows them.
    pub seats: Vec<(KeyId, u64)>,
}

/// What becomes durable together, or not at all.
#[derive(Clone, Copy, Debug, Default)]
pub struct Batch<'a> {
    /// Changes of sessions.
    pub writes: &'a [Write],
    /// Entries of the audit log.
    pub audit: &'a [AuditEntry],
    /// Slots of the history of use that are over.
    pub usage: &'a [UsageSlot],
    /// The ledger's time.
    pub time: LedgerTime,
}

/// Keeps what the ledger acknowledges. The ledger knows this trait alone, for a pool shared by several nodes
/// is to come behind it.
pub trait SeatStore: Send {
    /// Everything that was committed.
    ///
    /// # Errors
    /// [`StoreError`] where it cannot be read.
    fn load(&mut self) -> Result<Restored, StoreError>;

    /// Makes a batch durable.
    ///
    /// # Errors
    /// [`StoreError`]; then nothing was changed.
    fn commit(&mut self, batch: Batch<'_>) -> Result<(), StoreError>;
}

/// Sessions in the state file.
pub struct SqliteSeats {
    connection: Connection,
    database: Database,
}

impl SqliteSeats {
    /// A store over `database`.
    ///
    /// # Errors
    /// [`StoreError`] where the file cannot be opened.
    pub fn new(database: &Database) -> Result<Self, StoreError> {
        Ok(Self {
            connection: database.connect()?,
            database: database.clone(),
        })
    }

    fn read(&self) -> rusqlite::Result<Restored> {
        let mut statement = self.connection.prepare(
            "SELECT seq, id, key_id, key_no, client_session_id, owner, connection, is_server, session_number,
                infobase, app_name, computer_name, user_name, access_code, started, created, expires
             FROM sessions ORDER BY seq",
        )?;
        let sessions = statement
            .query_map([], |row| session(row).map(Arc::new))?
            .collect::<rusqlite::Result<_>>()?;
        let time = self
            .connection
            .query_row("SELECT time, clean FROM ledger", [], |row| {
                Ok(LedgerTime {
                    time: row.get(0)?,
                    clean: row.get(1)?,
                })
            });
        let time = match time {
            Err(rusqlite::Error::QueryReturnedNoRows) => LedgerTime::default(),
            other => other?,
        };
        let seats = usage::last_seats(&self.connection)?;
        Ok(Restored {
            sessions,
            time,
            seats,
        })
    }

    fn write(&mut self, batch: Batch<'_>) -> rusqlite::Result<()> {
        let transaction = self
            .connection
            .transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
        for write in batch.writes {
            match write {
                Write::Put(session) => put(&transaction, session)?,
                Write::Delete(seq) => {
                    transaction
                        .prepare_cached("DELETE FROM sessions WHERE seq = ?1")?
                        .execute([seq])?;
                }
            }
        }
        transaction
            .prepare_cached("INSERT OR REPLACE INTO ledger (one, time, clean) VALUES (1, ?1, ?2)")?
            .execute(params![batch.time.time, batch.time.clean])?;
        append(&transaction, batch.audit)?;
        usage::write(&transaction, batch.usage)?;
        transaction.commit()
    }
}

impl SeatStore for SqliteSeats {
    fn load(&mut self) -> Result<Restored, StoreError> {
        self.read().map_err(self.database.error())
    }

    fn commit(&mut self, batch: Batch<'_>) -> Result<(), StoreError> {
        self.write(batch).map_err(self.database.error())
    }
}

fn put(connection: &Connection, session: &Session) -> rusqlite::Result<()> {
    let fields = &session.fields;
    connection
        .prepare_cached(
            "INSERT OR REPLACE INTO sessions (seq, id, key_id, key_no, client_session_id, owner, connection,
                is_server, session_number, infobase, app_name, computer_name, user_name, access_code, started,
                created, expires)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17)",
        )?
        .execute(params![
            session.seq,
            session.id.0,
            fields.key_id.as_str(),
            session.key_no,
            fields.client_session_id,
            session.owner,
            fields.connection.map(|id| id.0),
            fields.is_server,
            fields.session_number,
            fields.infobase,
            fields.app_name,
            fields.computer_name,
            fields.user_name,
            fields.access_code,
            fields.started.millis(),
            session.created.millis(),
            session.expires,
        ])?;
    Ok(())
}

fn session(row: &Row<'_>) -> rusqlite::Result<Session> {
    let key_id = KeyId::parse(row.get_ref(2)?.as_str()?).map_err(|error| {
        rusqlite::Error::FromSqlConversionFailure(2, rusqlite::types::Type::Text, Box::new(error))
    })?;
    Ok(Session {
        seq: row.get(0)?,
        id: Id(row.get(1)?),
        key_no: row.get(3)?,
        expires: row.get(16)?,
        created: Timestamp::from_millis(row.get(15)?),
        ended: false,
        owner: row.get(5)?,
        fields: SessionFields {
            key_id,
            client_session_id: row.get(4)?,
            started: Timestamp::from_millis(row.get(14)?),
            connection: row.get::<_, Option<[u8; 16]>>(6)?.map(Id),
            is_server: row.get(7)?,
            session_number: row.get(8)?,
            infobase: row.get(9)?,
            app_name: row.get(10)?,
            computer_name: row.get(11)?,
            user_name: row.get(12)?,
            access_code: row.get(13)?,
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(seq: u64) -> Session {
        Session {
            seq,
            id: Id::random(),
            key_no: 7_131_766,
            expires: 900_000,
            created: Timestamp::from_millis(1_000),
            ended: false,
            owner: "admin".into(),
            fields: SessionFields {
                key_id: KeyId::parse("672B").unwrap(),
                client_session_id: format!("client-{seq}").into(),
                started: Timestamp::from_millis(2_000),
                connection: Some(Id::random()),
                is_server: true,
                session_number: Some("2".into()),
                infobase: Some("File=\"D:\\Db\";".into()),
                app_name: Some("1CV8C".into()),
                computer_name: None,
                user_name: Some("Мария".into()),
                access_code: None,
            },
        }
    }

    #[test]
    fn what_was_committed_is_there_after_reopening() {
        let dir = tempfile::tempdir().unwrap();
        let database = Database::open(dir.path()).unwrap();
        let (first, second) = (sample(1), sample(2));
        let mut store = SqliteSeats::new(&database).unwrap();
        let puts = [
            Write::Put(Arc::new(first.clone())),
            Write::Put(Arc::new(second.clone())),
        ];
        let commit = |store: &mut SqliteSeats, writes: &[Write], time| {
            let batch = Batch {
                writes,
                time,
                ..Batch::default()
            };
            store.commit(batch).unwrap();
        };
        let first_time = LedgerTime {
            time: 5,
            clean: false,
        };
        commit(&mut store, &puts, first_time);
        let renewed = Session {
            expires: 1_000_000,
            ..second.clone()
        };
        let time = LedgerTime { time: 7, clean: true };
        let changes = [Write::Delete(1), Write::Put(Arc::new(renewed.clone()))];
        commit(&mut store, &changes, time);
        drop(store);
        let restored = SqliteSeats::new(&Database::open(dir.path()).unwrap())
            .unwrap()
            .load()
            .unwrap();
        assert_eq!(restored.sessions, [Arc::new(renewed)]);
        assert_eq!(restored.time, time);
    }

    #[test]
    fn a_full_disk_changes_nothing_and_passes() {
        let dir = tempfile::tempdir().unwrap();
        let database = Database::open(dir.path()).unwrap();
        let mut store = SqliteSeats::new(&database).unwrap();
        let commit = |store: &mut SqliteSeats, seqs: std::ops::Range<u64>| {
            let writes: Vec<_> = seqs.map(|seq| Write::Put(Arc::new(sample(seq)))).collect();
            store.commit(Batch {
                writes: &writes,
                ..Batch::default()
            })
        };
        commit(&mut store, 0..10).unwrap();
        let limit = |store: &SqliteSeats, pages: u32| {
            let pragma = format!("PRAGMA max_page_count = {pages}");
            store.connection.query_row(&pragma, [], |_| Ok(())).unwrap();
        };
        limit(&store, 1);
        let error = commit(&mut store, 10..1_000).unwrap_err();
        assert!(error.to_string().contains("full"), "{error}");
        assert_eq!(store.load().unwrap().sessions.len(), 10);
        limit(&store, u32::MAX);
        commit(&mut store, 10..1_000).unwrap();
        assert_eq!(store.load().unwrap().sessions.len(), 1_000);
    }
}
