//! Revocation lists: which licences their vendor has taken back.

use std::collections::BTreeMap;
use std::fmt;

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
pub struct Revocation(#[serde(with = "millis")] pub Timestamp, pub RevocationReason);

/// Times as numbers: half as long as in the API's form, which matters where there are a million.
mod millis {
    use serde::{Deserialize, Deserializer, Serializer};

    use crate::licence::Timestamp;

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands out references")]
    pub(super) fn serialize<S: Serializer>(time: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_i64(time.millis())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
        i64::deserialize(deserializer).map(Timestamp::from_millis)
    }
}

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

/// As the end of "revoked by its vendor: ".
impl fmt::Display for RevocationReason {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Moved => "it is in use elsewhere now",
            Self::Returned => "it was returned",
            Self::Revoked => "the vendor took it back",
        })
    }
}

impl Notice for Revocations {
    const TYPE: &'static str = "revocations+jws";
    const LONGEST: usize = 64 * 1024 * 1024;

    fn issued(&self) -> Option<Timestamp> {
        Some(self.issued)
    }
}

impl Revocations {
    /// Why this licence counts no more, where it is revoked: it was issued (or, where that is not told, activated) no
    /// later than the moment that the list names for its key.
    pub fn reason(&self, licence: &Licence) -> Option<RevocationReason> {
        let Revocation(until, reason) = self.keys.get(&licence.key_no)?;
        (licence.issued_or_activated() <= *until).then_some(*reason)
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::licence;
    use super::*;

    #[test]
    fn a_list_is_short() {
        let until = Timestamp::from_millis(1_600_000_000_000);
        let list = Revocations {
            number: 3,
            issued: until,
            keys: BTreeMap::from([(7, Revocation(until, RevocationReason::Returned))]),
        };
        let text = serde_json::to_string(&list).unwrap();
        assert!(
            text.ends_with(r#""Keys":{"7":[1600000000000,"returned"]}}"#),
            "{text}"
        );
        assert_eq!(serde_json::from_str::<Revocations>(&text).unwrap(), list);
    }

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
