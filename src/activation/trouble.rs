//! What becomes of an activation's record when something went wrong: the words for it, and when to try again. Pure.

use crate::licence::{ActivationCode, DAY, KeyNo, Timestamp};
use crate::store::ActivationRow;

use super::answer::Refusal;
use super::order::ActivationError;
use super::request::Action;

const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;

/// Milliseconds to wait after this many failures in a row: a minute, doubled each time, an hour at most; and up to an
/// eighth more, so that nodes that failed together do not come back together.
pub(super) fn back_off(code: &ActivationCode, failures: u32) -> i64 {
    let wait = wait_after(failures);
    wait + spread(code, wait / 8)
}

/// As [`back_off`], without the spread.
pub(super) fn wait_after(failures: u32) -> i64 {
    (MINUTE << failures.saturating_sub(1).min(6)).min(HOUR)
}

/// A number below `width` that differs from code to code.
pub(super) fn spread(code: &ActivationCode, width: i64) -> i64 {
    let hash = code
        .as_str()
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
    let hash = i64::try_from(hash >> 1).unwrap_or(0);
    if width > 0 { hash % width } else { 0 }
}

/// How a request came to nothing.
pub(super) struct Failed<'a> {
    pub(super) action: Action,
    /// Whether the licence works here.
    pub(super) works: bool,
    pub(super) error: &'a ActivationError,
    /// Whether the centre may have taken it all the same: it is to be repeated then.
    pub(super) open: bool,
    /// The computer that asked.
    pub(super) computer_id: &'a str,
    pub(super) now: Timestamp,
}

/// The record after a failure; none where nothing is left to remember.
pub(super) fn after(mut row: ActivationRow, failed: &Failed<'_>) -> Option<ActivationRow> {
    if !failed.open {
        row.pending = None;
        // A code that never became a licence here.
        row.key_no?;
        if failed.works && failed.action == Action::Activate {
            // Somebody wanted more than he has, and was told: with what he has nothing is wrong.
            return Some(row);
        }
    }
    row.failures = row.failures.saturating_add(1);
    row.trouble = Some(words(row.key_no, failed));
    let wait = match failed.error {
        ActivationError::Refused(Refusal::TooMany { seconds }) => i64::try_from(*seconds)
            .unwrap_or(HOUR)
            .saturating_mul(1000)
            .max(MINUTE),
        ActivationError::Refused(Refusal::Unavailable(_)) => back_off(&row.code, row.failures),
        ActivationError::Refused(_) => {
            if failed.action == Action::Activate {
                row.refused_for = Some(failed.computer_id.to_owned());
            }
            DAY
        }
        _ => back_off(&row.code, row.failures),
    };
    row.next = Some(failed.now.plus(wait));
    Some(row)
}

fn words(key_no: Option<KeyNo>, failed: &Failed<'_>) -> String {
    let what = match failed.action {
        Action::Activate if key_no.is_none() => "it could not be activated",
        Action::Activate => "it could not be activated again",
        Action::Renew => "it could not be renewed",
        Action::Return => "it could not be returned",
    };
    let way = match (failed.error, key_no) {
        (ActivationError::Refused(refusal), Some(key_no)) => way(refusal, key_no),
        _ => String::new(),
    };
    format!("{what}: {}{way}", failed.error)
}

/// What helps where a centre has refused.
fn way(refusal: &Refusal, key_no: KeyNo) -> String {
    let bring = format!("keynode activation move {key_no}");
    match refusal {
        Refusal::Used => format!("; with it: {bring} --recovery RECOVERYCODE"),
        Refusal::NoMoves { .. } => format!(
            "; with it: {bring} --recovery RECOVERYCODE; once the vendor allows more moves: {bring}, or this node does \
             so by itself within a day"
        ),
        Refusal::NotHere => format!(
            "; to have it here again: keynode activation activate CODE --itn N --again; to forget it: keynode activation \
             forget {key_no}"
        ),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_from_a_minute_to_an_hour() {
        let code = ActivationCode::parse("4345-9320-2035-7421-5361").unwrap();
        let mut last = 0;
        for failures in 1..40 {
            let wait = back_off(&code, failures);
            assert!(
                wait >= last && (MINUTE..=HOUR + HOUR / 8).contains(&wait),
                "{wait}"
            );
            last = wait;
        }
        assert!(last >= HOUR);
    }
}
