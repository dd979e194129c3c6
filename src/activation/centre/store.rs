//! Records in the database: read whole, written where they changed.

use rusqlite::{Connection, OptionalExtension, Row, params};
use sha2::{Digest, Sha256};

use crate::activation::{Nonce, Request};
use crate::licence::{ActivationCode, DAY, Iec, KeyNo, Revocation, Timestamp};

use super::codes::{SECRET, Tag, bare};
use super::columns as column;
use super::record::{Activation, Holder, Record, Recovery};

/// Moves from before are not looked up.
const YEAR: i64 = 365 * DAY;

/// The hash that a recovery code is kept as.
pub(super) fn hash(code: &ActivationCode) -> [u8; 32] {
    Sha256::digest(bare(code)).into()
}

/// The first 16 hexadecimal digits of the SHA-256 of a node's key, for people.
pub(super) fn short(node_key: &[u8; 32]) -> String {
    let mut digits = format!("{:x}", Sha256::digest(node_key));
    digits.truncate(16);
    digits
}

/// The centre's secret.
pub(super) fn secret(connection: &Connection) -> rusqlite::Result<[u8; SECRET]> {
    connection.query_row("SELECT secret FROM centre", [], |row| row.get(0))
}

/// The record of a code as a request about it needs it; none where there is no such code.
pub(super) fn load(
    connection: &Connection,
    request: &Request,
    tag: Tag,
    now: Timestamp,
) -> rusqlite::Result<Option<Record>> {
    let found = find(connection, "c.tag = ?1", tag, now)?;
    let Some(mut record) = found.filter(|record| record.code == request.code) else {
        return Ok(None);
    };
    let answered = connection
        .prepare_cached("SELECT 1 FROM answered WHERE key_no = ?1 AND nonce = ?2")?
        .exists(params![record.key_no, request.nonce.bytes()])?;
    if answered {
        record.answered.push(request.nonce);
    }
    if let Some(code) = &request.recovery {
        let found = connection
            .prepare_cached("SELECT until, used FROM recoveries WHERE key_no = ?1 AND hash = ?2")?
            .query_row(params![record.key_no, hash(code)], |row| {
                Ok(Recovery {
                    code: code.clone(),
                    until: column::time(row, "until")?,
                    used: row.get("used")?,
                })
            })
            .optional()?;
        record.recoveries.extend(found);
    }
    Ok(Some(record))
}

/// The record of a key, without anything that only a request needs.
pub(super) fn load_key(
    connection: &Connection,
    key_no: KeyNo,
    now: Timestamp,
) -> rusqlite::Result<Option<Record>> {
    find(connection, "c.key_no = ?1", key_no, now)
}

fn find(
    connection: &Connection,
    condition: &str,
    name: impl rusqlite::ToSql,
    now: Timestamp,
) -> rusqlite::Result<Option<Record>> {
    let query = format!(
        "SELECT c.key_no, c.code, coalesce(b.reg_no, c.key_no - centre.base) AS reg_no, c.itn, c.iec, c.bound, b.valid_until, \
         c.revoked, c.renew_until, coalesce(c.moves, s.moves) AS own_moves, c.begun, c.period AS own_period, r.until, r.reason, \
         {}, {} FROM codes AS c JOIN batches AS b ON b.number = c.batch JOIN series AS s ON s.key_id = b.key_id \
         JOIN products AS p ON p.article = s.article JOIN centre ON centre.one = 1 \
         LEFT JOIN revocations AS r ON r.key_no = c.key_no WHERE {condition}",
        column::SERIES,
        column::PRODUCT,
    );
    let found = connection
        .prepare_cached(&query)?
        .query_row([name], record)
        .optional()?;
    let Some(mut record) = found else {
        return Ok(None);
    };
    let mut places = connection
        .prepare_cached("SELECT * FROM activations WHERE key_no = ?1 ORDER BY number DESC LIMIT 2")?;
    for place in places.query_map([record.key_no], activation)? {
        let place = place?;
        if place.ended.is_none() {
            record.current = Some(place);
        } else if record.last.is_none() {
            record.last = Some(place);
        }
    }
    record.moved = connection
        .prepare_cached(
            "SELECT started FROM activations WHERE key_no = ?1 AND counted AND started > ?2 ORDER BY started",
        )?
        .query_map(params![record.key_no, now.plus(-YEAR).millis()], |row| {
            column::time(row, "started")
        })?
        .collect::<Result<_, _>>()?;
    Ok(Some(record))
}

fn record(row: &Row<'_>) -> rusqlite::Result<Record> {
    let revocation = match column::maybe_time(row, "until")? {
        Some(until) => Some(Revocation(until, column::reason(row, "reason")?)),
        None => None,
    };
    Ok(Record {
        code: column::code(row, "code")?,
        key_no: row.get("key_no")?,
        reg_no: row.get("reg_no")?,
        product: column::product(row)?,
        series: column::series(row)?,
        holder: Holder {
            itn: column::itn(row, "itn")?,
            iec: column::iec(row, "iec")?,
            bound: row.get("bound")?,
        },
        valid_until: column::maybe_time(row, "valid_until")?,
        revoked: column::maybe_time(row, "revoked")?,
        renew_until: column::maybe_time(row, "renew_until")?,
        moves: row.get("own_moves")?,
        begun: column::maybe_time(row, "begun")?,
        period: row.get("own_period")?,
        revocation,
        current: None,
        last: None,
        moved: Vec::new(),
        answered: Vec::new(),
        recoveries: Vec::new(),
    })
}

fn activation(row: &Row<'_>) -> rusqlite::Result<Activation> {
    let returned: Option<[u8; 16]> = row.get("returned")?;
    Ok(Activation {
        number: row.get("number")?,
        node_key: row.get("node_key")?,
        document: column::json(row, "document")?,
        version: row.get("version")?,
        heads: column::json(row, "heads")?,
        counted: row.get("counted")?,
        cloned: column::maybe_json(row, "cloned")?,
        first_address: column::parsed(row, "first_address")?,
        last_address: column::parsed(row, "last_address")?,
        last_seen: column::time(row, "last_seen")?,
        ended: column::ended(row)?,
        returned: returned.map(Nonce::from_bytes),
    })
}

/// Writes what changed of a record, inside the caller's transaction.
pub(super) fn save(
    connection: &Connection,
    before: &Record,
    after: &Record,
    now: Timestamp,
) -> rusqlite::Result<()> {
    let key_no = after.key_no;
    let fixed = |record: &Record| {
        let Holder { itn, iec, bound } = record.holder.clone();
        (itn, iec, bound, record.revoked, record.begun, record.period)
    };
    if fixed(before) != fixed(after) {
        let (itn, iec, bound, revoked, begun, period) = fixed(after);
        connection
            .prepare_cached(
                "UPDATE codes SET itn = ?2, iec = ?3, bound = ?4, revoked = ?5, begun = ?6, period = ?7 WHERE key_no = ?1",
            )?
            .execute(params![
                key_no,
                itn.map(|itn| itn.to_string()),
                iec.as_ref().map(Iec::as_str),
                bound,
                column::millis(revoked),
                column::millis(begun),
                period
            ])?;
    }
    let known = [&before.current, &before.last];
    // That which ended first: a code has one that has not.
    for place in [&after.last, &after.current].into_iter().flatten() {
        if !known.iter().any(|known| known.as_ref() == Some(place)) {
            write(connection, key_no, place)?;
        }
    }
    if let Some(Revocation(until, reason)) =
        after.revocation.filter(|_| after.revocation != before.revocation)
    {
        connection
            .prepare_cached("INSERT OR REPLACE INTO revocations (key_no, until, reason) VALUES (?1, ?2, ?3)")?
            .execute(params![key_no, until.millis(), column::reason_name(reason)])?;
        renumber_list(connection, now)?;
    }
    for nonce in &after.answered {
        if !before.answered.contains(nonce) {
            connection
                .prepare_cached("INSERT INTO answered (key_no, nonce) VALUES (?1, ?2)")?
                .execute(params![key_no, nonce.bytes()])?;
        }
    }
    for recovery in after.recoveries.iter().filter(|recovery| recovery.used) {
        connection
            .prepare_cached("UPDATE recoveries SET used = 1 WHERE key_no = ?1 AND hash = ?2")?
            .execute(params![key_no, hash(&recovery.code)])?;
    }
    Ok(())
}

/// The list of revocations has another number from now on: the time in milliseconds, so that the list of a centre that was
/// restored from a backup is newer than all that were given out before.
pub(super) fn renumber_list(connection: &Connection, now: Timestamp) -> rusqlite::Result<()> {
    connection
        .prepare_cached("UPDATE centre SET list = max(list + 1, ?1)")?
        .execute([now.millis()])?;
    Ok(())
}

fn write(connection: &Connection, key_no: KeyNo, place: &Activation) -> rusqlite::Result<()> {
    let row = (place.number > 0).then_some(place.number);
    let (ended, end) = place.ended.unzip();
    connection
        .prepare_cached(
            "INSERT INTO activations (number, key_no, started, node_key, document, version, heads, counted, cloned, \
             first_address, last_address, last_seen, ended, end, returned) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15) \
             ON CONFLICT (number) DO UPDATE SET node_key = excluded.node_key, document = excluded.document, \
             version = excluded.version, heads = excluded.heads, cloned = excluded.cloned, \
             last_address = excluded.last_address, last_seen = excluded.last_seen, ended = excluded.ended, \
             end = excluded.end, returned = excluded.returned",
        )?
        .execute(params![
            row,
            key_no,
            place.document.activation_date.millis(),
            place.node_key,
            column::to_json(&place.document),
            place.version,
            column::to_json(&place.heads),
            place.counted,
            place.cloned.as_ref().map(column::to_json),
            place.first_address.to_string(),
            place.last_address.to_string(),
            place.last_seen.millis(),
            column::millis(ended),
            end.map(column::end_name),
            place.returned.as_ref().map(Nonce::bytes)
        ])?;
    Ok(())
}
