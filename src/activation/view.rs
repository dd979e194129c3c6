//! An activation as lists show it: beside its licence, in words, the code masked.

use serde_json::{Value, json};

use crate::keyring::Keyring;
use crate::licence::{DAY, Licence, Timestamp};
use crate::store::ActivationRow;

/// An activation beside its licence, where that is here.
pub struct ActivationView<'a> {
    /// What is kept of it.
    pub row: &'a ActivationRow,
    /// The licence, where it is here.
    pub licence: Option<&'a Licence>,
    /// When a running node begins to ask for more time; none: never.
    pub renewal: Option<Timestamp>,
}

impl<'a> ActivationView<'a> {
    /// Looks for the licence; a node asks for more time so many days before the end, never where they are 0.
    pub fn new(row: &'a ActivationRow, keyring: &'a Keyring, renew_days: u32) -> Self {
        let key = row.key_no.and_then(|key_no| keyring.find(key_no));
        let licence = key.and_then(|key| key.licence.as_deref());
        let end = licence.and_then(Licence::expire_date).filter(|_| renew_days > 0);
        Self {
            row,
            licence,
            renewal: end.map(|end| end.plus(-DAY * i64::from(renew_days))),
        }
    }

    /// The carrier's stable name, or `this computer`.
    pub fn place(&self) -> &str {
        let carrier = self.row.carrier.as_ref();
        carrier.map_or("this computer", |carrier| &carrier.id)
    }

    /// What is to be known first: what it waits for, what went wrong.
    pub fn state(&self) -> String {
        let mut state = match &self.row.pending {
            Some(pending) if pending.offline => {
                "the request waits for its answer: keynode licence add".into()
            }
            Some(pending) => format!("the request to {} was not answered yet", pending.action),
            None if self.row.key_no.is_none() => "not activated".into(),
            None if self.licence.is_none() => "its licence is not here".to_owned(),
            None => "activated".into(),
        };
        if let Some(trouble) = &self.row.trouble {
            state.push_str("; ");
            state.extend(trouble.lines().next());
        }
        state
    }

    /// As lists show it: the code masked.
    pub fn to_json(&self) -> Value {
        let row = self.row;
        json!({
            "KeyNo": row.key_no,
            "KeyID": self.licence.map(|licence| licence.key_id),
            "Code": format!("{:?}", row.code),
            "ITN": row.itn,
            "IEC": row.iec,
            "Carrier": row.carrier.as_ref().map(|carrier| &carrier.id),
            "Centre": row.centre,
            "LastContact": row.contact,
            "ExpireDate": self.licence.and_then(Licence::expire_date),
            "RenewalDate": self.renewal,
            "Waiting": row.pending.as_ref().map(|pending| &pending.action),
            "Offline": row.pending.as_ref().map(|pending| pending.offline),
            "Trouble": row.trouble,
            "NextTry": row.next,
            "State": self.state(),
        })
    }
}
