//! What the keeper has to do about each activation, and when. Pure: a function of the records, the keys, the computer
//! and the time.

use crate::keyring::{Key, KeyKind, Keyring};
use crate::licence::binding::{Binding, Fingerprint};
use crate::licence::{DAY, Licence, Timestamp};
use crate::store::ActivationRow;

use super::rules::ActivationRules;
use super::trouble::spread;

/// Something to do about an activation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Task {
    /// The request that was not answered is sent again.
    Repeat,
    /// The computer changed: the code is activated again.
    Reactivate,
    /// A sign of life, and the licence for longer.
    Renew,
}

/// What everything depends on.
pub(super) struct Scene<'a> {
    pub(super) keyring: &'a Keyring,
    /// Looks at the computer; asked only where a licence has something against it.
    pub(super) computer: &'a dyn Fn() -> Fingerprint,
    pub(super) rules: &'a ActivationRules,
    pub(super) now: Timestamp,
}

/// The next thing to do about an activation, and when; what is due already is due at a moment that is past.
pub(super) fn next(row: &ActivationRow, scene: &Scene<'_>) -> Option<(Timestamp, Task)> {
    let Scene { rules, now, .. } = scene;
    // A clock that was set back must not hold anything up for long.
    let wait = row.next.filter(|next| *next <= now.plus(2 * DAY));
    if let Some(pending) = &row.pending {
        return (!pending.offline).then(|| (wait.unwrap_or(*now), Task::Repeat));
    }
    let key = key_of(row, scene.keyring)?;
    let licence = key.licence.as_deref()?;
    if rules.reactivate && !key.verdict.workable {
        let computer = (scene.computer)();
        if changed(licence, &computer) {
            // What was refused may be allowed for another computer.
            let refused_elsewhere =
                (row.refused_for.as_ref()).is_some_and(|id| *id != computer.computer_id());
            let moment = wait.filter(|_| !refused_elsewhere);
            return Some((moment.unwrap_or(*now), Task::Reactivate));
        }
    }
    let alive = sign_of_life(row, rules);
    let end = renewal(row, licence, rules);
    let due = alive.into_iter().chain(end).min()?;
    Some((wait.map_or(due, |wait| wait.max(due)), Task::Renew))
}

/// When the centre is to hear of this licence again.
fn sign_of_life(row: &ActivationRow, rules: &ActivationRules) -> Option<Timestamp> {
    let check = i64::try_from(rules.check.as_millis())
        .ok()
        .filter(|check| *check > 0)?;
    let contact = row.contact?;
    Some(contact.plus(check - spread(&row.code, check / 10)))
}

/// When the licence is to be asked for longer: from some days before its end on, once a day or more often.
fn renewal(row: &ActivationRow, licence: &Licence, rules: &ActivationRules) -> Option<Timestamp> {
    let days = i64::from(rules.renew_days);
    let end = licence.expire_date().filter(|_| days > 0)?;
    let begin = end.plus(-days * DAY);
    let again = row.contact.map(|contact| contact.plus(DAY));
    Some(again.map_or(begin, |again| again.max(begin)))
}

/// Whether a licence was here, is not any more, and nothing is asked about it.
pub(super) fn is_gone(row: &ActivationRow, keyring: &Keyring) -> bool {
    row.key_no.is_some() && row.pending.is_none() && key_of(row, keyring).is_none()
}

/// The file that this record is about, where there is one with an authentic licence.
fn key_of<'k>(row: &ActivationRow, keyring: &'k Keyring) -> Option<&'k Key> {
    let files = keyring.keys().iter().filter(|key| key.kind == KeyKind::Virtual);
    let own = |licence: &Licence| {
        Some(licence.key_no) == row.key_no && licence.activation_code.as_ref() == Some(&row.code)
    };
    let mut own = files.filter(|key| key.licence.as_deref().is_some_and(own));
    own.next().map(|key| &**key)
}

/// Whether a licence is bound to a computer, and this is not that one any more.
fn changed(licence: &Licence, computer: &Fingerprint) -> bool {
    match &licence.binding {
        Binding::Computer(binding) => !binding.compare(computer).matches,
        Binding::None | Binding::Carrier(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::sync::Arc;
    use std::time::Duration;

    use super::*;
    use crate::keyring::{Found, Revoked, Situation, assemble};
    use crate::licence::binding::{Carriers, Component, ComponentKind, ComputerBinding};
    use crate::licence::tests::licence;
    use crate::settings;
    use crate::store::PendingRequest;

    fn computer(name: &str) -> Fingerprint {
        let part = Component {
            kind: ComponentKind::Disk,
            value: name.into(),
        };
        Fingerprint::new(vec![part], Vec::new())
    }

    fn now() -> Timestamp {
        licence().activation_date
    }

    /// The record of a licence that is here.
    fn row() -> ActivationRow {
        ActivationRow {
            contact: Some(now()),
            ..super::super::requests::row_of(&licence()).unwrap()
        }
    }

    fn rules() -> ActivationRules {
        ActivationRules::from(&settings::Activation::default())
    }

    /// What is next on the computer of this name, with this licence bound to the computer "a".
    fn planned(
        name: &str,
        row: &ActivationRow,
        rules: &ActivationRules,
        change: impl FnOnce(&mut Licence),
    ) -> Option<(i64, Task)> {
        let mut licence = licence();
        licence.binding = Binding::Computer(ComputerBinding {
            components: computer("a").components,
            tolerance: 0,
        });
        change(&mut licence);
        let found = Found {
            kind: KeyKind::Virtual,
            file_name: "a".into(),
            named: None,
            opened: Ok(Arc::new(licence)),
            obstacle: None,
            vendor: None,
            updated: now(),
        };
        let situation = Situation {
            now: now(),
            highest: now(),
            computer: &computer(name),
            carriers: &Carriers::default(),
            switched_off: &HashSet::new(),
            revoked: &Revoked::default(),
        };
        let keyring = assemble(&[found], &situation, &Keyring::default());
        let scene = Scene {
            keyring: &keyring,
            computer: &|| computer(name),
            rules,
            now: now(),
        };
        next(row, &scene).map(|(moment, task)| (moment.millis() - now().millis(), task))
    }

    #[test]
    fn a_sign_of_life_is_given_within_the_interval_and_not_all_at_one_time() {
        let (wait, task) = planned("a", &row(), &rules(), |_| ()).unwrap();
        assert_eq!(task, Task::Renew);
        assert!((DAY * 9 / 10..=DAY).contains(&wait), "{wait}");
        let seldom = ActivationRules {
            check: Duration::ZERO,
            ..rules()
        };
        assert_eq!(planned("a", &row(), &seldom, |_| ()), None);
    }

    #[test]
    fn renewal_begins_some_days_before_the_end_and_is_tried_daily() {
        let seldom = ActivationRules {
            check: Duration::ZERO,
            ..rules()
        };
        let month = |licence: &mut Licence| licence.period = 30;
        assert_eq!(
            planned("a", &row(), &seldom, month),
            Some((16 * DAY, Task::Renew))
        );
        let week = |licence: &mut Licence| licence.period = 7;
        assert_eq!(planned("a", &row(), &seldom, week), Some((DAY, Task::Renew)));
        let never = ActivationRules {
            renew_days: 0,
            ..seldom
        };
        assert_eq!(planned("a", &row(), &never, month), None);
    }

    #[test]
    fn another_computer_is_told_at_once_unless_it_was_refused() {
        assert_eq!(
            planned("b", &row(), &rules(), |_| ()),
            Some((0, Task::Reactivate))
        );
        let off = ActivationRules {
            reactivate: false,
            ..rules()
        };
        assert_eq!(planned("b", &row(), &off, |_| ()).unwrap().1, Task::Renew);
        let refused = ActivationRow {
            refused_for: Some(computer("b").computer_id()),
            next: Some(now().plus(DAY)),
            ..row()
        };
        assert_eq!(
            planned("b", &refused, &rules(), |_| ()),
            Some((DAY, Task::Reactivate))
        );
        assert_eq!(
            planned("c", &refused, &rules(), |_| ()),
            Some((0, Task::Reactivate))
        );
        let held_up = ActivationRow {
            refused_for: None,
            ..refused
        };
        assert_eq!(
            planned("c", &held_up, &rules(), |_| ()),
            Some((DAY, Task::Reactivate))
        );
    }

    #[test]
    fn what_was_not_answered_comes_first_and_in_its_time() {
        let pending = |offline| {
            Some(PendingRequest {
                action: "renew".into(),
                text: String::new(),
                offline,
            })
        };
        let asked = ActivationRow {
            pending: pending(false),
            ..row()
        };
        assert_eq!(planned("b", &asked, &rules(), |_| ()), Some((0, Task::Repeat)));
        let later = ActivationRow {
            next: Some(now().plus(60_000)),
            ..asked
        };
        assert_eq!(
            planned("b", &later, &rules(), |_| ()),
            Some((60_000, Task::Repeat))
        );
        // The clock was set back by a year since.
        let never = ActivationRow {
            next: Some(now().plus(365 * DAY)),
            ..later
        };
        assert_eq!(planned("b", &never, &rules(), |_| ()), Some((0, Task::Repeat)));
        let offline = ActivationRow {
            pending: pending(true),
            ..row()
        };
        assert_eq!(planned("b", &offline, &rules(), |_| ()), None);
    }

    #[test]
    fn a_licence_that_is_gone_is_nobodys_business() {
        assert_eq!(
            planned("a", &row(), &rules(), |licence| licence.key_no += 1),
            None
        );
    }
}
