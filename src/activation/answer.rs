//! What a centre answers: a licence, a receipt, or why not.

use serde::{Deserialize, Serialize};

use crate::licence::Timestamp;

/// The answer to [`Activate`](super::Action::Activate) and [`Renew`](super::Action::Renew).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct LicenceAnswer {
    /// The licence file; null where a renewal has nothing new.
    pub licence: Option<String>,
}

/// The answer to [`Return`](super::Action::Return).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ReceiptAnswer {
    /// A signed [`Receipt`](crate::licence::Receipt).
    pub receipt: String,
}

/// Why a centre refuses.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It is no request, or one that cannot be.
    #[error("{0}")]
    BadRequest(String),
    /// There is no such code.
    #[error("the activation code is unknown")]
    UnknownCode,
    /// The code belongs to somebody with another ITN or IEC.
    #[error("the activation code belongs to a holder with another ITN or IEC")]
    Holder,
    /// It is in use on another computer or carrier.
    #[error(
        "the activation code is in use elsewhere: return the licence there, or ask the vendor for a recovery code if \
         that computer is lost"
    )]
    Used,
    /// It was moved as often as the vendor allows.
    #[error("the licence was moved as often as its vendor allows{}: ask the vendor for a recovery code", until(*.again))]
    NoMoves {
        /// When the next move is allowed.
        again: Option<Timestamp>,
    },
    /// The vendor has revoked it.
    #[error("the vendor has revoked the activation code")]
    Revoked,
    /// It was to be used before a date.
    #[error("the activation code was to be used before {0}")]
    Expired(Timestamp),
    /// The recovery code is wrong, used or too old.
    #[error("the recovery code is wrong, was used already, or is too old")]
    Recovery,
    /// The carrier did not prove itself.
    #[error("the carrier has not proved itself to the centre")]
    Proof,
    /// The licence is not with the node that wants to renew or return it.
    #[error("the licence is not with this node any more: it was moved, returned or revoked")]
    NotHere,
    /// Too many requests failed.
    #[error("too many requests failed: try again in {seconds} s")]
    TooMany {
        /// When to try again.
        seconds: u64,
    },
    /// The centre itself has a fault.
    #[error("the activation centre cannot answer: {0}")]
    Unavailable(String),
}

fn until(again: Option<Timestamp>) -> String {
    again.map_or_else(String::new, |again| format!(", until {again}"))
}

/// A refusal on its way, in the form of the External API's errors and with what its fields need.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Wire {
    code: u16,
    text: String,
    message: String,
    exception: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    until: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    seconds: Option<u64>,
}

impl Refusal {
    /// The status of the answer.
    pub fn status(&self) -> u16 {
        match self {
            Self::BadRequest(_) => 400,
            Self::UnknownCode => 404,
            Self::TooMany { .. } => 429,
            Self::Unavailable(_) => 503,
            _ => 403,
        }
    }

    /// The name of the exception.
    pub fn exception(&self) -> &'static str {
        match self {
            Self::BadRequest(_) => "EActivationRequest",
            Self::UnknownCode => "EActivationCodeNotFound",
            Self::Holder => "EActivationHolder",
            Self::Used => "EActivationCodeUsed",
            Self::NoMoves { .. } => "EActivationNoMoves",
            Self::Revoked => "EActivationRevoked",
            Self::Expired(_) => "EActivationExpired",
            Self::Recovery => "EActivationRecovery",
            Self::Proof => "EActivationProof",
            Self::NotHere => "EActivationNotHere",
            Self::TooMany { .. } => "EActivationTooMany",
            Self::Unavailable(_) => "EActivationCentreUnavailable",
        }
    }

    /// The body of the answer, JSON.
    pub fn body(&self) -> String {
        let text = match self.status() {
            400 => "Bad Request",
            403 => "Forbidden",
            404 => "Not found",
            429 => "Too Many Requests",
            _ => "Service Unavailable",
        };
        let (until, seconds) = match self {
            Self::NoMoves { again } => (*again, None),
            Self::Expired(moment) => (Some(*moment), None),
            Self::TooMany { seconds } => (None, Some(*seconds)),
            _ => (None, None),
        };
        let wire = Wire {
            code: self.status(),
            text: text.into(),
            message: self.to_string(),
            exception: self.exception().into(),
            until,
            seconds,
        };
        serde_json::to_string(&wire).expect("a struct of strings and numbers always has a JSON form")
    }

    /// Reads the body of an answer; none where no centre can have written it.
    pub fn read(body: &[u8]) -> Option<Self> {
        let wire: Wire = serde_json::from_slice(body).ok()?;
        let said: String = wire
            .message
            .chars()
            .filter(|c| !c.is_control())
            .take(200)
            .collect();
        let refusal = match wire.exception.as_str() {
            "EActivationRequest" => Self::BadRequest(said),
            "EActivationCodeNotFound" => Self::UnknownCode,
            "EActivationHolder" => Self::Holder,
            "EActivationCodeUsed" => Self::Used,
            "EActivationNoMoves" => Self::NoMoves { again: wire.until },
            "EActivationRevoked" => Self::Revoked,
            "EActivationExpired" => Self::Expired(wire.until?),
            "EActivationRecovery" => Self::Recovery,
            "EActivationProof" => Self::Proof,
            "EActivationNotHere" => Self::NotHere,
            "EActivationTooMany" => Self::TooMany {
                seconds: wire.seconds?.min(86_400),
            },
            "EActivationCentreUnavailable" => Self::Unavailable(said),
            _ => return None,
        };
        Some(refusal)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_are_read_back() {
        let moment = Timestamp::from_millis(1_600_000_000_000);
        for refusal in [
            Refusal::UnknownCode,
            Refusal::Holder,
            Refusal::Used,
            Refusal::NoMoves { again: Some(moment) },
            Refusal::NoMoves { again: None },
            Refusal::Revoked,
            Refusal::Expired(moment),
            Refusal::Recovery,
            Refusal::Proof,
            Refusal::NotHere,
            Refusal::TooMany { seconds: 60 },
        ] {
            assert_eq!(Refusal::read(refusal.body().as_bytes()), Some(refusal));
        }
        let bad = Refusal::BadRequest("no".into());
        assert_eq!(Refusal::read(bad.body().as_bytes()), Some(bad));
        assert_eq!(Refusal::read(b"<html>"), None);
        assert_eq!(Refusal::read(b"{}"), None);
    }
}
