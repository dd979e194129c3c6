//! Makes the snapshot: judges what the providers found. Pure.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use crate::licence::binding::{Binding, Carriers, Fingerprint};
use crate::licence::{Circumstances, KeyNo, Licence, OpenFailure, Timestamp, judge, judge_blank};

use super::key::{Found, Key, KeyKind, Keyring};
use super::revocations::Revoked;

/// What the verdicts depend on beside the keys themselves.
#[derive(Clone, Debug)]
pub struct Situation<'a> {
    /// Wall time.
    pub now: Timestamp,
    /// The highest wall time that this node has ever seen.
    pub highest: Timestamp,
    /// The computer as it is.
    pub computer: &'a Fingerprint,
    /// The carriers that are plugged in.
    pub carriers: &'a Carriers,
    /// What the vendors have revoked.
    pub revoked: &'a Revoked,
    /// Keys that the administrator switched off.
    pub switched_off: &'a HashSet<KeyNo>,
}

/// Judges all keys. Authentic licences with one KeyNo are rivals: none of them is Workable, and each names
/// the others. What is not authentic or revoked, and copies on devices that do not vouch for them, cannot spoil one that is; nor
/// can a licence that would work on any device spoil a file, for everybody who can plug in a device has such a copy.
pub fn assemble(found: &[Found], situation: &Situation<'_>, before: &Keyring) -> Keyring {
    let mut claims: HashMap<KeyNo, Vec<&Found>> = HashMap::new();
    for one in found {
        if let (Ok(licence), None) = (&one.opened, &one.obstacle)
            && situation.revoked.reason(one).is_none()
        {
            claims.entry(licence.key_no).or_default().push(one);
        }
    }
    let keys = found.iter().map(|one| {
        let licence = one.opened.as_deref();
        let rivals: Vec<String> = match licence {
            Ok(licence) => {
                let others = claims.get(&licence.key_no).into_iter().flatten();
                let others = others.filter(|other| {
                    other.file_name != one.file_name && (has_its_place(other) || !has_its_place(one))
                });
                others.map(|other| other.file_name.clone()).collect()
            }
            Err(_) => Vec::new(),
        };
        let switched_off = licence.is_ok_and(|licence| situation.switched_off.contains(&licence.key_no));
        let given = Circumstances {
            now: situation.now,
            highest: situation.highest,
            computer: situation.computer,
            carriers: situation.carriers,
            obstacle: one.obstacle.as_deref(),
            switched_off,
            revoked: situation.revoked.reason(one),
            rivals: &rivals,
        };
        let verdict = match licence {
            Err(OpenFailure::Blank) => judge_blank(given.obstacle),
            licence => judge(licence, &given),
        };
        Arc::new(Key::new(one, verdict))
    });
    Keyring::new(keys.collect(), situation.computer.computer_id(), before)
}

/// A file, or a licence that names the device that it lies on.
fn has_its_place(found: &Found) -> bool {
    let named = |licence: &Arc<Licence>| {
        matches!(licence.binding, Binding::Carrier(_)) || licence.blank_key_no.is_some()
    };
    found.kind == KeyKind::Virtual || found.opened.as_ref().is_ok_and(named)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::licence::tests::licence;

    fn found(name: &str, opened: Result<Licence, OpenFailure>) -> Found {
        Found {
            kind: KeyKind::Virtual,
            file_name: name.into(),
            named: None,
            opened: opened.map(Arc::new),
            vendor: None,
            obstacle: None,
            updated: Timestamp::default(),
        }
    }

    fn ring(found: &[Found], before: &Keyring) -> Keyring {
        let (computer, switched_off) = (Fingerprint::default(), HashSet::from([2]));
        let now = licence().activation_date;
        let situation = Situation {
            now,
            highest: now,
            computer: &computer,
            carriers: &Carriers::default(),
            revoked: &Revoked::default(),
            switched_off: &switched_off,
        };
        assemble(found, &situation, before)
    }

    #[test]
    fn a_blank_carrier_is_nobodys_news_but_a_key_that_was_erased_is() {
        let blank = ring(&[found("a", Err(OpenFailure::Blank))], &Keyring::default());
        assert_eq!(blank.changes_since(&Keyring::default()), []);
        assert_eq!(Keyring::default().changes_since(&blank), []);
        let licensed = ring(&[found("a", Ok(licence()))], &Keyring::default());
        assert_eq!(blank.changes_since(&licensed).len(), 1);
    }

    #[test]
    fn two_files_with_one_number_name_each_other_and_a_forgery_spoils_nothing() {
        let both = [found("a", Ok(licence())), found("b", Ok(licence()))];
        let keyring = ring(&both, &Keyring::default());
        let errors: Vec<_> = keyring
            .keys()
            .iter()
            .map(|key| key.verdict.open_error.clone().unwrap())
            .collect();
        assert!(errors[0].contains('b') && errors[1].contains('a'), "{errors:?}");
        let mut forged = found("forged", Err(OpenFailure::Signature));
        forged.named = Some((Some(licence().key_id), licence().key_no));
        let keyring = ring(&[forged, found("a", Ok(licence()))], &Keyring::default());
        assert_eq!(keyring.keys().len(), 2);
        assert!(keyring.find(licence().key_no).unwrap().verdict.enabled);
    }

    #[test]
    fn keys_are_in_order_and_a_switch_is_for_its_key_alone() {
        let numbered = |key_no| Licence { key_no, ..licence() };
        let files = [3, 1, 2].map(|key_no| found(&key_no.to_string(), Ok(numbered(key_no))));
        let keyring = ring(&files, &Keyring::default());
        assert_eq!(
            keyring.keys().iter().map(|key| key.key_no).collect::<Vec<_>>(),
            [1, 2, 3]
        );
        assert_eq!(
            keyring
                .keys()
                .iter()
                .map(|key| key.verdict.enabled)
                .collect::<Vec<_>>(),
            [true, false, true]
        );
    }

    #[test]
    fn a_key_that_is_gone_is_remembered_until_it_is_back() {
        let there = [found("a", Ok(licence()))];
        let gone = ring(&[], &ring(&there, &Keyring::default()));
        assert!(gone.find(licence().key_no).is_none());
        assert!(!gone.departed(licence().key_no).unwrap().verdict.workable);
        let still_gone = ring(&[], &gone);
        assert!(still_gone.departed(licence().key_no).is_some());
        let back = ring(&there, &still_gone);
        assert!(back.departed(licence().key_no).is_none() && back.find(licence().key_no).is_some());
    }
}
