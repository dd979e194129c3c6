//! From when to when a licence is valid, and how many days are left.

use super::record::Licence;
use super::timestamp::{DAY, Timestamp};

impl Licence {
    /// End of validity: (StartDate or ActivationDate) and Period days; `None` where Period is 0
    /// (spec, row 21).
    pub fn expire_date(&self) -> Option<Timestamp> {
        let start = self.start_date.unwrap_or(self.activation_date);
        (self.period > 0).then(|| start.plus(i64::from(self.period) * DAY))
    }

    /// Whole days until the end, rounded up, never below 0; `None` without an end.
    pub fn days_left(&self, now: Timestamp) -> Option<i64> {
        let left = self.expire_date()?.millis() - now.millis();
        Some((left.max(0) + DAY - 1) / DAY)
    }

    /// The end has come.
    pub fn is_expired(&self, now: Timestamp) -> bool {
        self.expire_date().is_some_and(|end| end <= now)
    }

    /// StartDate has come, or there is none.
    pub fn has_started(&self, now: Timestamp) -> bool {
        self.start_date.is_none_or(|start| start <= now)
    }

    /// The next moment after `now` at which the answer to one of the questions above changes.
    pub fn next_change(&self, now: Timestamp) -> Option<Timestamp> {
        [self.start_date, self.expire_date()]
            .into_iter()
            .flatten()
            .filter(|moment| *moment > now)
            .min()
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::licence;
    use super::*;

    #[test]
    fn a_period_counts_from_the_start_and_days_round_up() {
        let mut licence = licence();
        licence.period = 30;
        let start = licence.activation_date;
        assert_eq!(licence.expire_date(), Some(start.plus(30 * DAY)));
        assert_eq!(licence.days_left(start), Some(30));
        assert_eq!(licence.days_left(start.plus(1)), Some(30));
        assert_eq!(licence.days_left(start.plus(DAY)), Some(29));
        assert_eq!(licence.days_left(start.plus(30 * DAY - 1)), Some(1));
        assert!(!licence.is_expired(start.plus(30 * DAY - 1)));
        assert_eq!(licence.days_left(start.plus(30 * DAY)), Some(0));
        assert!(licence.is_expired(start.plus(30 * DAY)));
        assert_eq!(licence.days_left(start.plus(90 * DAY)), Some(0));
    }

    #[test]
    fn without_a_period_there_is_no_end() {
        let licence = licence();
        assert_eq!(
            (licence.expire_date(), licence.days_left(licence.activation_date)),
            (None, None)
        );
        assert!(!licence.is_expired(Timestamp::from_millis(i64::MAX)));
    }

    #[test]
    fn start_and_end_are_the_changes() {
        let mut licence = licence();
        let start = licence.activation_date.plus(DAY);
        (licence.start_date, licence.period) = (Some(start), 1);
        assert!(!licence.has_started(start.plus(-1)) && licence.has_started(start));
        assert_eq!(licence.next_change(start.plus(-1)), Some(start));
        assert_eq!(licence.next_change(start), Some(start.plus(DAY)));
        assert_eq!(licence.next_change(start.plus(DAY)), None);
    }
}
