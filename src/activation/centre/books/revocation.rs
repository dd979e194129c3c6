//! Codes that their vendor takes back for good: one, or those of a whole batch.

use rusqlite::{Transaction, params};

use crate::licence::KeyNo;
use crate::store::Author;

use super::super::error::CentreError;
use super::super::store;
use super::issue::batch;
use super::support::{load, object};
use super::{Books, Fault, Notes, checked};

/// Codes of one transaction: a running centre waits no longer than for these.
const PART: u64 = 1_000;

impl Books {
    /// Takes a code and its licence back for good. A code that was revoked before stays so.
    ///
    /// # Errors
    /// [`CentreError::NoCode`], [`CentreError::Invalid`].
    pub fn revoke(&mut self, key_no: KeyNo, why: &str, by: &Author) -> Result<(), CentreError> {
        checked("the reason", why, 200)?;
        self.write(|transaction, notes| revoke(transaction, notes, key_no, why, by))
    }

    /// Takes back the codes of a batch that were never used, `all`: and the others with their licences, in parts, each
    /// in a transaction of its own. `visit` gets how many there were so far; where it gives false, it ends there, and can
    /// be called again for the rest. The result is how many were taken back.
    ///
    /// # Errors
    /// [`CentreError::NoBatch`], [`CentreError::Invalid`].
    pub fn revoke_batch(
        &mut self,
        number: u64,
        all: bool,
        why: &str,
        by: &Author,
        mut visit: impl FnMut(u64) -> bool,
    ) -> Result<u64, CentreError> {
        checked("the reason", why, 200)?;
        let known = self.read(|connection| batch(connection, number))?;
        known.ok_or(CentreError::NoBatch(number))?;
        let (mut after, mut count) = (0, 0);
        loop {
            let part = self.write(|transaction, notes| {
                let part = part(transaction, number, all, after)?;
                let unused: Vec<KeyNo> = part
                    .iter()
                    .filter(|(_, used)| !used)
                    .map(|(key, _)| *key)
                    .collect();
                for (key_no, used) in &part {
                    if *used {
                        revoke(transaction, notes, *key_no, why, by)?;
                    } else {
                        transaction
                            .prepare_cached("UPDATE codes SET revoked = ?2 WHERE key_no = ?1")?
                            .execute(params![key_no, by.time.millis()])?;
                    }
                }
                if let (Some(first), Some(last)) = (unused.first(), unused.last()) {
                    let detail = format!(
                        "{} codes never used, of keys {first} to {last}: {why}",
                        unused.len()
                    );
                    notes.push(by.did("revocation", format!("batch {number}"), detail));
                }
                Ok(part)
            })?;
            let Some((last, _)) = part.last() else {
                return Ok(count);
            };
            after = *last;
            count += part.len() as u64;
            if !visit(count) {
                return Ok(count);
            }
            std::thread::sleep(super::issue::TURN);
        }
    }
}

/// The next codes of a batch that can be taken back, and whether they were ever used.
fn part(
    transaction: &Transaction<'_>,
    number: u64,
    all: bool,
    after: KeyNo,
) -> rusqlite::Result<Vec<(KeyNo, bool)>> {
    transaction
        .prepare_cached(
            "SELECT key_no, begun IS NOT NULL FROM codes WHERE batch = ?1 AND key_no > ?2 AND revoked IS NULL \
             AND (begun IS NULL OR ?3) ORDER BY key_no LIMIT ?4",
        )?
        .query_map(params![number, after, all, PART], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })?
        .collect()
}

fn revoke(
    transaction: &Transaction<'_>,
    notes: &mut Notes,
    key_no: KeyNo,
    why: &str,
    by: &Author,
) -> Result<(), Fault> {
    let before = load(transaction, key_no, by)?;
    let mut after = before.clone();
    after.revoke(by.time);
    store::save(transaction, &before, &after, by.time)?;
    if before != after {
        notes.push(by.did("revocation", object(&before), why));
    }
    Ok(())
}
