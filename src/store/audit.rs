//! The audit log: who did what, in rows that are chained by SHA-256, so that none can be changed or taken out
//! unnoticed; checkpoints are signed by the node's key.

use rusqlite::{Connection, OptionalExtension, Row, params};
use sha2::{Digest, Sha256};

use crate::licence::Timestamp;
use crate::text::hex;

/// Hash of a row, over the row before it and its own fields.
pub type ChainHash = [u8; 32];

/// SQL of the table of an audit log, to be put together with others.
macro_rules! audit_table {
    () => {
        "
    CREATE TABLE audit (
        seq INTEGER PRIMARY KEY,
        time INTEGER NOT NULL,
        actor TEXT NOT NULL,
        event TEXT NOT NULL,
        object TEXT NOT NULL,
        detail TEXT NOT NULL,
        hash BLOB NOT NULL
    ) STRICT;
"
    };
}
pub(super) use audit_table;

/// The table of an audit log, as a first step of a schema.
pub const AUDIT_TABLE: &str = audit_table!();

/// What the first row is chained to.
const ORIGIN: ChainHash = [0; 32];

/// Event of a row that signs the chain so far.
const CHECKPOINT: &str = "checkpoint";

/// What stands before the hash where a checkpoint is signed; a reader of the log checks it under the same name.
pub const CHECKPOINT_NAME: &[u8] = b"keynode audit checkpoint ";

/// Event of a row that says which rows were removed for their age.
const PRUNED: &str = "pruned";

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditEntry {
    /// When.
    pub time: Timestamp,
    /// Who did it: a user and where from, or `node`.
    pub actor: String,
    /// What: `grant`, `refusal`, `release`, `key`, `login-failure`, `settings`, …
    pub event: String,
    /// To what: a session, a key, a setting.
    pub object: String,
    /// The rest, in words.
    pub detail: String,
}

/// Who changes something from outside of a running node, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Author {
    /// When.
    pub time: Timestamp,
    /// Who.
    pub name: String,
}

impl Author {
    /// The entry for something that this author did.
    pub fn did(&self, event: &str, object: impl Into<String>, detail: impl Into<String>) -> AuditEntry {
        let (time, actor) = (self.time, self.name.clone());
        AuditEntry {
            time,
            actor,
            event: event.into(),
            object: object.into(),
            detail: detail.into(),
        }
    }
}

/// An entry in its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditRow {
    /// Its number.
    pub seq: u64,
    /// The entry.
    pub entry: AuditEntry,
    /// Its link of the chain.
    pub hash: ChainHash,
}

/// Where the log and its chain part.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    /// A row was changed, or one before it is missing.
    #[error("row {0} does not fit the chain: it was changed, or a row before it is missing")]
    Broken(u64),
    /// A checkpoint's signature is not by the node's key.
    #[error("the checkpoint in row {0} is not signed by the node's key")]
    Checkpoint(u64),
    /// The log cannot be read.
    #[error("the audit log cannot be read: {0}")]
    Sqlite(#[from] rusqlite::Error),
}

/// Appends entries, inside the caller's transaction.
///
/// # Errors
/// As `SQLite` tells them.
pub fn append(connection: &Connection, entries: &[AuditEntry]) -> rusqlite::Result<()> {
    if entries.is_empty() {
        return Ok(());
    }
    let (mut seq, mut hash) = head(connection)?;
    let mut insert = connection.prepare_cached(
        "INSERT INTO audit (seq, time, actor, event, object, detail, hash) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )?;
    for entry in entries {
        seq += 1;
        hash = link(&hash, seq, entry);
        insert.execute(params![
            seq,
            entry.time.millis(),
            entry.actor,
            entry.event,
            entry.object,
            entry.detail,
            hash
        ])?;
    }
    Ok(())
}

/// Appends entries of a process that is not the node, or of a part of it that has no transaction of its own.
///
/// # Errors
/// As `SQLite` tells them.
pub fn append_audit(connection: &mut Connection, entries: &[AuditEntry]) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    append(&transaction, entries)?;
    transaction.commit()
}

/// Signs the chain as it stands, where anything was written since the last checkpoint. `sign` gets the hash of
/// the last row in hexadecimal digits and gives the signature in Base64. Others may write while it works, for it may
/// be slow: the checkpoint says up to which row it signs.
///
/// # Errors
/// As `SQLite` tells them; those of `sign` leave the log as it is.
pub fn checkpoint_audit(
    connection: &mut Connection,
    now: Timestamp,
    sign: impl FnOnce(&str) -> Option<String>,
) -> rusqlite::Result<()> {
    let last = connection
        .query_row(
            "SELECT seq, hash, event, object FROM audit ORDER BY seq DESC LIMIT 1",
            [],
            |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)),
        )
        .optional()?;
    let Some((seq, hash, event, object)): Option<(u64, ChainHash, String, String)> = last else {
        return Ok(());
    };
    if event == CHECKPOINT && object == rows_to(seq - 1) {
        return Ok(());
    }
    let Some(signature) = sign(&hex(&hash)) else {
        return Ok(());
    };
    append_audit(
        connection,
        &[node_entry(now, CHECKPOINT, &rows_to(seq), signature)],
    )
}

/// Removes rows from before `oldest`; the chain then begins at the first row that is left.
///
/// # Errors
/// As `SQLite` tells them.
pub fn prune_audit(connection: &mut Connection, oldest: Timestamp, now: Timestamp) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    // Rows go in their order: a clock that jumped must not leave a gap.
    let keep: Option<u64> = transaction.query_row(
        "SELECT min(seq) FROM audit WHERE time >= ?1",
        [oldest.millis()],
        |row| row.get(0),
    )?;
    let (last, _) = head(&transaction)?;
    let keep = keep.unwrap_or(last);
    let removed = transaction.execute("DELETE FROM audit WHERE seq < ?1", [keep])?;
    if removed > 0 {
        let detail = format!("{removed} rows from before {oldest}");
        append(
            &transaction,
            &[node_entry(now, PRUNED, &pruned_before(keep), detail)],
        )?;
    }
    transaction.commit()
}

/// Calls `visit` with each row in order, after its link was checked; `signed` says whether a checkpoint's
/// signature fits the hash before it, in hexadecimal digits. The first row that is left is taken as given.
///
/// # Errors
/// [`AuditError`] names the first row that does not fit.
pub fn verify_audit(
    connection: &Connection,
    signed: impl Fn(&str, &str) -> bool,
    mut visit: impl FnMut(&AuditRow),
) -> Result<(), AuditError> {
    let mut before: Option<(u64, ChainHash)> = None;
    // A log that does not begin with row 1 must say itself what was removed.
    let first: Option<u64> = connection.query_row("SELECT min(seq) FROM audit", [], |row| row.get(0))?;
    let mut unexplained = first.filter(|seq| *seq > 1);
    let mut statement = connection.prepare(SELECT)?;
    let mut hash_of = connection.prepare("SELECT hash FROM audit WHERE seq = ?1")?;
    for row in statement.query_map([], read)? {
        let row = row?;
        let expected = match before {
            Some((seq, hash)) if row.seq == seq + 1 => Some(link(&hash, row.seq, &row.entry)),
            Some(_) => None,
            None if row.seq == 1 => Some(link(&ORIGIN, 1, &row.entry)),
            // Those before it were removed for their age.
            None => Some(row.hash),
        };
        if expected != Some(row.hash) {
            return Err(AuditError::Broken(row.seq));
        }
        if row.entry.event == CHECKPOINT && before.is_some() {
            match signed_row(&row.entry.object).filter(|seq| *seq < row.seq) {
                // It is gone for its age.
                Some(seq) if first.is_some_and(|first| seq < first) => {}
                Some(seq)
                    if signed(
                        &hex(&hash_of.query_row([seq], |row| row.get::<_, ChainHash>(0))?),
                        &row.entry.detail,
                    ) => {}
                _ => return Err(AuditError::Checkpoint(row.seq)),
            }
        }
        if row.entry.event == PRUNED && unexplained.map(pruned_before).as_ref() == Some(&row.entry.object) {
            unexplained = None;
        }
        visit(&row);
        before = Some((row.seq, row.hash));
    }
    unexplained.map_or(Ok(()), |seq| Err(AuditError::Broken(seq)))
}

const SELECT: &str = "SELECT seq, time, actor, event, object, detail, hash FROM audit ORDER BY seq";

pub(super) fn read(row: &Row<'_>) -> rusqlite::Result<AuditRow> {
    let entry = AuditEntry {
        time: Timestamp::from_millis(row.get(1)?),
        actor: row.get(2)?,
        event: row.get(3)?,
        object: row.get(4)?,
        detail: row.get(5)?,
    };
    Ok(AuditRow {
        seq: row.get(0)?,
        entry,
        hash: row.get(6)?,
    })
}

fn pruned_before(seq: u64) -> String {
    format!("rows before {seq}")
}

fn rows_to(seq: u64) -> String {
    format!("rows to {seq}")
}

/// Up to which row a checkpoint signs.
fn signed_row(object: &str) -> Option<u64> {
    object.strip_prefix("rows to ")?.parse().ok()
}

/// Number and hash of the last row.
fn head(connection: &Connection) -> rusqlite::Result<(u64, ChainHash)> {
    let last = connection
        .prepare_cached("SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1")?
        .query_row([], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    Ok(last.unwrap_or((0, ORIGIN)))
}

/// Lengths go in before texts, so that no two entries give the same bytes.
fn link(before: &ChainHash, seq: u64, entry: &AuditEntry) -> ChainHash {
    let mut hash = Sha256::new();
    hash.update(before);
    hash.update(seq.to_be_bytes());
    hash.update(entry.time.millis().to_be_bytes());
    for text in [&entry.actor, &entry.event, &entry.object, &entry.detail] {
        hash.update((text.len() as u64).to_be_bytes());
        hash.update(text);
    }
    hash.finalize().into()
}

fn node_entry(time: Timestamp, event: &str, object: &str, detail: String) -> AuditEntry {
    AuditEntry {
        time,
        actor: "node".into(),
        event: event.into(),
        object: object.into(),
        detail,
    }
}

#[cfg(test)]
#[path = "audit_tests.rs"]
mod tests;
