//! Looks for rows of the audit log, the newest first, a part at a time.

use rusqlite::{Connection, params};

use crate::licence::Timestamp;

use super::audit::{AuditRow, read};

/// Rows that one search looks at: it takes a part of a second.
const LOOKED_AT: i64 = 100_000;

/// What is looked for; what is empty or `None` fits every row.
#[derive(Clone, Debug, Default)]
pub struct AuditSearch {
    /// Part of the object or the details, in either case.
    pub text: String,
    /// The event.
    pub event: String,
    /// Part of who did it, in either case.
    pub actor: String,
    /// From this time on.
    pub from: Option<Timestamp>,
    /// Before this time.
    pub until: Option<Timestamp>,
    /// Rows older than the one of this number.
    pub before: Option<u64>,
    /// So many rows at most.
    pub limit: usize,
}

impl AuditSearch {
    fn fits(&self, row: &AuditRow) -> bool {
        let has =
            |text: &str, part: &str| part.is_empty() || text.to_lowercase().contains(&part.to_lowercase());
        let entry = &row.entry;
        (self.event.is_empty() || entry.event == self.event)
            && has(&entry.actor, &self.actor)
            && (has(&entry.object, &self.text) || has(&entry.detail, &self.text))
            && self.from.is_none_or(|from| entry.time >= from)
            && self.until.is_none_or(|until| entry.time < until)
    }
}

/// A part of what was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FoundAudit {
    /// The newest first.
    pub rows: Vec<AuditRow>,
    /// Where to look on, as [`AuditSearch::before`]; `None`: all was looked at.
    pub rest: Option<u64>,
}

/// Looks for rows. A part may be empty and yet not the last one, for each search looks at a bounded number of rows.
///
/// # Errors
/// As `SQLite` tells them.
pub fn search_audit(connection: &Connection, search: &AuditSearch) -> rusqlite::Result<FoundAudit> {
    let before = search.before.and_then(|seq| i64::try_from(seq).ok());
    let mut statement = connection.prepare(
        "SELECT seq, time, actor, event, object, detail, hash FROM audit WHERE seq < ?1 ORDER BY seq DESC LIMIT ?2",
    )?;
    let mut found = FoundAudit::default();
    let mut looked_at = 0;
    let mut oldest = 0;
    for row in statement.query_map(params![before.unwrap_or(i64::MAX), LOOKED_AT], read)? {
        let row = row?;
        if search.fits(&row) {
            if found.rows.len() == search.limit {
                found.rest = Some(oldest);
                return Ok(found);
            }
            oldest = row.seq;
            found.rows.push(row);
        } else {
            oldest = row.seq;
        }
        looked_at += 1;
    }
    found.rest = (looked_at == LOOKED_AT).then_some(oldest);
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{AuditEntry, Database, append_audit};

    #[test]
    fn rows_are_found_newest_first_and_part_by_part() {
        let dir = tempfile::tempdir().unwrap();
        let mut connection = Database::open(dir.path()).unwrap().connect().unwrap();
        let entry = |n: i64, actor: &str, event: &str, detail: &str| AuditEntry {
            time: Timestamp::from_millis(n * 1000),
            actor: actor.into(),
            event: event.into(),
            object: format!("object {n}"),
            detail: detail.into(),
        };
        let entries = [
            entry(1, "admin@127.0.0.1", "grant", "База Ключ"),
            entry(2, "shop@10.0.0.7", "grant", "100% sure"),
            entry(3, "shop@10.0.0.7", "release", "база_2"),
            entry(4, "node", "start", ""),
        ];
        append_audit(&mut connection, &entries).unwrap();
        let find = |search: AuditSearch| {
            let limit = search.limit.max(1);
            let found = search_audit(&connection, &AuditSearch { limit, ..search }).unwrap();
            let seqs: Vec<_> = found.rows.iter().map(|row| row.seq).collect();
            (seqs, found.rest)
        };
        let all = AuditSearch {
            limit: 9,
            ..AuditSearch::default()
        };
        let with = |change: fn(&mut AuditSearch)| {
            let mut search = all.clone();
            change(&mut search);
            search
        };
        assert_eq!(find(all.clone()), (vec![4, 3, 2, 1], None));
        assert_eq!(find(with(|s| s.text = "БАЗА".into())), (vec![3, 1], None));
        assert_eq!(find(with(|s| s.text = "%".into())), (vec![2], None));
        assert_eq!(find(with(|s| s.text = "Object 3".into())), (vec![3], None));
        assert_eq!(find(with(|s| s.event = "grant".into())), (vec![2, 1], None));
        assert_eq!(find(with(|s| s.actor = "SHOP".into())), (vec![3, 2], None));
        assert_eq!(
            find(with(|s| {
                s.from = Some(Timestamp::from_millis(2000));
                s.until = Some(Timestamp::from_millis(4000));
            })),
            (vec![3, 2], None)
        );
        assert_eq!(find(with(|s| s.limit = 2)), (vec![4, 3], Some(3)));
        assert_eq!(
            find(with(|s| (s.limit, s.before) = (2, Some(3)))),
            (vec![2, 1], None)
        );
        assert_eq!(
            find(with(|s| (s.limit, s.event) = (1, "grant".into()))),
            (vec![2], Some(2))
        );
    }
}
