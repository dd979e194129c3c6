//! How long a key has been missing under its sessions (spec, row 33): counted in total, so that a key that
//! comes and goes does not renew its grace each time, and forgotten once it has been back for as long.

use crate::clock::Millis;

/// The account of one key.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Absence {
    /// Time missing in earlier absences.
    spent: Millis,
    /// The present absence began then.
    since: Option<Millis>,
    /// The last absence ended then.
    back: Option<Millis>,
}

impl Absence {
    /// Notes whether the key is missing now.
    pub(super) fn note(&mut self, now: Millis, missing: bool, grace: Millis) {
        match (self.since, missing) {
            (None, true) => {
                if self.back.is_some_and(|back| now.saturating_sub(back) >= grace) {
                    self.spent = 0;
                }
                self.since = Some(now);
            }
            (Some(since), false) => {
                self.spent = (self.spent + now.saturating_sub(since)).min(grace);
                self.since = None;
                self.back = Some(now);
            }
            _ => {}
        }
    }

    /// When the grace of a missing key ends.
    pub(super) fn deadline(&self, grace: Millis) -> Option<Millis> {
        self.since.map(|since| since + grace.saturating_sub(self.spent))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn absences_add_up_until_the_key_has_been_back_for_as_long() {
        let mut absence = Absence::default();
        absence.note(0, true, 100);
        assert_eq!(absence.deadline(100), Some(100));
        absence.note(90, false, 100);
        assert_eq!(absence.deadline(100), None);
        absence.note(150, true, 100);
        assert_eq!(absence.deadline(100), Some(160));
        absence.note(155, false, 100);
        absence.note(255, true, 100);
        assert_eq!(absence.deadline(100), Some(355));
    }
}
