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
