//! What somebody asks this node for: a licence for a code, and what becomes of it.

use std::path::PathBuf;
use std::sync::Arc;

use crate::licence::binding::CarrierBinding;
use crate::licence::{ActivationCode, Iec, Itn, KeyNo, Licence};

use super::answer::Refusal;

/// A code to activate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// The code.
    pub code: ActivationCode,
    /// The holder's tax number.
    pub itn: Itn,
    /// The holder's IEC (KPP).
    pub iec: Option<Iec>,
    /// What the licence is to be bound to.
    pub place: Place,
    /// Takes the licence from a computer that is lost.
    pub recovery: Option<ActivationCode>,
}

/// What a licence is to be bound to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// This computer.
    Computer,
    /// A carrier that is plugged in.
    Carrier {
        /// Its stable name.
        id: String,
        /// What the licence is bound to.
        binding: CarrierBinding,
        /// The licence's `BlankKeyNo`.
        number: KeyNo,
    },
}

/// A licence that is here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Activated {
    /// The licence.
    pub licence: Arc<Licence>,
    /// Its file.
    pub path: PathBuf,
    /// It was not here before.
    pub new: bool,
}

/// Why a code was not activated, a licence not renewed or not returned. Nothing was changed then.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ActivationError {
    /// The centre says no.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// No centre is set.
    #[error("no activation centre is set: activation.centre in the settings")]
    NoCentre,
    /// The centre does not answer.
    #[error("the activation centre {centre} cannot be reached: {why}")]
    Unreachable {
        /// Its address.
        centre: String,
        /// Why, in words.
        why: String,
    },
    /// What came back is not what was asked for, or not from the vendor.
    #[error("the answer of the activation centre is not accepted: {0}")]
    Answer(String),
    /// The carrier cannot take part.
    #[error("the carrier {id}: {why}")]
    Carrier {
        /// Its stable name.
        id: String,
        /// Why.
        why: String,
    },
    /// Something here is in the way.
    #[error("{0}")]
    Here(String),
    /// It cannot be read or written here.
    #[error("{0}")]
    NotSaved(String),
    /// There is no such activation on this node.
    #[error("{0}")]
    Unknown(String),
}
