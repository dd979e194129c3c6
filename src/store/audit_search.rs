//! Looks for rows of the audit log, the newest first, a part at a time.

use rusqlite::{Connection, params};

use crate::licence::{DAY, Timestamp};

use super::audit::{AuditRow, read};

/// Rows that one search looks at: it takes a part of a second.
const LOOKED_AT: u32 = 100_000;

/// The clock was set back by less than this wherever rows are not in the order of their times, in milliseconds.
const JUMP: i64 = DAY;

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
    /// Rows that are looked at, at most; `None`: 100,000.
    pub look_at: Option<u32>,
}

impl AuditSearch {
    /// The same with its texts in lower case.
    fn lowered(&self) -> Self {
        Self {
            text: self.text.to_lowercase(),
            actor: self.actor.to_lowercase(),
            ..self.clone()
        }
    }

    /// Of a search in lower case.
    fn fits(&self, row: &AuditRow) -> bool {
        let has = |text: &str, part: &str| part.is_empty() || text.to_lowercase().contains(part);
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
    /// Rows that were looked at.
    pub looked_at: u32,
}

/// Looks for rows. A part may be empty and yet not the last one, for each search looks at a bounded number of rows; of those
/// that were written long before or after the time that is asked for, at none.
///
/// # Errors
/// As `SQLite` tells them.
pub fn search_audit(connection: &Connection, search: &AuditSearch) -> rusqlite::Result<FoundAudit> {
    let (most, wanted) = (search.look_at.unwrap_or(LOOKED_AT), search.lowered());
    let before = search.before.and_then(|seq| i64::try_from(seq).ok());
    let mut before = before.unwrap_or(i64::MAX);
    if let Some(until) = search.until {
        before = before.min(first_from(connection, until.plus(JUMP))?);
    }
    let oldest_wanted = search.from.map(|from| from.plus(-JUMP));
    let mut statement = connection.prepare(
        "SELECT seq, time, actor, event, object, detail, hash FROM audit WHERE seq < ?1 ORDER BY seq DESC LIMIT ?2",
    )?;
    let mut found = FoundAudit::default();
    let mut oldest = 0;
    for row in statement.query_map(params![before, most], read)? {
        let row = row?;
        if oldest_wanted.is_some_and(|time| row.entry.time < time) {
            return Ok(found);
        }
        found.looked_at += 1;
        let fits = wanted.fits(&row);
        if fits && found.rows.len() == search.limit {
            found.rest = Some(oldest);
            return Ok(found);
        }
        oldest = row.seq;
        if fits {
            found.rows.push(row);
        }
    }
    found.rest = (found.looked_at == most).then_some(oldest);
    Ok(found)
}

/// Number of the first row of this time or a later one, taking rows to be in the order of their times.
fn first_from(connection: &Connection, time: Timestamp) -> rusqlite::Result<i64> {
    let ends = "SELECT coalesce(min(seq), 0), coalesce(max(seq), 0) + 1 FROM audit";
    let (mut low, mut high) =
        connection.query_row(ends, [], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?)))?;
    let mut at = connection.prepare("SELECT time FROM audit WHERE seq >= ?1 ORDER BY seq LIMIT 1")?;
    while low < high {
        let middle = low + (high - low) / 2;
        if at.query_row([middle], |row| row.get::<_, i64>(0))? < time.millis() {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    Ok(low)
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

    #[test]
    fn a_day_is_found_however_many_rows_came_after_it() {
        let dir = tempfile::tempdir().unwrap();
        let mut connection = Database::open(dir.path()).unwrap().connect().unwrap();
        let entry = |hour: i64| AuditEntry {
            time: Timestamp::from_millis(hour * DAY / 24),
            actor: "node".into(),
            event: "grant".into(),
            object: hour.to_string(),
            detail: String::new(),
        };
        let entries: Vec<_> = (0..1000).map(entry).collect();
        append_audit(&mut connection, &entries).unwrap();
        let day = |day: i64, look_at| AuditSearch {
            from: Some(Timestamp::from_millis(day * DAY)),
            until: Some(Timestamp::from_millis((day + 1) * DAY)),
            limit: 100,
            look_at: Some(look_at),
            ..AuditSearch::default()
        };
        // A day's rows, and those of a day around it: the clock may have been set.
        let found = search_audit(&connection, &day(3, 100)).unwrap();
        assert_eq!((found.rows.len(), found.rest), (24, None));
        assert_eq!((found.rows[0].seq, found.looked_at), (96, 72));
        // Nothing is there yet where nothing fits, and it is said where to look on.
        let found = search_audit(&connection, &day(3, 20)).unwrap();
        assert_eq!(
            (found.rows.len(), found.rest, found.looked_at),
            (0, Some(101), 20)
        );
        let found = search_audit(&connection, &day(400, 100)).unwrap();
        assert_eq!((found.rows.len(), found.rest), (0, None));
    }
}
