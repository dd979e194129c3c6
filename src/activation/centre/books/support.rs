//! Support cases: another holder, recovery codes, renewal, moves.

use rusqlite::{Transaction, params};

use crate::licence::{DAY, Iec, Itn, KeyNo, Timestamp};
use crate::store::Author;

use super::super::columns as column;
use super::super::error::CentreError;
use super::super::record::Record;
use super::super::rows::RecoveryCode;
use super::super::store;
use super::{Books, Fault};

/// A recovery code can be used for so many days.
const RECOVERY_DAYS: i64 = 14;

impl Books {
    /// Says who the holder is. Without an IEC, that of the next activation becomes the holder's. Also changes the
    /// holder of a code that is in use; its licence follows when it is next activated.
    ///
    /// # Errors
    /// [`CentreError::NoCode`].
    pub fn bind(
        &mut self,
        key_no: KeyNo,
        itn: &Itn,
        iec: Option<&Iec>,
        by: &Author,
    ) -> Result<(), CentreError> {
        self.write(|transaction, notes| {
            let record = load(transaction, key_no, by)?;
            transaction.execute(
                "UPDATE codes SET itn = ?2, iec = ?3, bound = 0 WHERE key_no = ?1",
                params![key_no, itn.to_string(), iec.map(Iec::as_str)],
            )?;
            let iec = iec.map_or_else(String::new, |iec| format!(", IEC {}", iec.as_str()));
            notes.push(by.did("holder", object(&record), format!("ITN {itn}{iec}")));
            Ok(())
        })
    }

    /// Makes a recovery code: with it, the licence can be taken from a lost computer once, within 14 days.
    ///
    /// # Errors
    /// [`CentreError::NoCode`].
    pub fn recovery(&mut self, key_no: KeyNo, by: &Author) -> Result<RecoveryCode, CentreError> {
        let code = self.codes.make()?.code();
        let until = by.time.plus(RECOVERY_DAYS * DAY);
        self.write(|transaction, notes| {
            let record = alive(load(transaction, key_no, by)?)?;
            transaction.execute(
                "INSERT INTO recoveries (key_no, hash, until, used) VALUES (?1, ?2, ?3, 0)",
                params![key_no, store::hash(&code), until.millis()],
            )?;
            notes.push(by.did(
                "recovery",
                object(&record),
                format!("a recovery code until {until}"),
            ));
            Ok(())
        })?;
        Ok(RecoveryCode { code, until })
    }

    /// Says until when the licence is renewed; none: not at all.
    ///
    /// # Errors
    /// [`CentreError::NoCode`].
    pub fn extend(
        &mut self,
        key_no: KeyNo,
        renew_until: Option<Timestamp>,
        by: &Author,
    ) -> Result<(), CentreError> {
        self.write(|transaction, notes| {
            let record = alive(load(transaction, key_no, by)?)?;
            transaction.execute(
                "UPDATE codes SET renew_until = ?2 WHERE key_no = ?1",
                params![key_no, column::millis(renew_until)],
            )?;
            let detail = renew_until.map_or("not renewed".into(), |until| format!("renewed until {until}"));
            notes.push(by.did("extension", object(&record), detail));
            Ok(())
        })
    }

    /// Says how often this code may move in 365 days; none: as its series says.
    ///
    /// # Errors
    /// [`CentreError::NoCode`].
    pub fn set_moves(&mut self, key_no: KeyNo, moves: Option<u32>, by: &Author) -> Result<(), CentreError> {
        self.write(|transaction, notes| {
            let record = load(transaction, key_no, by)?;
            transaction.execute(
                "UPDATE codes SET moves = ?2 WHERE key_no = ?1",
                params![key_no, moves],
            )?;
            let detail = moves.map_or("as the series says".into(), |moves| {
                format!("{moves} in 365 days")
            });
            notes.push(by.did("moves", object(&record), detail));
            Ok(())
        })
    }
}

pub(super) fn load(transaction: &Transaction<'_>, key_no: KeyNo, by: &Author) -> Result<Record, Fault> {
    let record = store::load_key(transaction, key_no, by.time)?;
    Ok(record.ok_or(CentreError::NoCode)?)
}

/// A code that was revoked is revoked for good: what else is done for it would be a promise that nobody keeps.
fn alive(record: Record) -> Result<Record, Fault> {
    if record.revoked.is_some() {
        return Err(
            CentreError::Invalid(format!("{} is revoked, which is for good", object(&record))).into(),
        );
    }
    Ok(record)
}

/// How the audit log names a code.
pub(super) fn object(record: &Record) -> String {
    format!("key {} code {:?}", record.key_no, record.code)
}
