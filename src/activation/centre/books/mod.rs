//! The books of the centre, for the vendor: what is sold, codes, activations, support cases.

mod activations;
mod api_keys;
mod codes;
mod conditions;
mod goods;
mod issue;
mod restored;
mod support;

use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;

use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use rusqlite::{Connection, Transaction, TransactionBehavior, params};

use crate::licence::KeyNo;
use crate::store::{AuditError, AuditRow, Database, StoreError, append_audit_to, verify_audit};

use super::codes::{Codes, new_secret};
use super::error::CentreError;
use super::{schema, store};

/// KeyNo of two centres are so far apart at least, where nobody chooses otherwise.
const STEP: u64 = 1 << 24;

/// Where the last of them begins: every JSON reader must hold all KeyNo exactly.
const LAST_BASE: u64 = 1 << 52;

/// The books, on a connection of their own: a running centre goes on beside them.
pub struct Books {
    connection: Connection,
    database: Database,
    codes: Codes,
    /// All KeyNo are above it.
    base: KeyNo,
}

impl Books {
    /// Makes a centre in this directory, which is made too. `base`: its KeyNo begin after it; none: at random.
    ///
    /// # Errors
    /// [`CentreError::Exists`] where there is one, [`CentreError::Invalid`].
    pub fn create(dir: &Path, base: Option<KeyNo>) -> Result<Self, CentreError> {
        match schema::open_existing(dir) {
            Ok(_) => return Err(CentreError::Exists(dir.into())),
            Err(CentreError::NoCentre(_)) => {}
            Err(other) => return Err(other),
        }
        let base = base.map_or_else(random_base, Ok)?;
        if base > LAST_BASE {
            return Err(CentreError::Invalid(format!(
                "KeyNo begin at most after {LAST_BASE}"
            )));
        }
        let made = DirBuilder::new().recursive(true).mode(0o700).create(dir);
        made.map_err(|source| StoreError::Io {
            path: dir.into(),
            source,
        })?;
        let database = schema::open(dir)?;
        let made = database
            .connect()?
            .execute(
                "INSERT OR IGNORE INTO centre (one, secret, base, last_key_no, list) VALUES (1, ?1, ?2, ?2, 1)",
                params![new_secret()?, base],
            )
            .map_err(database.error())?;
        // Somebody else makes one at the same time.
        if made == 0 {
            return Err(CentreError::Exists(dir.into()));
        }
        Self::open(dir)
    }

    /// Opens the books of a centre.
    ///
    /// # Errors
    /// [`CentreError::NoCentre`].
    pub fn open(dir: &Path) -> Result<Self, CentreError> {
        let database = schema::open_existing(dir)?;
        let connection = database.connect()?;
        let read = || {
            let base = connection.query_row("SELECT base FROM centre", [], |row| row.get(0))?;
            Ok((base, store::secret(&connection)?))
        };
        let (base, secret) = read().map_err(database.error())?;
        Ok(Self {
            codes: Codes::new(&secret),
            connection,
            database,
            base,
        })
    }

    /// Calls `visit` with each row of the audit log, after its link of the chain was checked.
    ///
    /// # Errors
    /// [`AuditError`] names the first row that does not fit.
    pub fn audit(&self, visit: impl FnMut(&AuditRow)) -> Result<(), AuditError> {
        verify_audit(&self.connection, |_, _| false, visit)
    }

    /// Asks the database.
    fn read<T>(&self, ask: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, CentreError> {
        ask(&self.connection).map_err(|error| self.database.error()(error).into())
    }

    /// Changes the database in one transaction, with its audit rows; all or nothing.
    fn write<T>(
        &mut self,
        change: impl FnOnce(&Transaction<'_>, &mut Notes) -> Result<T, Fault>,
    ) -> Result<T, CentreError> {
        let Self {
            connection, database, ..
        } = self;
        let all = || -> Result<T, Fault> {
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let mut notes = Notes::new();
            let value = change(&transaction, &mut notes)?;
            append_audit_to(&transaction, &notes)?;
            transaction.commit()?;
            Ok(value)
        };
        all().map_err(|fault| match fault {
            Fault::Sqlite(error) => database.error()(error).into(),
            Fault::Refused(error) => error,
        })
    }
}

/// What goes into the audit log.
type Notes = Vec<crate::store::AuditEntry>;

/// Why a change is not made.
#[derive(Debug, thiserror::Error)]
enum Fault {
    #[error(transparent)]
    Sqlite(#[from] rusqlite::Error),
    #[error(transparent)]
    Refused(#[from] CentreError),
}

fn random_base() -> Result<KeyNo, CentreError> {
    let mut bytes = [0; 8];
    SystemRandom::new()
        .fill(&mut bytes)
        .map_err(|_| CentreError::Random)?;
    Ok(u64::from_be_bytes(bytes) % (LAST_BASE / STEP) * STEP)
}

/// A text that people gave: of bounded length, without control characters.
fn checked(what: &str, text: &str, most: usize) -> Result<(), CentreError> {
    if text.chars().count() > most || text.chars().any(char::is_control) {
        return Err(CentreError::Invalid(format!(
            "{what} is longer than {most} characters or has control characters in it"
        )));
    }
    Ok(())
}
