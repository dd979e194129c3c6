//! The verdict on a key: is it Workable, is it Enabled, and if not, why. One pure function.

use super::binding::{Binding, Carriers, Fingerprint};
use super::jws::OpenFailure;
use super::record::Licence;
use super::revocation::RevocationReason;
use super::timestamp::Timestamp;

/// A wall clock that is this far behind the highest time seen has been turned back (spec, row 35).
pub const CLOCK_TOLERANCE: i64 = 5 * 60 * 1000;

/// What the verdict depends on beside the licence itself.
#[derive(Clone, Copy, Debug)]
pub struct Circumstances<'a> {
    /// Wall time.
    pub now: Timestamp,
    /// The highest wall time that this node has ever seen.
    pub highest: Timestamp,
    /// The computer as it is.
    pub computer: &'a Fingerprint,
    /// The carriers that are plugged in.
    pub carriers: &'a Carriers,
    /// Why the device that the licence lies on does not vouch for it, where it lies on one.
    pub obstacle: Option<&'a str>,
    /// The administrator has switched the key off.
    pub switched_off: bool,
    /// Why its vendor has revoked it, where he has.
    pub revoked: Option<RevocationReason>,
    /// Files of other keys that claim the same KeyNo.
    pub rivals: &'a [String],
}

/// What follows for the key (spec, row 19).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// The key can be read, is authentic, and is where it belongs.
    pub workable: bool,
    /// Why it is not Workable.
    pub open_error: Option<String>,
    /// It gives seats.
    pub enabled: bool,
    /// Why it is not Enabled: the OpenError, or that it expired, has not started, or is switched off.
    pub cause: Option<String>,
}

impl Verdict {
    fn unworkable(why: String) -> Self {
        Self {
            workable: false,
            open_error: Some(why.clone()),
            enabled: false,
            cause: Some(why),
        }
    }
}

/// Judges a key.
pub fn judge(licence: Result<&Licence, &OpenFailure>, given: &Circumstances<'_>) -> Verdict {
    let licence = match licence {
        Ok(licence) => licence,
        Err(failure) => return Verdict::unworkable(failure.to_string()),
    };
    if let Some(why) = open_error(licence, given) {
        return Verdict::unworkable(why);
    }
    let cause = if given.switched_off {
        Some("switched off by the administrator".to_owned())
    } else if licence.is_expired(given.now) {
        licence
            .expire_date()
            .map(|end| format!("its period ended on {end}"))
    } else if licence.has_started(given.now) {
        None
    } else {
        licence
            .start_date
            .map(|start| format!("its period starts on {start}"))
    };
    Verdict {
        workable: true,
        open_error: None,
        enabled: cause.is_none(),
        cause,
    }
}

/// Judges a carrier without a licence: it is Workable where it proves itself, and never Enabled (spec, rows 19 and
/// 20).
pub fn judge_blank(obstacle: Option<&str>) -> Verdict {
    let open_error = obstacle.map(str::to_owned);
    let cause = open_error.clone().or_else(|| Some("it holds no licence".into()));
    Verdict {
        workable: open_error.is_none(),
        open_error,
        enabled: false,
        cause,
    }
}

fn open_error(licence: &Licence, given: &Circumstances<'_>) -> Option<String> {
    if let Some(obstacle) = given.obstacle {
        return Some(obstacle.to_owned());
    }
    if let Some(reason) = given.revoked {
        return Some(revoked(licence, reason));
    }
    if !given.rivals.is_empty() {
        return Some(format!(
            "KeyNo {} is also in {}: keep one of them",
            licence.key_no,
            given.rivals.join(", ")
        ));
    }
    let carrier = match &licence.binding {
        Binding::Computer(binding) => {
            let comparison = binding.compare(given.computer);
            if !comparison.matches {
                let why = comparison.describe();
                let remedy = activation(licence);
                return Some(remedy.map_or(why.clone(), |command| {
                    format!("{why}; to take it to this computer: {command}")
                }));
            }
            None
        }
        Binding::Carrier(carrier) => Some(carrier),
        Binding::None => None,
    };
    if let Err(miss) = given.carriers.vouch(carrier, licence.blank_key_no) {
        return Some(miss.to_string());
    }
    let turned_back = given.highest.millis() - given.now.millis();
    (licence.period > 0 && turned_back > CLOCK_TOLERANCE).then(|| {
        // Without the present time: a text that changes each second would be a new verdict each second.
        format!(
            "the clock was turned back: this node has seen {} already",
            given.highest
        )
    })
}

/// Why a revoked licence is not Workable, and what to do.
fn revoked(licence: &Licence, reason: RevocationReason) -> String {
    let again = |what: &str| match activation(licence) {
        Some(command) => format!("{what}: {command}"),
        None => "ask the vendor for another".into(),
    };
    let todo = match reason {
        RevocationReason::Moved => again("to take it back here"),
        RevocationReason::Returned => again("to use it here again"),
        RevocationReason::Revoked => "ask the vendor".into(),
    };
    format!("revoked by its vendor: {reason}; {todo}")
}

/// The command that activates a licence with its code anew. Whoever has the code knows which one is meant by its ends;
/// others who read this are not to have it.
fn activation(licence: &Licence) -> Option<String> {
    let code = licence.activation_code.as_ref()?;
    Some(format!(
        "keynode activation activate {code:?}, with the code in full"
    ))
}

#[cfg(test)]
mod tests {
    use super::super::binding::{CarrierBinding, Component, ComponentKind, ComputerBinding};
    use super::super::tests::licence;
    use super::super::timestamp::DAY;
    use super::*;

    fn judged(licence: &Licence, change: impl FnOnce(&mut Circumstances<'_>)) -> Verdict {
        let computer = Fingerprint::default();
        let now = licence.activation_date.plus(DAY);
        let mut given = Circumstances {
            now,
            highest: now,
            computer: &computer,
            carriers: &Carriers::default(),
            obstacle: None,
            switched_off: false,
            revoked: None,
            rivals: &[],
        };
        change(&mut given);
        judge(Ok(licence), &given)
    }

    #[test]
    fn a_good_licence_is_enabled() {
        let verdict = judged(&licence(), |_| ());
        assert_eq!(
            verdict,
            Verdict {
                workable: true,
                open_error: None,
                enabled: true,
                cause: None
            }
        );
    }

    #[test]
    fn an_open_failure_is_the_open_error() {
        let computer = Fingerprint::default();
        let now = Timestamp::from_millis(0);
        let given = Circumstances {
            now,
            highest: now,
            computer: &computer,
            carriers: &Carriers::default(),
            obstacle: None,
            switched_off: false,
            revoked: None,
            rivals: &[],
        };
        let verdict = judge(Err(&OpenFailure::Signature), &given);
        assert!(!verdict.workable && !verdict.enabled);
        assert_eq!(verdict.open_error, Some(OpenFailure::Signature.to_string()));
    }

    #[test]
    fn switched_off_expired_and_not_started_keys_are_workable_and_not_enabled() {
        let off = judged(&licence(), |given| given.switched_off = true);
        assert!(off.workable && off.open_error.is_none() && !off.enabled);
        let mut period = licence();
        period.period = 1;
        let expired = judged(&period, |_| ());
        assert!(expired.workable && !expired.enabled && expired.cause.unwrap().contains("ended"));
        period.start_date = Some(period.activation_date.plus(2 * DAY));
        let early = judged(&period, |_| ());
        assert!(early.workable && !early.enabled && early.cause.unwrap().contains("starts"));
    }

    /// A licence bound to a computer that has a disk.
    fn bound_to_a_disk() -> Licence {
        let disk = Component {
            kind: ComponentKind::Disk,
            value: "00".into(),
        };
        Licence {
            binding: Binding::Computer(ComputerBinding {
                components: vec![disk],
                tolerance: 0,
            }),
            ..licence()
        }
    }

    #[test]
    fn another_computer_an_absent_carrier_and_rivals_are_not_workable() {
        let mut bound = bound_to_a_disk();
        assert!(judged(&bound, |_| ()).open_error.unwrap().contains("disk"));
        let carrier = CarrierBinding {
            driver: "hid".into(),
            serial: "LK-42".into(),
            public_key: None,
        };
        bound.binding = Binding::Carrier(carrier);
        assert!(judged(&bound, |_| ()).open_error.unwrap().contains("LK-42"));
        let rivals = ["a.licence".to_owned()];
        let computer = Fingerprint::default();
        let now = licence().activation_date;
        let given = Circumstances {
            now,
            highest: now,
            computer: &computer,
            carriers: &Carriers::default(),
            obstacle: None,
            switched_off: false,
            revoked: None,
            rivals: &rivals,
        };
        assert!(
            judge(Ok(&licence()), &given)
                .open_error
                .unwrap()
                .contains("a.licence")
        );
    }

    #[test]
    fn a_changed_computer_is_told_with_the_way_to_go_on() {
        let mut bound = bound_to_a_disk();
        let error = judged(&bound, |_| ()).open_error.unwrap();
        assert!(error.contains("disk"), "{error}");
        assert!(
            error.contains("keynode activation activate 4345-…-5361"),
            "{error}"
        );
        assert!(!error.contains("9320"), "the code is not told: {error}");
        bound.activation_code = None;
        let error = judged(&bound, |_| ()).open_error.unwrap();
        assert!(!error.contains("activat"), "{error}");
    }

    #[test]
    fn a_revoked_licence_is_not_workable_whatever_its_rivals() {
        let told = |licence: &Licence, reason| {
            let rivals = ["a.licence".to_owned()];
            let computer = Fingerprint::default();
            let now = licence.activation_date;
            let given = Circumstances {
                now,
                highest: now,
                computer: &computer,
                carriers: &Carriers::default(),
                obstacle: None,
                switched_off: false,
                revoked: Some(reason),
                rivals: &rivals,
            };
            let verdict = judge(Ok(licence), &given);
            assert!(!verdict.workable && !verdict.enabled);
            verdict.open_error.unwrap()
        };
        for (reason, says) in [
            (
                RevocationReason::Moved,
                "revoked by its vendor: it is in use elsewhere now; to take it back here: keynode",
            ),
            (
                RevocationReason::Returned,
                "revoked by its vendor: it was returned; to use it here again: keynode",
            ),
            (
                RevocationReason::Revoked,
                "revoked by its vendor: the vendor took it back; ask the vendor",
            ),
        ] {
            let error = told(&licence(), reason);
            assert!(error.starts_with(says) && !error.contains("9320"), "{error}");
        }
        let codeless = Licence {
            activation_code: None,
            ..licence()
        };
        assert!(told(&codeless, RevocationReason::Moved).ends_with("ask the vendor for another"));
    }

    #[test]
    fn a_clock_turned_back_stops_keys_with_a_period_only() {
        let mut period = licence();
        period.period = 30;
        let back = |given: &mut Circumstances<'_>| given.highest = given.now.plus(CLOCK_TOLERANCE + 1);
        assert!(judged(&period, back).open_error.unwrap().contains("turned back"));
        assert!(judged(&licence(), back).enabled);
        let little = |given: &mut Circumstances<'_>| given.highest = given.now.plus(CLOCK_TOLERANCE);
        assert!(judged(&period, little).enabled);
    }
}
