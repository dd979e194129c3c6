//! What a key offers to sessions, and why a session may be refused.

use std::cmp::Ordering;

use crate::licence::{KeyId, KeyNo, KeyType, Timestamp};

/// A key, as far as the ledger needs to know it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    /// Serial number.
    pub key_no: KeyNo,
    /// Series.
    pub key_id: KeyId,
    /// Main, additional or demonstration.
    pub key_type: KeyType,
    /// End of validity.
    pub expires: Option<Timestamp>,
    /// LicenceCount.
    pub seats: u32,
    /// `Err` says why the key is not Enabled.
    pub enabled: Result<(), String>,
    /// Access codes that the settings list the key under; empty: open to all (spec, row 40).
    pub codes: Vec<String>,
}

impl Offer {
    /// The order in which keys of a series are used: KeyType, the soonest end, the lowest KeyNo
    /// (spec, row 24).
    pub(super) fn cmp_use(&self, other: &Self) -> Ordering {
        let rank = |offer: &Self| {
            (
                offer.key_type,
                offer.expires.is_none(),
                offer.expires,
                offer.key_no,
            )
        };
        rank(self).cmp(&rank(other))
    }
}

/// Class of a refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reason {
    /// No key of the series is here.
    UnknownSeries,
    /// All seats are taken.
    NoFreeSeat,
    /// Keys are here, but none of them can be used.
    NotWorkable,
}

impl Reason {
    /// Name of its exception in the API.
    pub fn name(self) -> &'static str {
        match self {
            Self::UnknownSeries => "ELicenceNotFound",
            Self::NoFreeSeat => "ELicenceNoFree",
            Self::NotWorkable => "ELicenceNotWorkable",
        }
    }
}

/// Why a session got no seat (spec, row 25).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub struct Refusal {
    /// The class.
    pub reason: Reason,
    /// The sentence for the client.
    pub text: String,
}
