//! What is kept about activations of this node: for each code what was asked, what is asked still, and how it went.

use rusqlite::{Connection, OptionalExtension, Row, params};

use crate::licence::binding::CarrierBinding;
use crate::licence::{ActivationCode, Iec, Itn, KeyNo, Timestamp};

/// A code that this node has activated, or has asked to activate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActivationRow {
    /// The code.
    pub code: ActivationCode,
    /// The holder's tax number.
    pub itn: Itn,
    /// The holder's IEC (KPP).
    pub iec: Option<Iec>,
    /// The carrier that the licence is for; none: for this computer.
    pub carrier: Option<ActivationCarrier>,
    /// Address of the centre that was asked last; none: it was asked offline.
    pub centre: Option<String>,
    /// The licence, once it is here.
    pub key_no: Option<KeyNo>,
    /// Name of the vendor key that signed it.
    pub kid: Option<String>,
    /// Nonce of the last request that was answered.
    pub last: Option<String>,
    /// The request that was not answered yet.
    pub pending: Option<PendingRequest>,
    /// When the centre last answered.
    pub contact: Option<Timestamp>,
    /// What went wrong last, in words; none: it went well.
    pub trouble: Option<String>,
    /// Failures in a row.
    pub failures: u32,
    /// Not to be tried before.
    pub next: Option<Timestamp>,
    /// The `ComputerID` for which the centre has refused to activate it again.
    pub refused_for: Option<String>,
}

/// A carrier that a licence is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActivationCarrier {
    /// Its stable name.
    pub id: String,
    /// What the licence is bound to.
    pub binding: CarrierBinding,
    /// The licence's `BlankKeyNo`.
    pub number: KeyNo,
}

/// A request that is repeated as it is until it was answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PendingRequest {
    /// What it wants: `activate`, `renew` or `return`.
    pub action: String,
    /// Its text, sealed.
    pub text: String,
    /// It goes to the centre by other ways than the network.
    pub offline: bool,
}
