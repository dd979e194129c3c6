//! What went wrong with an activation, and what to do next.

use crate::activation::{ActivationError, Refusal};

use super::super::failure::Failure;

const OFFLINE: &str = "without a network: `keynode activation request CODE --itn N --out request.json`, then have the vendor's centre answer that \
     file, and `keynode licence add ANSWER`";

/// A sentence that says what happened and what helps, with its exit code: 3 no centre, 4 unknown, 5 refused.
pub(in crate::cli) fn explain(error: ActivationError) -> Failure {
    match error {
        ActivationError::Refused(refusal) => refused(&refusal),
        ActivationError::NoCentre => {
            Failure::Settings(format!("{error}, or --activation-centre URL; {OFFLINE}"))
        }
        ActivationError::Unreachable { .. } => Failure::NoCentre(format!("{error}; {OFFLINE}")),
        ActivationError::Unknown(_) => Failure::NotFound(error.to_string()),
        ActivationError::Answer(_)
        | ActivationError::Carrier { .. }
        | ActivationError::Here(_)
        | ActivationError::NotSaved(_) => Failure::of(error),
    }
}

fn refused(refusal: &Refusal) -> Failure {
    let next = match refusal {
        Refusal::UnknownCode => {
            return Failure::NotFound(format!("{refusal}: compare it with what its vendor gave you"));
        }
        Refusal::Unavailable(_) => return Failure::NoCentre(format!("{refusal}; {OFFLINE}")),
        Refusal::BadRequest(_) => return Failure::of(format!("the activation centre says: {refusal}")),
        Refusal::Used | Refusal::NoMoves { .. } => {
            "; with it: keynode activation move CODE --itn N --recovery RECOVERYCODE"
        }
        Refusal::Holder => "; compare --itn and --iec with what the vendor knows of you",
        Refusal::Recovery => "; the vendor can give you another one",
        Refusal::Proof => "; unplug it, plug it in and try again; `keynode devices list` shows how it is",
        Refusal::NotHere => "; to have it here again: keynode activation activate CODE --itn N --again",
        Refusal::Revoked | Refusal::Expired(_) => "; ask the vendor",
        Refusal::TooMany { .. } => "",
    };
    Failure::NotAllowed(format!("{refusal}{next}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scripts_can_tell_the_causes_apart() {
        let unreachable = ActivationError::Unreachable {
            centre: "http://centre".into(),
            why: "refused".into(),
        };
        for (error, code, hint) in [
            (Refusal::UnknownCode.into(), 4, "compare"),
            (Refusal::Used.into(), 5, "--recovery"),
            (Refusal::NoMoves { again: None }.into(), 5, "--recovery"),
            (Refusal::Holder.into(), 5, "--itn"),
            (
                Refusal::Unavailable("full".into()).into(),
                3,
                "activation request",
            ),
            (unreachable, 3, "activation request"),
            (ActivationError::NoCentre, 78, "--activation-centre"),
            (ActivationError::Unknown("7".into()), 4, "7"),
        ] {
            let failure = explain(error);
            assert_eq!(failure.code(), code, "{failure}");
            assert!(failure.to_string().contains(hint), "{failure}");
        }
    }
}
