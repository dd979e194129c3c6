//! What the books are asked, and the rows that they show.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::licence::{ActivationCode, Iec, Itn, KeyId, KeyNo, Timestamp};

/// Codes to issue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IssueOrder {
    /// Their series.
    pub key_id: KeyId,
    /// How many, 1 to 10,000,000.
    pub count: u64,
    /// What the vendor calls the batch: a customer, an order. At most 200 characters.
    pub note: String,
    /// Registration number of all of them; none: each its running number.
    pub reg_no: Option<u64>,
    /// The holder, where that is known beforehand.
    pub itn: Option<Itn>,
    /// The holder's IEC; only with an ITN.
    pub iec: Option<Iec>,
    /// Unused codes expire then.
    pub valid_until: Option<Timestamp>,
    /// Licences with a Period are renewed up to then.
    pub renew_until: Option<Timestamp>,
    /// Moves in 365 days; none: as the series says.
    pub moves: Option<u32>,
    /// What the vendor's own system calls this order, at most 200 characters: an order of the same name is the same one.
    pub order: Option<String>,
}

impl IssueOrder {
    /// Codes for anybody, without further terms.
    pub fn new(key_id: KeyId, count: u64) -> Self {
        Self {
            key_id,
            count,
            note: String::new(),
            reg_no: None,
            itn: None,
            iec: None,
            valid_until: None,
            renew_until: None,
            moves: None,
            order: None,
        }
    }
}

/// A code that is on disk now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IssuedCode {
    /// The code.
    pub code: ActivationCode,
    /// Serial number of its licence.
    pub key_no: KeyNo,
    /// Registration number of its licence.
    pub reg_no: u64,
}

impl From<CodeRow> for IssuedCode {
    fn from(row: CodeRow) -> Self {
        Self {
            code: row.code,
            key_no: row.key_no,
            reg_no: row.reg_no,
        }
    }
}

/// Codes that were ordered together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// Its number, from 1.
    pub number: u64,
    /// Its series.
    pub key_id: KeyId,
    /// How many codes were ordered.
    pub count: u64,
    /// How many there are; fewer than ordered where issuing was interrupted.
    pub issued: u64,
    /// When it was ordered.
    pub created: Timestamp,
    /// What the vendor calls it.
    pub note: String,
    /// The order's name, where it has one.
    pub order: Option<String>,
}

/// One code, by either of its names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Which {
    /// By itself.
    Code(ActivationCode),
    /// By the serial number of its licence.
    KeyNo(KeyNo),
}

/// How it stands with a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CodeState {
    /// Never used.
    New,
    /// Never used, and too late.
    Expired,
    /// In use.
    Active,
    /// Given back: it can be used again.
    Returned,
    /// Taken back by the vendor.
    Revoked,
}

/// A code as the books show it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CodeRow {
    /// The code.
    pub code: ActivationCode,
    /// Serial number of its licence.
    pub key_no: KeyNo,
    /// Registration number of its licence.
    pub reg_no: u64,
    /// Its series.
    pub key_id: KeyId,
    /// Its batch.
    pub batch: u64,
    /// How it stands.
    pub state: CodeState,
    /// The holder.
    pub itn: Option<Itn>,
    /// The holder's IEC.
    pub iec: Option<Iec>,
    /// Until when it must be used for the first time.
    pub valid_until: Option<Timestamp>,
    /// Until when its licence is renewed.
    pub renew_until: Option<Timestamp>,
    /// When its licence ends now, where it was ever activated and has a Period.
    pub expires: Option<Timestamp>,
    /// Moves in 365 days.
    pub moves: u32,
    /// When the vendor took it back.
    pub revoked: Option<Timestamp>,
    /// Two nodes use its present activation.
    pub cloned: bool,
}

/// Which codes to show, in the order of their KeyNo.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CodeFilter {
    /// Of this batch.
    pub batch: Option<u64>,
    /// Of this series.
    pub key_id: Option<KeyId>,
    /// Of this holder.
    pub itn: Option<Itn>,
    /// In this state.
    pub state: Option<CodeState>,
    /// Those after this one.
    pub after: Option<KeyNo>,
    /// At most so many.
    pub limit: Option<u64>,
}

/// Which activations to show, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ActivationFilter {
    /// Of this key.
    pub key_no: Option<KeyNo>,
    /// Of this series.
    pub key_id: Option<KeyId>,
    /// Only those that have not ended.
    pub current: bool,
    /// Only those that two nodes use.
    pub cloned: bool,
    /// Those after the one with this number.
    pub after: Option<u64>,
    /// At most so many.
    pub limit: Option<u64>,
}

/// Why an activation ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// It is elsewhere now.
    Moved,
    /// It was given back.
    Returned,
    /// The vendor took it back.
    Revoked,
}

/// Two nodes use one activation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CloneMark {
    /// When that was seen.
    pub time: Timestamp,
    /// Where the two asked from; both may be the same.
    pub addresses: [IpAddr; 2],
}

/// A place that a licence has or had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActivationRow {
    /// Its number.
    pub number: u64,
    /// The key.
    pub key_no: KeyNo,
    /// The code.
    pub code: ActivationCode,
    /// When it began.
    pub started: Timestamp,
    /// When and why it ended.
    pub ended: Option<(Timestamp, End)>,
    /// The place in words: `computer 3F0A…` (the first digits of its ComputerID), `carrier hid 0A1B…`.
    pub place: String,
    /// The first 16 hexadecimal digits of the SHA-256 of the node's public key.
    pub node: String,
    /// Where it was first asked for from.
    pub first_address: IpAddr,
    /// Where it was last asked for from.
    pub last_address: IpAddr,
    /// When the node was last heard of.
    pub last_seen: Timestamp,
    /// It counts as a move.
    pub counted: bool,
    /// A recovery code was used for it.
    pub recovered: bool,
    /// Two nodes use it.
    pub cloned: Option<CloneMark>,
}

/// A code that takes a licence from a computer that is lost. It is shown once and stored as a hash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecoveryCode {
    /// What the customer types.
    pub code: ActivationCode,
    /// How long it can be used, once.
    pub until: Timestamp,
}

/// A key of the vendor's own systems.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiKeyRow {
    /// What the vendor calls it.
    pub name: String,
    /// When it was made.
    pub added: Timestamp,
}
