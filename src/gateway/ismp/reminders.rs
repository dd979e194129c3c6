//! The table of tokens with what is to be reminded of (spec, services, section 2.2). Nobody is troubled about what the node
//! does by itself.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::licence::Timestamp;

use super::super::outcome::Trouble;
use super::renewal::lead as lead_of;
use super::responsible::{REFRESH, Watcher};
use super::token::{Live, Place, SessionKey, Slot, renewal};
use super::{Ismp, RENEWAL};

/// Whether a token is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// None was had yet.
    Missing,
    /// It has ended, or cannot be used any more.
    Expired,
    /// It can be used.
    Live,
}

/// A token in the table.
#[derive(Clone, Debug)]
pub struct TokenRow {
    /// What it is for.
    pub place: Place,
    /// Until when it can be used.
    pub valid_until: Option<Timestamp>,
    /// Seconds that it has left, in whole minutes.
    pub left: i64,
    /// Whether there is one.
    pub standing: Standing,
    /// A person has to have it renewed.
    pub due: bool,
    /// Somebody is reminded of it so many seconds before its end; 0: nobody.
    pub before: i64,
    /// Seconds until then.
    pub remind_in: i64,
    /// Whether its key could sign now.
    pub key_ready: bool,
    /// When the node renews it next.
    pub renewal: Option<Timestamp>,
    /// What is kept of it.
    pub kept: Option<SessionKey>,
}

/// What a row is made from.
struct Facts {
    /// The end of the token that was had last.
    end: Option<Timestamp>,
    /// It can be used.
    live: bool,
    /// The node has it renewed without anybody's help: it has planned that, and nothing is in the way.
    unattended: bool,
    /// The node could have it as soon as somebody asks: nobody is reminded before the end.
    silent: bool,
    /// Seconds before its end that somebody wants to know.
    before: i64,
}

impl TokenRow {
    fn new(place: Place, facts: &Facts, watcher: &Watcher, now: Timestamp) -> Self {
        let seconds = facts
            .end
            .map_or(0, |end| (end.millis() - now.millis()).max(0) / 1000);
        let left = seconds - seconds % 60;
        let before = if facts.silent { 0 } else { facts.before };
        let standing = match (facts.live, facts.end) {
            (true, _) => Standing::Live,
            (false, Some(_)) => Standing::Expired,
            (false, None) => Standing::Missing,
        };
        let ending = before > 0 && seconds <= before;
        let snoozed = watcher
            .snoozed_until
            .map_or(0, |until| until.millis() - now.millis());
        let gone = standing != Standing::Live;
        let due = !facts.unattended && (gone || (ending && snoozed <= 0));
        let remind_in = match (due, ending) {
            (true, _) => 0,
            (false, true) => (snoozed + 999) / 1000,
            (false, false) => (seconds - before).max(0),
        };
        Self {
            place,
            valid_until: facts.end,
            left: if gone { 0 } else { left },
            standing,
            due,
            before,
            remind_in,
            key_ready: false,
            renewal: None,
            kept: None,
        }
    }
}

impl Ismp {
    /// The table: what the rules name and what is kept, each once. Where it is only for reminders: what the rules name.
    ///
    /// # Errors
    /// [`Trouble`]: it cannot be read.
    pub fn table(&self, watcher: &Watcher, all: bool) -> Result<Vec<TokenRow>, Trouble> {
        let (shared, known) = (&self.keys.shared, self.keys.organizations()?);
        let kept = shared.state.all::<SessionKey>()?;
        let kept: BTreeMap<_, _> = kept.into_iter().collect();
        let jobs = shared.state.jobs()?.into_iter();
        let planned: BTreeSet<String> = jobs
            .filter(|job| job.kind == RENEWAL)
            .map(|job| job.name)
            .collect();
        let mut places: BTreeMap<Place, i64> = BTreeMap::new();
        for (_, rule) in self.rules()? {
            let before = places.entry(rule.place()).or_default();
            *before = (*before).max(rule.notify_before.into());
        }
        if all {
            for key in kept.values() {
                if known.find(&key.itn).is_some() {
                    places.entry(key.place()).or_default();
                }
            }
        }
        let rows = places.into_iter().map(|(place, before)| {
            let slot = known.slot(&place).map(|(slot, _)| slot);
            let own = slot.as_ref().and_then(|slot: &Slot| kept.get(&slot.name()));
            let live = self.keys.lives.find(shared, &known, &place);
            let planned = slot.is_some_and(|slot| planned.contains(&slot.name()));
            self.row(place, before, own, live.as_ref(), planned, watcher)
        });
        Ok(rows.collect())
    }

    fn row(
        &self,
        place: Place,
        before: i64,
        kept: Option<&SessionKey>,
        live: Option<&Arc<Live>>,
        planned: bool,
        watcher: &Watcher,
    ) -> TokenRow {
        let (now, rules) = (self.keys.shared.now(), self.keys.shared.rules());
        let key_ready = self.keys.can_sign(&place).is_ok();
        // A renewal that fails while the old token lives is told of too: before that one ends.
        let failing = kept.is_some_and(|kept| kept.failures > 0);
        let able = key_ready && !failing && self.is_read();
        let end = live.map(|live| live.valid_until);
        let end = end.or_else(|| kept.and_then(|kept| kept.valid_until));
        let facts = Facts {
            end,
            live: live.is_some(),
            unattended: able && planned,
            silent: able && (planned || end.is_none()),
            before,
        };
        let lead = lead_of(&rules);
        TokenRow {
            key_ready,
            renewal: live.map(|live| renewal(live.obtained, live.valid_until, lead)),
            kept: kept.cloned(),
            ..TokenRow::new(place, &facts, watcher, now)
        }
    }
}

/// When reminders are to be looked at next: when the first of them is due, or settings are read anew.
pub fn next_check(rows: &[TokenRow], now: Timestamp) -> Timestamp {
    let waiting = rows.iter().filter(|row| row.before > 0 || row.due);
    let first = waiting.map(|row| row.remind_in).min();
    now.plus(first.map_or(REFRESH, |seconds| seconds.saturating_mul(1000)))
}

#[cfg(test)]
mod tests {
    use super::super::kind::TokenType;
    use super::*;

    fn row(end: Option<i64>, before: i64, unattended: bool, snoozed: Option<i64>) -> TokenRow {
        let now = Timestamp::from_millis(1_700_000_000_000);
        let place = Place {
            kind: TokenType::Ismp,
            itn: "7707083893".into(),
            facility: String::new(),
        };
        let facts = Facts {
            end: end.map(|seconds| now.plus(seconds * 1000)),
            live: end.is_some_and(|seconds| seconds > 60),
            unattended,
            silent: unattended,
            before,
        };
        let watcher = Watcher {
            snoozed_until: snoozed.map(|seconds| now.plus(seconds * 1000)),
            ..Watcher::default()
        };
        TokenRow::new(place, &facts, &watcher, now)
    }

    #[test]
    fn rows_follow_the_rules_of_the_table() {
        // End in s, notify before, unattended, snoozed for -> left, missing, expired, due, reminds, remind in.
        let cases = [
            (
                Some(3725),
                600,
                false,
                None,
                (3720, false, false, false, true, 3125),
            ),
            (Some(600), 600, false, None, (600, false, false, true, true, 0)),
            (
                Some(599),
                600,
                false,
                Some(90),
                (540, false, false, false, true, 90),
            ),
            (
                Some(599),
                600,
                false,
                Some(-1),
                (540, false, false, true, true, 0),
            ),
            (Some(59), 600, false, Some(90), (0, false, true, true, true, 0)),
            (Some(-5), 600, false, Some(90), (0, false, true, true, true, 0)),
            (None, 600, false, Some(90), (0, true, false, true, true, 0)),
            (None, 0, false, None, (0, true, false, true, false, 0)),
            // What the node renews troubles nobody.
            (None, 600, true, None, (0, true, false, false, false, 0)),
            (Some(300), 600, true, None, (300, false, false, false, false, 300)),
        ];
        for (end, before, unattended, snoozed, expected) in cases {
            let row = row(end, before, unattended, snoozed);
            let found = (
                row.left,
                row.standing == Standing::Missing,
                row.standing == Standing::Expired,
                row.due,
                row.before > 0,
                row.remind_in,
            );
            assert_eq!(found, expected, "{end:?} {before} {unattended} {snoozed:?}");
        }
    }
}
