//! Licences whose period ends soon, and how often that is said. Pure: the time comes in.

use std::collections::HashMap;

use crate::licence::{DAY, KeyId, KeyNo, Timestamp};

use super::key::Keyring;

/// What ends within so many days is told of.
const SOON: i64 = 30;

/// A licence that gives seats and whose period ends soon.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ending {
    /// Serial number.
    pub key_no: KeyNo,
    /// Series.
    pub key_id: KeyId,
    /// Days left, rounded up: 1 to 30.
    pub days_left: i64,
    /// The end.
    pub end: Timestamp,
}

/// The Enabled licences whose period ends within 30 days, those that end first before the others.
pub fn ending(keyring: &Keyring, now: Timestamp) -> Vec<Ending> {
    let soon = |key: &std::sync::Arc<super::Key>| {
        let licence = key.licence.as_ref().filter(|_| key.verdict.enabled)?;
        let days_left = licence.days_left(now).filter(|days| (1..=SOON).contains(days))?;
        Some(Ending {
            key_no: licence.key_no,
            key_id: licence.key_id,
            days_left,
            end: licence.expire_date()?,
        })
    };
    let mut ending: Vec<Ending> = keyring.keys().iter().filter_map(soon).collect();
    ending.sort_by_key(|one| (one.end, one.key_no));
    ending
}

/// When each licence was warned of last.
#[derive(Debug, Default)]
pub(super) struct Warned(HashMap<KeyNo, Timestamp>);

impl Warned {
    /// Of which licences somebody is to be warned now: of each once a day, and of one that was renewed meanwhile from
    /// the first day on.
    pub(super) fn due(&mut self, keyring: &Keyring, now: Timestamp) -> Vec<Ending> {
        let ending = ending(keyring, now);
        self.0
            .retain(|key_no, _| ending.iter().any(|one| one.key_no == *key_no));
        let due = ending.into_iter().filter(|one| {
            let last = self.0.get(&one.key_no);
            // A clock that is set back must not silence it.
            last.is_none_or(|last| (now.millis() - last.millis()).abs() >= DAY)
        });
        let due: Vec<Ending> = due.collect();
        self.0.extend(due.iter().map(|one| (one.key_no, now)));
        due
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::collections::HashSet;
    use std::sync::Arc;

    use super::*;
    use crate::keyring::{Found, KeyKind, Revoked, Situation, assemble};
    use crate::licence::Licence;
    use crate::licence::binding::{Carriers, Fingerprint};
    use crate::licence::tests::licence;

    /// Keys with these numbers and periods after `before`, all activated at the same moment; number 9 is switched off.
    pub(crate) fn ring(periods: &[(KeyNo, u32)], now: Timestamp, before: &Keyring) -> Keyring {
        let found = |&(key_no, period): &(KeyNo, u32)| Found {
            kind: KeyKind::Virtual,
            file_name: key_no.to_string(),
            named: None,
            opened: Ok(Arc::new(Licence {
                key_no,
                period,
                ..licence()
            })),
            vendor: None,
            obstacle: None,
            updated: Timestamp::default(),
        };
        let found: Vec<Found> = periods.iter().map(found).collect();
        let situation = Situation {
            now,
            highest: now,
            computer: &Fingerprint::default(),
            carriers: &Carriers::default(),
            revoked: &Revoked::default(),
            switched_off: &HashSet::from([9]),
        };
        assemble(&found, &situation, before)
    }

    fn days(days: i64) -> Timestamp {
        licence().activation_date.plus(days * DAY)
    }

    #[test]
    fn from_thirty_days_down_enabled_licences_are_ending() {
        let told = |now: Timestamp| -> Vec<(u64, i64)> {
            let keyring = ring(
                &[(1, 365), (2, 340), (3, 0), (4, 900), (9, 365)],
                now,
                &Keyring::default(),
            );
            let ending = ending(&keyring, now);
            ending.iter().map(|one| (one.key_no, one.days_left)).collect()
        };
        assert_eq!(told(days(310).plus(-1)), []);
        assert_eq!(told(days(310)), [(2, 30)]);
        assert_eq!(told(days(335)), [(2, 5), (1, 30)], "the first to end is first");
        assert_eq!(told(days(340).plus(-1)), [(2, 1), (1, 26)]);
        assert_eq!(told(days(340)), [(1, 25)], "what has ended gives no seats");
    }

    #[test]
    fn each_is_warned_of_once_a_day() {
        let mut warned = Warned::default();
        let mut due = |periods: &[(u64, u32)], now: Timestamp| -> Vec<u64> {
            let due = warned.due(&ring(periods, now, &Keyring::default()), now);
            due.iter().map(|one| one.key_no).collect()
        };
        assert!(due(&[(1, 365)], days(334)).is_empty());
        assert_eq!(due(&[(1, 365)], days(335)), [1]);
        let soon_after = due(&[(1, 365)], days(335).plus(60_000));
        assert!(soon_after.is_empty(), "not after each scan");
        assert_eq!(
            due(&[(1, 365), (2, 350)], days(336).plus(-1)),
            [2],
            "only the new one"
        );
        assert_eq!(due(&[(1, 365), (2, 350)], days(336)), [1]);
        assert_eq!(due(&[(1, 365), (2, 350)], days(337)), [2, 1]);
        assert_eq!(
            due(&[(1, 365), (2, 350)], days(320)),
            [2],
            "the clock was set back"
        );
        assert_eq!(due(&[(1, 365), (2, 800)], days(338)), [1], "2 was renewed");
        assert_eq!(due(&[(1, 365), (2, 365)], days(338)), [2]);
    }
}
