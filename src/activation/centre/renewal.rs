//! How long a licence with a Period lasts, and when a renewal adds to it.

use crate::licence::{DAY, Timestamp};

use super::record::Record;

/// A licence that ends later than this is not extended yet, milliseconds.
const LEAD: i64 = 90 * DAY;

/// The longest Period that a licence may have, days.
const LONGEST: u32 = 36_500;

impl Record {
    /// The Period that the licence has from now on: whole periods of its series more, once its end is near, up to the
    /// day to which its vendor renews it. For short periods "near" means half a period: the first activation gives one.
    pub(super) fn period_at(&self, now: Timestamp) -> u32 {
        let (Some(begun), Some(until)) = (self.begun, self.renew_until) else {
            return self.period;
        };
        let step = self.series.period;
        if self.period == 0 || step == 0 {
            return self.period;
        }
        let most = days_up(until.millis() - begun.millis()).min(LONGEST);
        let lead = LEAD.min(i64::from(step) * DAY / 2);
        let mut period = self.period;
        while period < most && now.millis() >= begun.plus(i64::from(period) * DAY).millis() - lead {
            period = period.saturating_add(step).min(most);
        }
        period
    }
}

/// Days, rounded up.
fn days_up(millis: i64) -> u32 {
    u32::try_from(millis.max(0).saturating_add(DAY - 1) / DAY).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::super::testing::record;
    use super::*;

    fn begun() -> Timestamp {
        Timestamp::from_millis(1_700_000_000_000)
    }

    fn subscription(period: u32, renew_days: i64) -> Record {
        let mut record = record();
        record.series.period = period;
        record.period = period;
        record.begun = Some(begun());
        record.renew_until = Some(begun().plus(renew_days * DAY));
        record
    }

    fn day(days: i64) -> Timestamp {
        begun().plus(days * DAY)
    }

    #[test]
    fn a_year_is_added_from_90_days_before_the_end() {
        let record = subscription(365, 10_000);
        assert_eq!(record.period_at(day(275).plus(-1)), 365);
        assert_eq!(record.period_at(day(275)), 730);
        assert_eq!(
            record.period_at(day(1_000)),
            3 * 365,
            "what was missed is caught up with"
        );
    }

    #[test]
    fn nothing_goes_beyond_the_day_that_is_paid_for() {
        let mut record = subscription(365, 400);
        assert_eq!(record.period_at(day(300)), 400);
        assert_eq!(record.period_at(day(5_000)), 400);
        record.renew_until = Some(day(400).plus(1));
        assert_eq!(record.period_at(day(300)), 401, "rounded up to a day");
        record.renew_until = Some(day(100));
        assert_eq!(
            record.period_at(day(300)),
            365,
            "and what was given is not taken away"
        );
        record.renew_until = None;
        assert_eq!(record.period_at(day(300)), 365);
    }

    #[test]
    fn a_short_period_begins_as_one_and_is_extended_in_its_second_half() {
        for step in [1_u32, 7, 30, 90, 180] {
            let mut record = subscription(step, 10_000);
            assert_eq!(record.period_at(begun()), step, "the first activation");
            let (length, half) = (i64::from(step) * DAY, i64::from(step) * DAY / 2);
            assert_eq!(record.period_at(begun().plus(half - 1)), step);
            assert_eq!(record.period_at(begun().plus(half)), 2 * step);
            for hour in 0..10_000 {
                let now = hour * (DAY / 24);
                record.period = record.period_at(begun().plus(now));
                let ahead = i64::from(record.period) * DAY - now;
                assert!(
                    (half..=length + half).contains(&ahead),
                    "{step} days, hour {hour}: {ahead} ms ahead"
                );
            }
        }
    }

    #[test]
    fn without_a_period_there_is_nothing_to_renew() {
        let record = subscription(0, 10_000);
        assert_eq!(record.period_at(day(5_000)), 0);
    }
}
