//! Revocation lists: which licences their vendor has taken back.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::jws::Notice;
use super::record::{KeyNo, Licence};
use super::timestamp::Timestamp;

/// A vendor's list of all licences that it has taken back.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Revocations {
    /// Grows with each change of the list: a list with a lower number is an old one.
    pub number: u64,
    /// When the list was signed.
    pub issued: Timestamp,
    /// What is revoked, by `KeyNo`.
    pub keys: BTreeMap<KeyNo, Revocation>,
}

/// What is revoked of one key: its documents up to a moment. In JSON `[milliseconds, "moved"]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revocation(pub Timestamp, pub RevocationReason);

/// Why.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RevocationReason {
    /// It is in use elsewhere now.
    Moved,
    /// It was given back.
    Returned,
    /// The vendor took it back.
    Revoked,
}

impl Notice for Revocations {
    const TYPE: &'static str = "revocations+jws";
    const LONGEST: usize = 64 * 1024 * 1024;
}

impl Revocations {
    /// Why this licence counts no more, where it is revoked: it was issued (or, where that is not told, activated) no
    /// later than the moment that the list names for its key.
    pub fn reason(&self, licence: &Licence) -> Option<RevocationReason> {
        let Revocation(until, reason) = self.keys.get(&licence.key_no)?;
        (licence.issued.unwrap_or(licence.activation_date) <= *until).then_some(*reason)
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::licence;
    use super::*;

    #[test]
    fn what_was_issued_later_is_not_revoked() {
        let mut licence = licence();
        let until = Timestamp::from_millis(1_600_000_000_000);
        let list = Revocations {
            keys: BTreeMap::from([(licence.key_no, Revocation(until, RevocationReason::Moved))]),
            ..Revocations::default()
        };
        assert_eq!(list.reason(&licence), Some(RevocationReason::Moved));
        licence.issued = Some(until);
        assert_eq!(list.reason(&licence), Some(RevocationReason::Moved));
        licence.issued = Some(until.plus(1));
        assert_eq!(list.reason(&licence), None);
        licence.key_no += 1;
        licence.issued = None;
        assert_eq!(list.reason(&licence), None);
    }
}
