//! How long a key has been missing under its sessions (spec, row 33): counted in total, so that a key that
//! comes and goes does not renew its grace each time, and forgotten once it has been back for as long.

use crate::clock::Millis;

/// How it stands with a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// It is enabled and has a seat for each of its sessions.
    Sound,
    /// It is not enabled; no session sits on it.
    Idle,
    /// More sessions sit on it than it has seats.
    Crowded,
}

/// The account of one key.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Absence {
    /// Grace that sessions had in earlier absences.
    spent: Millis,
    /// Sessions have been in their grace since then.
    since: Option<Millis>,
    /// The key has been back since then.
    back: Option<Millis>,
}

impl Absence {
    /// Notes how it stands with the key now. Time that it is missing without sessions is nobody's grace.
    pub(super) fn note(&mut self, now: Millis, standing: Standing, grace: Millis) {
        if standing == Standing::Sound {
            self.back.get_or_insert(now);
        } else if self
            .back
            .take()
            .is_some_and(|back| now.saturating_sub(back) >= grace)
        {
            self.spent = 0;
        }
        if standing == Standing::Crowded {
            self.since.get_or_insert(now);
        } else if let Some(since) = self.since.take() {
            self.spent = (self.spent + now.saturating_sub(since)).min(grace);
        }
    }

    /// When the grace of the key's sessions ends; `None` where none of them needs any.
    pub(super) fn deadline(&self, grace: Millis) -> Option<Millis> {
        self.since.map(|since| since + grace.saturating_sub(self.spent))
    }
}

#[cfg(test)]
mod tests {
    use super::Standing::{Crowded, Idle, Sound};
    use super::*;

    #[test]
    fn absences_add_up_until_the_key_has_been_back_for_as_long() {
        let mut absence = Absence::default();
        absence.note(0, Crowded, 100);
        assert_eq!(absence.deadline(100), Some(100));
        absence.note(90, Sound, 100);
        assert_eq!(absence.deadline(100), None);
        absence.note(150, Crowded, 100);
        assert_eq!(absence.deadline(100), Some(160));
        absence.note(155, Sound, 100);
        absence.note(156, Crowded, 100);
        assert_eq!(absence.deadline(100), Some(161));
        absence.note(157, Sound, 100);
        absence.note(257, Crowded, 100);
        assert_eq!(absence.deadline(100), Some(357));
    }

    #[test]
    fn an_absence_without_sessions_spends_no_grace_and_forgives_none() {
        let mut absence = Absence::default();
        absence.note(0, Idle, 100);
        absence.note(5_000, Sound, 100);
        absence.note(5_001, Crowded, 100);
        assert_eq!(absence.deadline(100), Some(5_101));
        absence.note(5_061, Idle, 100);
        absence.note(9_000, Sound, 100);
        absence.note(9_001, Crowded, 100);
        assert_eq!(absence.deadline(100), Some(9_041));
    }
}
