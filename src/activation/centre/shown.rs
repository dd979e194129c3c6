//! The rows of the books as people and programs get to see them: JSON in the spelling of the External API, and CSV.

use serde_json::{Value, json};

use crate::licence::{ActivationCode, Timestamp};

use super::goods::{Product, Series};
use super::rows::{ActivationRow, ApiKeyRow, Batch, CodeRow, CodeState, End, IssuedCode};

/// Columns of codes as CSV.
pub const CODE_COLUMNS: [&str; 13] = [
    "Code",
    "KeyNo",
    "RegNo",
    "KeyID",
    "Batch",
    "State",
    "ITN",
    "IEC",
    "ValidUntil",
    "RenewUntil",
    "ExpireDate",
    "Moves",
    "Cloned",
];

/// Columns of codes that were just issued, as CSV.
pub const ISSUED_COLUMNS: [&str; 5] = ["Code", "KeyNo", "RegNo", "KeyID", "Batch"];

/// Columns of activations as CSV.
pub const ACTIVATION_COLUMNS: [&str; 17] = [
    "Number",
    "KeyNo",
    "Code",
    "Started",
    "Ended",
    "EndReason",
    "Place",
    "Node",
    "FirstAddress",
    "LastAddress",
    "LastSeen",
    "Move",
    "Recovered",
    "Cloned",
    "ClonedSince",
    "CloneAddress1",
    "CloneAddress2",
];

impl CodeState {
    /// All there are.
    pub const ALL: [Self; 5] = [
        Self::New,
        Self::Expired,
        Self::Active,
        Self::Returned,
        Self::Revoked,
    ];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::New => "New",
            Self::Expired => "Expired",
            Self::Active => "Active",
            Self::Returned => "Returned",
            Self::Revoked => "Revoked",
        }
    }

    /// The state of this name, in either case.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|state| state.name().eq_ignore_ascii_case(name))
    }
}

impl End {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Moved => "Moved",
            Self::Returned => "Returned",
            Self::Revoked => "Revoked",
        }
    }
}

/// A code, whole or its first and last group.
pub fn code_text(code: &ActivationCode, whole: bool) -> String {
    if whole {
        code.as_str().to_owned()
    } else {
        format!("{code:?}")
    }
}

impl Product {
    /// As JSON.
    pub fn to_json(&self) -> Value {
        json!({
            "Article": self.article,
            "ProductName": self.product_name,
            "ArticleName": self.article_name,
            "ProductVersion": self.product_version,
            "ProductVersionName": self.version_name,
            "ServiceType": self.service_type,
        })
    }
}

impl Series {
    /// As JSON.
    pub fn to_json(&self) -> Value {
        json!({
            "KeyID": self.key_id,
            "Article": self.article,
            "KeyType": self.key_type,
            "LicenceCount": self.seats,
            "Flags": self.flags,
            "Period": self.period,
            "Tolerance": self.tolerance,
            "Moves": self.moves,
            "Reactivation": self.reactivation,
            "SupportDate": self.support_date,
            "SupportPeriod": self.support_period,
            "IndustrySupportDate": self.industry_support_date,
            "IndustrySupportPeriod": self.industry_support_period,
        })
    }
}

impl Batch {
    /// As JSON.
    pub fn to_json(&self) -> Value {
        json!({
            "Batch": self.number,
            "KeyID": self.key_id,
            "Count": self.count,
            "Issued": self.issued,
            "Created": self.created,
            "Note": self.note,
            "Order": self.order,
        })
    }
}

impl IssuedCode {
    /// As JSON, the code whole.
    pub fn to_json(&self) -> Value {
        json!({ "Code": self.code, "KeyNo": self.key_no, "RegNo": self.reg_no })
    }

    /// As CSV, in the order of [`ISSUED_COLUMNS`], the code whole.
    pub fn to_record(&self, batch: &Batch) -> [String; 5] {
        [
            self.code.as_str().to_owned(),
            self.key_no.to_string(),
            self.reg_no.to_string(),
            batch.key_id.to_string(),
            batch.number.to_string(),
        ]
    }
}

impl CodeRow {
    /// As JSON.
    pub fn to_json(&self, whole: bool) -> Value {
        json!({
            "Code": code_text(&self.code, whole),
            "KeyNo": self.key_no,
            "RegNo": self.reg_no,
            "KeyID": self.key_id,
            "Batch": self.batch,
            "State": self.state.name(),
            "ITN": self.itn,
            "IEC": self.iec,
            "ValidUntil": self.valid_until,
            "RenewUntil": self.renew_until,
            "ExpireDate": self.expires,
            "Moves": self.moves,
            "Revoked": self.revoked,
            "Cloned": self.cloned,
        })
    }

    /// As CSV, in the order of [`CODE_COLUMNS`].
    pub fn to_record(&self, whole: bool) -> [String; 13] {
        [
            code_text(&self.code, whole),
            self.key_no.to_string(),
            self.reg_no.to_string(),
            self.key_id.to_string(),
            self.batch.to_string(),
            self.state.name().to_owned(),
            self.itn.as_ref().map_or_else(String::new, ToString::to_string),
            self.iec
                .as_ref()
                .map_or_else(String::new, |iec| iec.as_str().into()),
            time(self.valid_until),
            time(self.renew_until),
            time(self.expires),
            self.moves.to_string(),
            self.cloned.to_string(),
        ]
    }
}

impl ActivationRow {
    /// As JSON.
    pub fn to_json(&self) -> Value {
        let clone = self.cloned.as_ref().map(|mark| {
            json!({ "Since": mark.time, "Addresses": mark.addresses.map(|address| address.to_string()) })
        });
        json!({
            "Number": self.number,
            "KeyNo": self.key_no,
            "Code": code_text(&self.code, false),
            "Started": self.started,
            "Ended": self.ended.map(|(time, _)| time),
            "EndReason": self.ended.map(|(_, why)| why.name()),
            "Place": self.place,
            "Node": self.node,
            "FirstAddress": self.first_address.to_string(),
            "LastAddress": self.last_address.to_string(),
            "LastSeen": self.last_seen,
            "Move": self.counted,
            "Recovered": self.recovered,
            "Clone": clone,
        })
    }

    /// As CSV, in the order of [`ACTIVATION_COLUMNS`].
    pub fn to_record(&self) -> [String; 17] {
        let clone = self.cloned.as_ref();
        let address = |which: usize| clone.map_or_else(String::new, |mark| mark.addresses[which].to_string());
        [
            self.number.to_string(),
            self.key_no.to_string(),
            code_text(&self.code, false),
            self.started.to_string(),
            time(self.ended.map(|(time, _)| time)),
            self.ended.map_or_else(String::new, |(_, why)| why.name().into()),
            self.place.clone(),
            self.node.clone(),
            self.first_address.to_string(),
            self.last_address.to_string(),
            self.last_seen.to_string(),
            self.counted.to_string(),
            self.recovered.to_string(),
            clone.is_some().to_string(),
            time(clone.map(|mark| mark.time)),
            address(0),
            address(1),
        ]
    }
}

impl ApiKeyRow {
    /// As JSON.
    pub fn to_json(&self) -> Value {
        json!({ "Name": self.name, "Added": self.added })
    }
}

fn time(moment: Option<Timestamp>) -> String {
    moment.map_or_else(String::new, |moment| moment.to_string())
}
