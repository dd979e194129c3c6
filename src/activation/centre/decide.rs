//! What becomes of a request: the rules of the centre, pure. A refusal changes nothing.

use crate::activation::{Action, Refusal};
use crate::licence::{DAY, Licence, Receipt, RevocationReason, Timestamp};

use super::clones::{Heads, Step};
use super::record::{Activation, Asked, Record};
use super::rows::{CloneMark, End};

/// Moves are counted over so many days.
const YEAR: i64 = 365 * DAY;

/// What a node is given, before it is signed.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Given {
    /// A licence; `new`: it was not there before.
    Licence { licence: Box<Licence>, new: bool },
    /// Nothing new.
    Nothing,
    /// The licence was given back.
    Receipt(Receipt),
}

/// What was decided.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Decision {
    pub(super) given: Given,
    /// What goes into the audit log: event and detail; none for what was said before, and for signs of life.
    pub(super) event: Option<(&'static str, &'static str)>,
    /// It was found just now that two nodes use the activation.
    pub(super) cloned: Option<CloneMark>,
}

impl Decision {
    fn again(given: Given) -> Self {
        Self {
            given,
            event: None,
            cloned: None,
        }
    }
}

/// How a licence comes to another place.
struct Passage {
    /// It is a move that counts.
    counted: bool,
    /// The recovery code that is used up, by its place among those of the record.
    recovery: Option<usize>,
}

impl Record {
    /// Decides, and changes the record accordingly.
    ///
    /// # Errors
    /// [`Refusal`]; then the record is as it was.
    pub(super) fn decide(&mut self, asked: &Asked<'_>) -> Result<Decision, Refusal> {
        match asked.request.action {
            Action::Activate => self.activate(asked),
            Action::Renew => self.renew(asked),
            Action::Return => self.give_back(asked),
        }
    }

    fn activate(&mut self, asked: &Asked<'_>) -> Result<Decision, Refusal> {
        let (request, now) = (asked.request, asked.now);
        if self.revoked.is_some() {
            return Err(Refusal::Revoked);
        }
        if let Some(until) = self
            .valid_until
            .filter(|until| self.begun.is_none() && *until <= now)
        {
            return Err(Refusal::Expired(until));
        }
        if !self.holder.admits(&request.itn, request.iec.as_ref()) {
            return Err(Refusal::Holder);
        }
        if !asked.proven {
            return Err(Refusal::Proof);
        }
        if let Some(current) = self.current_of(asked)
            && current.answers(request.nonce)
            && current.is_at(request)
        {
            let licence = Box::new(current.document.clone());
            return Ok(Decision::again(Given::Licence { licence, new: false }));
        }
        if self.answered.contains(&request.nonce) {
            return Err(Refusal::BadRequest(
                "this request was answered, and the licence has changed since: make a new one".into(),
            ));
        }
        if self
            .current
            .as_ref()
            .is_some_and(|current| current.is_at(request))
        {
            return Ok(self.refresh(asked));
        }
        let passage = self.passage(asked)?;
        Ok(self.place(asked, &passage))
    }

    /// The same place asks again.
    fn refresh(&mut self, asked: &Asked<'_>) -> Decision {
        self.accept(asked);
        let before = self.current.as_ref();
        let (date, recovered) = before.map_or((asked.now, false), |current| {
            (current.document.activation_date, current.document.recovered)
        });
        let document = self.document(asked, date, recovered);
        let mut cloned = None;
        if let Some(current) = &mut self.current {
            if current.node_key == asked.node_key {
                cloned = current.follow(asked);
            } else {
                current.node_key = asked.node_key;
                current.heads = Heads::new(asked.request.nonce, asked.now, asked.peer);
            }
            current.seen(asked);
            current.version += 1;
            current.document = document.clone();
            current.heads.newest().version = current.version;
        }
        Decision {
            given: Given::Licence {
                licence: Box::new(document),
                new: false,
            },
            event: Some(("activation", "again at the same place")),
            cloned,
        }
    }

    /// Whether and how the licence may come to the place of a request, which is not where it is.
    fn passage(&self, asked: &Asked<'_>) -> Result<Passage, Refusal> {
        let recovery = match &asked.request.recovery {
            Some(code) => {
                let usable = self.recoveries.iter().position(|recovery| {
                    recovery.code == *code && !recovery.used && asked.now < recovery.until
                });
                Some(usable.ok_or(Refusal::Recovery)?)
            }
            None => None,
        };
        let elsewhere = match (&self.current, &self.last) {
            (Some(_), _) => true,
            (None, Some(last)) => !last.is_at(asked.request),
            (None, None) => false,
        };
        if !elsewhere || recovery.is_some() {
            return Ok(Passage {
                counted: false,
                recovery: recovery.filter(|_| elsewhere),
            });
        }
        if let Some(current) = &self.current
            && (current.node_key != asked.node_key || !self.series.reactivation)
        {
            return Err(Refusal::Used);
        }
        match self.next_move(asked.now) {
            Ok(()) => Ok(Passage {
                counted: true,
                recovery: None,
            }),
            Err(again) => Err(Refusal::NoMoves { again }),
        }
    }

    /// Whether a move is left; else when one will be.
    fn next_move(&self, now: Timestamp) -> Result<(), Option<Timestamp>> {
        let recent: Vec<Timestamp> = self
            .moved
            .iter()
            .copied()
            .filter(|moved| moved.plus(YEAR) > now)
            .collect();
        let allowed = usize::try_from(self.moves).unwrap_or(usize::MAX);
        match recent.len().checked_sub(allowed) {
            None => Ok(()),
            Some(over) => Err(recent.get(over).map(|moved| moved.plus(YEAR))),
        }
    }

    /// The licence comes to the place of a request.
    fn place(&mut self, asked: &Asked<'_>, passage: &Passage) -> Decision {
        let (now, nonce) = (asked.now, asked.request.nonce);
        let event = match (passage.recovery, passage.counted, self.begun) {
            (Some(_), ..) => "at another place, with a recovery code",
            (None, true, _) => "at another place",
            (None, false, None) => "for the first time",
            (None, false, Some(_)) => "again after it was returned",
        };
        if let Some(recovery) = passage.recovery {
            self.recoveries[recovery].used = true;
        }
        if passage.counted {
            self.moved.push(now);
            self.moved.sort();
        }
        let mut heads = Heads::new(nonce, now, asked.peer);
        let mut cloned = None;
        // A clone with other hardware takes the licence to itself, and its twin takes it back.
        if let Some(current) = self.current.as_mut()
            && current.node_key == asked.node_key
        {
            cloned = current.follow(asked);
            heads = current.heads.clone();
        }
        if self.current.is_some() {
            self.end(now, End::Moved, RevocationReason::Moved);
        }
        if self.begun.is_none() {
            self.begun = Some(now);
            self.period = self.series.period;
        }
        self.accept(asked);
        let document = self.document(asked, now, passage.recovery.is_some());
        let version = 1 + self.last.as_ref().map_or(0, |last| last.version);
        heads.newest().version = version;
        self.current = Some(Activation {
            number: 0,
            node_key: asked.node_key,
            document: document.clone(),
            version,
            heads,
            counted: passage.counted,
            cloned: cloned.clone(),
            first_address: asked.peer,
            last_address: asked.peer,
            last_seen: now,
            ended: None,
            returned: None,
        });
        Decision {
            given: Given::Licence {
                licence: Box::new(document),
                new: true,
            },
            event: Some(("activation", event)),
            cloned,
        }
    }

    /// What every activation settles.
    fn accept(&mut self, asked: &Asked<'_>) {
        self.holder.settle(asked.request);
        self.period = self.period_at(asked.now);
        self.answered.push(asked.request.nonce);
    }

    fn renew(&mut self, asked: &Asked<'_>) -> Result<Decision, Refusal> {
        if self.revoked.is_some() {
            return Err(Refusal::Revoked);
        }
        let (nonce, now) = (asked.request.nonce, asked.now);
        let (period, issued) = (self.period_at(now), self.next_issued(now));
        let (begun, answered) = (self.begun, self.answered.contains(&nonce));
        let Some(current) = self
            .current
            .as_mut()
            .filter(|current| current.node_key == asked.node_key)
        else {
            return Err(Refusal::NotHere);
        };
        let given = |document: &Licence| Given::Licence {
            licence: Box::new(document.clone()),
            new: false,
        };
        if current.answers(nonce) {
            return Ok(Decision::again(given(&current.document)));
        }
        if answered {
            // It comes late: the licence has changed since.
            return Ok(Decision::again(Given::Nothing));
        }
        let before = current.heads.clone();
        let cloned = current.follow(asked);
        current.seen(asked);
        if current.heads == before {
            // It came twice, or late, and was answered by nothing new.
            return Ok(Decision::again(Given::Nothing));
        }
        let extended = current.document.period != period;
        if extended {
            current.version += 1;
            current.document.period = period;
            current.document.start_date = begun;
            self.period = period;
        }
        if current.heads.newest().version == current.version {
            return Ok(Decision {
                given: Given::Nothing,
                event: None,
                cloned,
            });
        }
        current.document.issued = Some(issued);
        current.document.nonce = Some(nonce.to_string());
        current.heads.newest().version = current.version;
        self.answered.push(nonce);
        Ok(Decision {
            given: given(&current.document),
            event: Some(("renewal", if extended { "for longer" } else { "given once more" })),
            cloned,
        })
    }

    fn give_back(&mut self, asked: &Asked<'_>) -> Result<Decision, Refusal> {
        let (request, now) = (asked.request, asked.now);
        let receipt = Given::Receipt(Receipt {
            key_no: self.key_no,
            nonce: request.nonce.to_string(),
        });
        if let Some(last) = &self.last
            && last.returned == Some(request.nonce)
            && last.node_key == asked.node_key
        {
            return Ok(Decision::again(receipt));
        }
        let holds = self.current_of(asked).is_some_and(|current| {
            request.last.is_some_and(|last| current.heads.knows(last))
                && !self.answered.contains(&request.nonce)
        });
        if !holds {
            return Err(Refusal::NotHere);
        }
        if let Some(current) = &mut self.current {
            current.seen(asked);
            current.returned = Some(request.nonce);
        }
        self.answered.push(request.nonce);
        self.end(now, End::Returned, RevocationReason::Returned);
        Ok(Decision {
            given: receipt,
            event: Some(("return", "given back")),
            cloned: None,
        })
    }

    /// The present activation, where it is this node's.
    fn current_of(&self, asked: &Asked<'_>) -> Option<&Activation> {
        let current = self.current.as_ref();
        current.filter(|current| current.node_key == asked.node_key)
    }
}

impl Activation {
    /// Follows the node's nonces; the result is a mark where it is found just now that there are two nodes.
    fn follow(&mut self, asked: &Asked<'_>) -> Option<CloneMark> {
        let request = asked.request;
        let step = self
            .heads
            .step(request.nonce, request.last, asked.now, asked.peer);
        let Step::Ahead {
            twins: Some(addresses),
        } = step
        else {
            return None;
        };
        let found = self.cloned.is_none();
        let mark = CloneMark {
            time: asked.now,
            addresses,
        };
        self.cloned.get_or_insert_with(|| mark.clone());
        found.then_some(mark)
    }
}

#[cfg(test)]
#[path = "decide_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "decide_properties.rs"]
mod properties;
