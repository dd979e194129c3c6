//! The audit log: chain, checkpoints, pruning.

use super::super::Database;
use super::*;

fn log(entries: u64) -> (tempfile::TempDir, Connection) {
    let dir = tempfile::tempdir().unwrap();
    let mut connection = Database::open(dir.path()).unwrap().connect().unwrap();
    for number in 1..=entries {
        append_audit(&mut connection, &[entry(number)]).unwrap();
    }
    (dir, connection)
}

fn entry(number: u64) -> AuditEntry {
    let time = Timestamp::from_millis(i64::try_from(number).unwrap() * 1_000);
    node_entry(time, "grant", &format!("session {number}"), "key 7".into())
}

fn verify(connection: &Connection) -> Result<usize, AuditError> {
    let mut rows = 0;
    verify_audit(
        connection,
        |hash, signature| signature == format!("signed {hash}"),
        |_| rows += 1,
    )?;
    Ok(rows)
}

#[test]
fn an_untouched_log_verifies_and_a_changed_missing_or_added_row_is_found() {
    let (_dir, connection) = log(10);
    assert_eq!(verify(&connection).unwrap(), 10);
    for (change, row) in [
        ("UPDATE audit SET detail = 'key 8' WHERE seq = 4", 4),
        ("DELETE FROM audit WHERE seq = 4", 5),
        ("DELETE FROM audit WHERE seq < 4", 4),
        (
            "INSERT INTO audit SELECT 11, time, actor, event, object, detail, hash FROM audit WHERE seq = 10",
            11,
        ),
    ] {
        connection
            .execute_batch(&format!("SAVEPOINT s; {change}"))
            .unwrap();
        assert!(
            matches!(verify(&connection), Err(AuditError::Broken(found)) if found == row),
            "{change}"
        );
        connection.execute_batch("ROLLBACK TO s; RELEASE s").unwrap();
    }
}

#[test]
fn a_checkpoint_signs_what_is_before_it_once() {
    let (_dir, mut connection) = log(3);
    for _ in 0..2 {
        checkpoint_audit(&mut connection, Timestamp::default(), |hash| {
            Some(format!("signed {hash}"))
        })
        .unwrap();
    }
    assert_eq!(verify(&connection).unwrap(), 4);
    connection
        .execute("UPDATE audit SET detail = 'forged' WHERE seq = 4", [])
        .unwrap();
    assert!(verify(&connection).is_err());
    let (_dir, mut connection) = log(3);
    checkpoint_audit(&mut connection, Timestamp::default(), |_| Some("forged".into())).unwrap();
    assert!(matches!(verify(&connection), Err(AuditError::Checkpoint(4))));
}

#[test]
fn what_is_written_while_a_checkpoint_is_signed_is_signed_by_the_next() {
    let (dir, mut connection) = log(3);
    let mut other = Database::open(dir.path()).unwrap().connect().unwrap();
    let sign = |hash: &str| Some(format!("signed {hash}"));
    checkpoint_audit(&mut connection, Timestamp::default(), |hash| {
        append_audit(&mut other, &[entry(4)]).unwrap();
        sign(hash)
    })
    .unwrap();
    assert_eq!(verify(&connection).unwrap(), 5);
    checkpoint_audit(&mut connection, Timestamp::default(), sign).unwrap();
    checkpoint_audit(&mut connection, Timestamp::default(), sign).unwrap();
    assert_eq!(verify(&connection).unwrap(), 6);
}

#[test]
fn old_rows_go_and_the_rest_still_verifies() {
    let (_dir, mut connection) = log(10);
    let time = Timestamp::from_millis(6_000);
    prune_audit(&mut connection, time, time).unwrap();
    prune_audit(&mut connection, time, time).unwrap();
    assert_eq!(verify(&connection).unwrap(), 6);
    prune_audit(&mut connection, Timestamp::from_millis(i64::MAX), time).unwrap();
    assert_eq!(verify(&connection).unwrap(), 2);
}
