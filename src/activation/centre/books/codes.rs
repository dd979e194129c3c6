//! Codes in the books: lists, exports, one by its name.

use rusqlite::{OptionalExtension, Row, params_from_iter};

use crate::licence::{DAY, Timestamp};

use super::super::columns as column;
use super::super::error::CentreError;
use super::super::rows::{CodeFilter, CodeRow, CodeState, Which};
use super::Books;
use super::conditions::Conditions;

/// What a [`CodeRow`] is read from.
const SELECT: &str = "SELECT c.*, coalesce(b.reg_no, c.key_no - centre.base) AS reg_no, b.key_id, b.valid_until, \
     coalesce(c.moves, s.moves) AS own_moves, a.number IS NOT NULL AS active, a.cloned IS NOT NULL AS is_cloned \
     FROM codes AS c JOIN batches AS b ON b.number = c.batch JOIN series AS s ON s.key_id = b.key_id \
     JOIN centre ON centre.one = 1 LEFT JOIN activations AS a ON a.key_no = c.key_no AND a.ended IS NULL";

impl Books {
    /// Codes; `now` tells expired ones.
    ///
    /// # Errors
    /// [`CentreError::Store`].
    pub fn codes(&self, filter: &CodeFilter, now: Timestamp) -> Result<Vec<CodeRow>, CentreError> {
        let mut rows = Vec::new();
        self.export(filter, now, |row| {
            rows.push(row.clone());
            true
        })?;
        Ok(rows)
    }

    /// As [`Books::codes`], without holding them all in memory; `visit` ends it by false.
    ///
    /// # Errors
    /// [`CentreError::Store`].
    pub fn export(
        &self,
        filter: &CodeFilter,
        now: Timestamp,
        mut visit: impl FnMut(&CodeRow) -> bool,
    ) -> Result<(), CentreError> {
        let mut conditions = Conditions::default();
        conditions.add("c.key_no > ?", filter.after);
        conditions.add("c.batch = ?", filter.batch);
        conditions.add("b.key_id = ?", filter.key_id.map(|key_id| key_id.to_string()));
        conditions.add("c.itn = ?", filter.itn.as_ref().map(ToString::to_string));
        match filter.state {
            Some(CodeState::New) => {
                conditions.require("c.revoked IS NULL AND c.begun IS NULL");
                conditions.add("coalesce(b.valid_until > ?, TRUE)", Some(now.millis()));
            }
            Some(CodeState::Expired) => {
                conditions.require("c.revoked IS NULL AND c.begun IS NULL");
                conditions.add("b.valid_until <= ?", Some(now.millis()));
            }
            Some(CodeState::Active) => conditions.require("c.revoked IS NULL AND a.number IS NOT NULL"),
            Some(CodeState::Returned) => {
                conditions.require("c.revoked IS NULL AND c.begun IS NOT NULL AND a.number IS NULL");
            }
            Some(CodeState::Revoked) => conditions.require("c.revoked IS NOT NULL"),
            None => {}
        }
        let (tail, values) = conditions.ordered("c.key_no", filter.limit);
        let query = format!("{SELECT} {tail}");
        self.read(|connection| {
            let mut statement = connection.prepare(&query)?;
            let mut rows = statement.query(params_from_iter(values))?;
            while let Some(row) = rows.next()? {
                if !visit(&read(row, now)?) {
                    break;
                }
            }
            Ok(())
        })
    }

    /// One code.
    ///
    /// # Errors
    /// [`CentreError::NoCode`].
    pub fn find(&self, which: &Which, now: Timestamp) -> Result<CodeRow, CentreError> {
        let (condition, name) = match which {
            Which::Code(code) => ("c.tag = ?1", self.codes.tag(code)),
            Which::KeyNo(key_no) => ("c.key_no = ?1", i64::try_from(*key_no).ok()),
        };
        let query = format!("{SELECT} WHERE {condition}");
        let found = self.read(|connection| {
            let mut statement = connection.prepare_cached(&query)?;
            statement.query_row([name], |row| read(row, now)).optional()
        })?;
        let meant = |row: &CodeRow| match which {
            Which::Code(code) => row.code == *code,
            Which::KeyNo(_) => true,
        };
        let found = found.filter(meant);
        found.ok_or(CentreError::NoCode)
    }
}

fn read(row: &Row<'_>, now: Timestamp) -> rusqlite::Result<CodeRow> {
    let valid_until = column::maybe_time(row, "valid_until")?;
    let revoked = column::maybe_time(row, "revoked")?;
    let begun = column::maybe_time(row, "begun")?;
    let period: u32 = row.get("period")?;
    let state = match (revoked, begun, row.get("active")?) {
        (Some(_), ..) => CodeState::Revoked,
        (None, _, true) => CodeState::Active,
        (None, Some(_), false) => CodeState::Returned,
        (None, None, false) if valid_until.is_some_and(|until| until <= now) => CodeState::Expired,
        (None, None, false) => CodeState::New,
    };
    Ok(CodeRow {
        code: column::code(row, "code")?,
        key_no: row.get("key_no")?,
        reg_no: row.get("reg_no")?,
        key_id: column::key_id(row, "key_id")?,
        batch: row.get("batch")?,
        state,
        itn: column::itn(row, "itn")?,
        iec: column::iec(row, "iec")?,
        valid_until,
        renew_until: column::maybe_time(row, "renew_until")?,
        expires: begun
            .filter(|_| period > 0)
            .map(|begun| begun.plus(i64::from(period) * DAY)),
        moves: row.get("own_moves")?,
        revoked,
        cloned: row.get("is_cloned")?,
    })
}
