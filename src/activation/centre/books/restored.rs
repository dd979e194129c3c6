//! After the books were restored from a backup: what was given out since must not be given out again.

use rusqlite::params;

use crate::licence::{KeyNo, MAX_KEY_NO};
use crate::store::Author;

use super::super::error::CentreError;
use super::super::store;
use super::Books;

impl Books {
    /// Passes over this many KeyNo, which may have been given out since the backup, and makes the list of revocations
    /// newer than all that were given out. The result is the last KeyNo that is passed over.
    ///
    /// # Errors
    /// [`CentreError::Invalid`] where so many KeyNo are not left.
    pub fn restored(&mut self, skip: u64, by: &Author) -> Result<KeyNo, CentreError> {
        self.write(|transaction, notes| {
            let last: KeyNo =
                transaction.query_row("SELECT last_key_no FROM centre", [], |row| row.get(0))?;
            let passed = last.checked_add(skip).filter(|passed| *passed <= MAX_KEY_NO);
            let passed = passed
                .ok_or_else(|| CentreError::Invalid(format!("{skip} KeyNo are not left after {last}")))?;
            transaction.execute("UPDATE centre SET last_key_no = ?1", params![passed])?;
            store::renumber_list(transaction, by.time)?;
            let detail = format!("restored from a backup: no KeyNo up to {passed} is given out any more");
            notes.push(by.did("restored", "centre", detail));
            Ok(passed)
        })
    }
}
