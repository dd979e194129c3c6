//! A session key as it is kept, and which questions it answers.

use serde::{Deserialize, Serialize};

use crate::licence::Timestamp;

use super::super::outcome::Trouble;
use super::super::secret::Secret;
use super::super::state::Kept;
use super::kind::TokenType;

/// A token with less left is of no use to anybody, in milliseconds (as 1C has it).
pub(super) const STALE: i64 = 60_000;

/// No token lives longer, in milliseconds: whatever says so is wrong, a clock or the operator.
pub(super) const LONGEST: i64 = 24 * 60 * 60 * 1000;

/// What a caller asks for a token by.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Place {
    /// The type.
    pub kind: TokenType,
    /// The organisation.
    pub itn: String,
    /// The place of production; empty: none.
    pub facility: String,
}

/// What one token is for: several places share it where they share a connection.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Slot {
    pub(super) kind: TokenType,
    /// Empty for the order management station, whose tokens belong to connections.
    itn: String,
    /// The place of production, or the connection.
    place: String,
}

impl Slot {
    /// The token of a connection; without one, that of a place.
    pub(super) fn new(place: &Place, connection: Option<&str>) -> Self {
        match connection {
            Some(connection) => Self {
                kind: place.kind,
                itn: String::new(),
                place: connection.to_ascii_lowercase(),
            },
            None => Self {
                kind: place.kind,
                itn: place.itn.clone(),
                place: place.facility.clone(),
            },
        }
    }

    /// The name of its record and of the job about it.
    pub(super) fn name(&self) -> String {
        format!("{}/{}/{}", self.kind.word(), self.itn, self.place)
    }
}

/// What is kept openly of a session key; the token is its secret part. It is here too where no token was ever had, so that
/// what the operator refused is remembered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct SessionKey {
    /// The type.
    pub token_type: TokenType,
    /// Who signed in.
    #[serde(rename = "ITN")]
    pub itn: String,
    /// The place of production that it was first asked for; empty: none.
    pub production_facility: String,
    /// The connection of the order management station that it is for.
    pub connection: Option<String>,
    /// The server that gave it.
    pub server: String,
    /// The ITN that the operator was told.
    pub told_itn: Option<String>,
    /// When it was had.
    pub obtained: Option<Timestamp>,
    /// Until when it can be used.
    pub valid_until: Option<Timestamp>,
    /// SHA-1 thumbprint of the certificate that signed.
    pub certificate: Option<String>,
    /// Tries that failed since.
    pub failures: u32,
    /// How the last of them ended.
    pub trouble: Option<Trouble>,
    /// When that was.
    pub tried: Option<Timestamp>,
    /// The operator is not asked before.
    pub not_before: Option<Timestamp>,
    /// A sign-in for the same connection may have ended it: it was begun, and its end is not known.
    #[serde(default)]
    pub doubtful: bool,
}

impl Kept for SessionKey {
    const KIND: &'static str = "ismp-session-key";
}

impl SessionKey {
    /// Nothing was had yet.
    pub(super) fn new(place: &Place, connection: Option<String>) -> Self {
        Self {
            token_type: place.kind,
            itn: place.itn.clone(),
            production_facility: place.facility.clone(),
            connection,
            server: String::new(),
            told_itn: None,
            obtained: None,
            valid_until: None,
            certificate: None,
            failures: 0,
            trouble: None,
            tried: None,
            not_before: None,
            doubtful: false,
        }
    }

    /// What it was first asked for by.
    pub(super) fn place(&self) -> Place {
        Place {
            kind: self.token_type,
            itn: self.itn.clone(),
            facility: self.production_facility.clone(),
        }
    }
}

/// A token in memory.
#[derive(Clone, Debug)]
pub struct Live {
    /// The token.
    pub token: Secret,
    /// When it was had.
    pub obtained: Timestamp,
    /// Until when it can be used.
    pub valid_until: Timestamp,
    /// SHA-1 thumbprint of the certificate that signed.
    pub(super) certificate: Option<String>,
    /// The server that gave it.
    pub(super) server: String,
    /// The ITN that the operator was told.
    pub(super) told_itn: Option<String>,
    /// Tells it from all others of this run.
    pub(super) number: u64,
}

impl Live {
    /// Whether it can be used now. One that was had in the future, or ends beyond every life, shows a clock that was set:
    /// nobody knows how long it has.
    pub(super) fn is_good(&self, now: Timestamp) -> bool {
        is_good(self.obtained, self.valid_until, now)
    }
}

/// As [`Live::is_good`].
pub(super) fn is_good(obtained: Timestamp, valid_until: Timestamp, now: Timestamp) -> bool {
    let left = valid_until.millis() - now.millis();
    left > STALE && left <= LONGEST && obtained.millis() - now.millis() <= STALE
}

/// When a token is to be renewed: so long before its end, but not in the first half of its life.
pub(super) fn renewal(obtained: Timestamp, valid_until: Timestamp, before: i64) -> Timestamp {
    let half = obtained.plus((valid_until.millis() - obtained.millis()) / 2);
    valid_until.plus(-before).max(half)
}
