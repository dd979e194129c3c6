//! How long a licence with a Period lasts, and when a renewal adds to it.

use crate::licence::{DAY, Timestamp};

use super::record::Record;

/// A licence that ends later than this is not extended yet, days.
const LEAD: u32 = 90;

/// The longest Period that a licence may have, days.
const LONGEST: u32 = 36_500;

impl Record {
    /// The Period that the licence has from now on: whole periods of its series more, once its end is near, up to the
    /// day to which its vendor renews it. For short periods "near" means one period, so that it is never more than two ahead.
    pub(super) fn period_at(&self, now: Timestamp) -> u32 {
        let (Some(begun), Some(until)) = (self.begun, self.renew_until) else {
            return self.period;
        };
        let step = self.series.period;
        if self.period == 0 || step == 0 {
            return self.period;
        }
        let most = days_up(until.millis() - begun.millis()).min(LONGEST);
        let lead = i64::from(LEAD.min(step)) * DAY;
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
    fn a_month_is_never_more_than_two_months_ahead() {
        let mut record = subscription(30, 10_000);
        for now in 0..400 {
            record.period = record.period_at(day(now));
            let ahead = i64::from(record.period) - now;
            assert!((30..=60).contains(&ahead), "day {now}: {ahead} days ahead");
        }
    }

    #[test]
    fn without_a_period_there_is_nothing_to_renew() {
        let record = subscription(0, 10_000);
        assert_eq!(record.period_at(day(5_000)), 0);
    }
}
