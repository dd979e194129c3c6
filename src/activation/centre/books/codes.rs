//! Codes in the books: lists, exports, one by its name.

use rusqlite::{OptionalExtension, Row, params};

use crate::licence::{DAY, Timestamp};

use super::super::codes::bare;
use super::super::columns as column;
use super::super::error::CentreError;
use super::super::rows::{CodeFilter, CodeRow, CodeState, Which};
use super::Books;

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
        let mut conditions = vec!["c.key_no > ?1"];
        if filter.batch.is_some() {
            conditions.push("c.batch = ?2");
        }
        if filter.key_id.is_some() {
            conditions.push("b.key_id = ?3");
        }
        if filter.itn.is_some() {
            conditions.push("c.itn = ?4");
        }
        conditions.extend(filter.state.map(condition));
        // Every parameter is named, so that all can be given whatever the filter.
        let query = format!(
            "{SELECT} WHERE {} AND (?2 IS ?2 AND ?3 IS ?3 AND ?4 IS ?4 AND ?5 IS ?5) ORDER BY c.key_no LIMIT ?6",
            conditions.join(" AND ")
        );
        self.read(|connection| {
            let mut statement = connection.prepare(&query)?;
            let mut rows = statement.query(params![
                filter.after.unwrap_or(0),
                filter.batch,
                filter.key_id.as_ref().map(|key_id| key_id.as_str()),
                filter.itn.as_ref().map(ToString::to_string),
                now.millis(),
                filter
                    .limit
                    .map_or(-1, |limit| i64::try_from(limit).unwrap_or(i64::MAX))
            ])?;
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
        let found = self.read(|connection| match which {
            Which::Code(code) => connection
                .prepare_cached(&format!("{SELECT} WHERE c.code = ?1"))?
                .query_row([bare(code)], |row| read(row, now))
                .optional(),
            Which::KeyNo(key_no) => connection
                .prepare_cached(&format!("{SELECT} WHERE c.key_no = ?1"))?
                .query_row([key_no], |row| read(row, now))
                .optional(),
        })?;
        found.ok_or(CentreError::NoCode)
    }
}

/// The codes in a state, where ?5 is the time.
fn condition(state: CodeState) -> &'static str {
    match state {
        CodeState::New => {
            "c.revoked IS NULL AND c.begun IS NULL AND (b.valid_until IS NULL OR b.valid_until > ?5)"
        }
        CodeState::Expired => "c.revoked IS NULL AND c.begun IS NULL AND b.valid_until <= ?5",
        CodeState::Active => "c.revoked IS NULL AND a.number IS NOT NULL",
        CodeState::Returned => "c.revoked IS NULL AND c.begun IS NOT NULL AND a.number IS NULL",
        CodeState::Revoked => "c.revoked IS NOT NULL",
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
