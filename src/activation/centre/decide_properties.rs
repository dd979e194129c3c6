//! What holds over any sequence of requests about one code.

use std::collections::HashMap;

use proptest::prelude::*;

use super::super::record::Recovery;
use super::super::testing::{activate, asked, nonce, record, then};
use super::*;
use crate::activation::Request;
use crate::licence::{ActivationCode, KeyNo, Revocation, Revocations};

/// Something that happens.
#[derive(Clone, Debug)]
enum Happening {
    /// A node asks for something new; `backup`: it has forgotten what was answered last.
    Asks {
        node: u8,
        action: Action,
        place: u8,
        recovery: bool,
        backup: bool,
    },
    /// A request of before comes again, whatever node it is of.
    Repeats(prop::sample::Index),
    /// Time passes, or the clock is put back.
    Passes(i64),
    /// The vendor makes a recovery code.
    Recovery,
    /// The vendor takes the code back.
    Revoked,
}

fn happenings() -> impl Strategy<Value = Vec<Happening>> {
    let action = prop_oneof![
        3 => Just(Action::Activate),
        2 => Just(Action::Renew),
        2 => Just(Action::Return),
    ];
    let asks = (1..4_u8, action, 1..5_u8, any::<bool>(), prop::bool::weighted(0.1)).prop_map(
        |(node, action, place, recovery, backup)| Happening::Asks {
            node,
            action,
            place,
            recovery,
            backup,
        },
    );
    let one = prop_oneof![
        12 => asks,
        4 => any::<prop::sample::Index>().prop_map(Happening::Repeats),
        4 => (-2 * DAY..90 * DAY).prop_map(Happening::Passes),
        1 => Just(Happening::Recovery),
        1 => prop::bool::weighted(0.1).prop_map(|sure| if sure { Happening::Revoked } else { Happening::Recovery }),
    ];
    prop::collection::vec(one, 1..120)
}

/// What was given for a request.
struct Said {
    node: u8,
    request: Request,
    licence: Option<Licence>,
    receipt: bool,
}

/// A centre with one code, and all that it ever gave out.
struct World {
    record: Record,
    now: Timestamp,
    said: Vec<Said>,
    /// The last nonce of each node that was answered.
    last: HashMap<u8, u64>,
    asked: u64,
    /// Moves without a recovery code.
    moves: Vec<Timestamp>,
}

impl World {
    fn new() -> Self {
        let mut record = record();
        record.series.period = 30;
        record.renew_until = Some(Timestamp::from_millis(1_700_000_000_000).plus(2_000 * DAY));
        Self {
            record,
            now: Timestamp::from_millis(1_700_000_000_000),
            said: Vec::new(),
            last: HashMap::new(),
            asked: 0,
            moves: Vec::new(),
        }
    }

    fn happens(&mut self, happening: &Happening) -> Result<(), TestCaseError> {
        match happening {
            Happening::Asks {
                node,
                action,
                place,
                recovery,
                backup,
            } => {
                self.asked += 1;
                let number = self.asked;
                let last = self.last.get(node).copied().filter(|_| !backup).unwrap_or(0);
                let mut request = match action {
                    Action::Activate => activate(number, *place),
                    other => then(*other, number, last),
                };
                request.last = Some(nonce(last));
                if *recovery && let Some(recovery) = self.record.recoveries.last() {
                    request.recovery = Some(recovery.code.clone());
                }
                if self.decide(*node, &request)? {
                    self.last.insert(*node, number);
                }
            }
            Happening::Repeats(which) if !self.said.is_empty() => {
                let said = which.get(&self.said);
                let (node, request) = (said.node, said.request.clone());
                self.decide(node, &request)?;
            }
            Happening::Repeats(_) => {}
            Happening::Passes(millis) => self.now = self.now.plus(*millis),
            Happening::Recovery => {
                let number = self.record.recoveries.len();
                self.record.recoveries.push(Recovery {
                    code: ActivationCode::parse(&format!("{number:020}")).unwrap(),
                    until: self.now.plus(14 * DAY),
                    used: false,
                });
            }
            Happening::Revoked => self.record.revoke(self.now),
        }
        self.check()
    }

    /// Has a request decided; the result says whether it was granted.
    fn decide(&mut self, node: u8, request: &Request) -> Result<bool, TestCaseError> {
        let before = self.record.clone();
        let decision = self.record.decide(&asked(request, node, self.now));
        let Ok(Decision { given, .. }) = decision else {
            prop_assert_eq!(&self.record, &before, "a refusal changes nothing");
            return Ok(false);
        };
        let (licence, receipt) = match given {
            Given::Licence { licence, .. } => (Some(*licence), false),
            Given::Nothing => (None, false),
            Given::Receipt(_) => (None, true),
        };
        if before.revoked.is_some() {
            prop_assert!(
                receipt,
                "a revoked code gives nothing but a receipt that it gave before"
            );
        }
        let moved = self.record.moved.len() > before.moved.len();
        let used = |record: &Record| record.recoveries.iter().filter(|recovery| recovery.used).count();
        let place = |record: &Record| {
            let places = [&record.current, &record.last];
            let place = places.into_iter().flatten().next();
            place.map(|place| place.document.binding.clone())
        };
        let elsewhere = before.begun.is_some() && place(&before) != place(&self.record);
        prop_assert_eq!(elsewhere, moved || used(&self.record) > used(&before));
        if moved {
            self.moves.push(self.now);
        }
        for said in &self.said {
            if said.node == node && said.request.nonce == request.nonce {
                prop_assert!(
                    licence.is_none() || said.licence.is_none() || said.licence == licence,
                    "two documents with one nonce"
                );
                prop_assert_eq!(said.receipt, receipt);
                prop_assert_eq!(&self.record.revocation, &before.revocation);
            }
        }
        self.said.push(Said {
            node,
            request: request.clone(),
            licence,
            receipt,
        });
        Ok(true)
    }

    fn check(&self) -> Result<(), TestCaseError> {
        let key_no: KeyNo = self.record.key_no;
        let list = Revocations {
            keys: self
                .record
                .revocation
                .map(|revocation| (key_no, revocation))
                .into_iter()
                .collect(),
            ..Revocations::default()
        };
        let current = self.record.current.as_ref().map(|current| &current.document);
        for said in &self.said {
            let Some(licence) = &said.licence else { continue };
            // A place may have had several documents: those count as long as it is the present one.
            let counts = current.is_some_and(|current| {
                current.binding == licence.binding && current.activation_date == licence.activation_date
            });
            let until = self.record.revocation.map(|Revocation(until, _)| until);
            let here = counts && until.is_none_or(|until| licence.issued.unwrap() > until);
            prop_assert_eq!(list.reason(licence).is_none(), here);
        }
        if let Some(current) = current {
            prop_assert!(list.reason(current).is_none(), "the present document counts");
            prop_assert!(current.check().is_ok());
        }
        prop_assert!(self.record.revoked.is_none() || current.is_none());
        for end in &self.moves {
            let year = self
                .moves
                .iter()
                .filter(|moved| **moved <= *end && moved.plus(YEAR) > *end)
                .count();
            prop_assert!(year <= 2, "{} moves in a year", year);
        }
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn the_rules_hold_whatever_happens(happenings in happenings()) {
        let mut world = World::new();
        for happening in &happenings {
            world.happens(happening)?;
        }
    }
}
