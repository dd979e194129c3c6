//! Which carrier keys are to prove themselves when, and what each proved. Pure: time and answers come in, no token is
//! asked here.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::carrier::{CARRIER_LABEL, TokenCarrier, TokenHardware, check, token_ids};
use super::proof::Earlier;
use crate::devices::carrier::{CarrierError, CarrierState};
use crate::tokens::{Token, TokenKey, TokenState, Tokens};

/// So many keys of one token are asked at the same time; as many sessions are open to it by default.
pub(super) const LANES: usize = 4;
/// How long after a failure a key is asked again; the last holds for all further failures.
const RETRIES: [Duration; 3] = [
    Duration::from_secs(1),
    Duration::from_secs(5),
    Duration::from_mins(1),
];

/// A request to a key to prove itself.
pub(super) struct Ask {
    /// Comes back with the answer.
    pub(super) ticket: u64,
    pub(super) token: Arc<Token>,
    pub(super) key: TokenKey,
    /// What is remembered of its earlier proofs.
    pub(super) earlier: Earlier,
}

/// What came of it.
pub(super) struct Answer {
    pub(super) ticket: u64,
    pub(super) earlier: Earlier,
    pub(super) result: Result<(), CarrierError>,
}

/// A carrier key and how it stands with it. Belongs to one stay of the token: what comes back begins anew.
struct Slot {
    carrier: Arc<TokenCarrier>,
    key: TokenKey,
    earlier: Earlier,
    /// It is to be asked.
    wanted: bool,
    /// The request that is under way.
    asked: Option<u64>,
    failures: usize,
    retry: Option<Instant>,
}

/// All carrier keys, in the order of the tokens and of the keys on them.
#[derive(Default)]
pub(super) struct Roll {
    tokens: Arc<Tokens>,
    slots: Vec<Slot>,
    tickets: u64,
}

impl Roll {
    /// Takes over how the tokens are now. Keys that are new, or whose token has changed, are asked; all are where `all`
    /// are to prove themselves anew.
    pub(super) fn seen(&mut self, tokens: Arc<Tokens>, all: bool) {
        let mut before = std::mem::take(&mut self.slots);
        let names = token_ids(&tokens);
        for (token, id) in tokens.iter().zip(&names) {
            if token.state == TokenState::Absent {
                continue;
            }
            for (at, key) in token.keys.iter().enumerate() {
                // Of two keys with one CKA_ID nobody can say which of them signs.
                let double = token.keys[..at].iter().any(|other| other.id == key.id);
                if double || !key.label.starts_with(CARRIER_LABEL) {
                    continue;
                }
                let carrier = TokenCarrier::new(token, id, key);
                let place = before.iter().position(|slot| slot.is_of(token, key));
                let old = place.map(|place| before.swap_remove(place));
                self.slots.push(Slot::new(carrier, key, old, all));
            }
        }
        self.tokens = tokens;
    }

    /// All keys are to prove themselves anew.
    pub(super) fn revalidate(&mut self) {
        for slot in &mut self.slots {
            slot.wanted |= slot.can_be_asked();
        }
    }

    /// Whom to ask now: of each token as many as it has lanes, each key by one request at a time.
    pub(super) fn asks(&mut self) -> Vec<Ask> {
        let mut asks = Vec::new();
        for token in self.tokens.iter() {
            let of_token = |slot: &Slot| slot.carrier.token.name == token.name;
            let busy = (self.slots.iter())
                .filter(|slot| of_token(slot) && slot.asked.is_some())
                .count();
            let waiting =
                (self.slots.iter_mut()).filter(|slot| of_token(slot) && slot.wanted && slot.asked.is_none());
            for slot in waiting.take(LANES.saturating_sub(busy)) {
                self.tickets += 1;
                asks.push(slot.ask(self.tickets));
            }
        }
        asks
    }

    /// Takes an answer; one to a request that nobody waits for any more is thrown away. Tells whether it was a failure.
    pub(super) fn answered(&mut self, answer: Answer, now: Instant) -> bool {
        let mut slots = self.slots.iter_mut();
        let Some(slot) = slots.find(|slot| slot.asked == Some(answer.ticket)) else {
            return false;
        };
        slot.asked = None;
        slot.earlier = answer.earlier;
        let failed = answer.result.is_err();
        let state = match answer.result {
            Ok(()) => {
                slot.failures = 0;
                CarrierState::Proven
            }
            Err(error) => {
                slot.retry = Some(now + RETRIES[slot.failures.min(RETRIES.len() - 1)]);
                slot.failures += 1;
                CarrierState::Failed(error)
            }
        };
        Arc::make_mut(&mut slot.carrier).state = state;
        failed
    }

    /// Lets time do its work: keys that failed are asked again.
    pub(super) fn expire(&mut self, now: Instant) {
        for slot in &mut self.slots {
            if slot.retry.is_some_and(|retry| retry <= now) {
                slot.retry = None;
                slot.wanted = true;
            }
        }
    }

    /// When time will have work to do next.
    pub(super) fn due(&self) -> Option<Instant> {
        self.slots.iter().filter_map(|slot| slot.retry).min()
    }

    /// Some key has not answered yet since it came.
    pub(super) fn has_news_to_come(&self) -> bool {
        let pending = |slot: &Slot| slot.carrier.state == CarrierState::Pending;
        self.slots.iter().any(pending)
    }

    /// Nobody is still to answer.
    pub(super) fn is_idle(&self) -> bool {
        let idle = |slot: &Slot| !slot.wanted && slot.asked.is_none();
        self.slots.iter().all(idle)
    }

    /// The tokens, and all carriers with what they proved.
    pub(super) fn hardware(&self) -> TokenHardware {
        TokenHardware {
            tokens: Arc::clone(&self.tokens),
            carriers: self.slots.iter().map(|slot| Arc::clone(&slot.carrier)).collect(),
        }
    }
}

impl Slot {
    /// The slot of a key; what was known of it before still holds as far as its token has been there ever since.
    fn new(mut carrier: TokenCarrier, key: &TokenKey, old: Option<Self>, all: bool) -> Self {
        // A key that cannot be asked has been judged already.
        let can = carrier.state == CarrierState::Pending;
        // Another key under the same CKA_ID is another carrier: what the one proved, or is proving, says nothing of it.
        let old = old.filter(|old| can && old.can_be_asked() && old.key == *key);
        let wanted = match &old {
            None => can,
            Some(old) => all || old.wanted || old.carrier.token != carrier.token,
        };
        if let Some(old) = &old {
            carrier.state = old.carrier.state.clone();
        }
        let fresh = Self {
            carrier: Arc::new(carrier),
            key: key.clone(),
            earlier: Earlier::default(),
            wanted,
            asked: None,
            failures: 0,
            retry: None,
        };
        match old {
            None => fresh,
            Some(old) => Self {
                earlier: old.earlier,
                asked: old.asked,
                failures: old.failures,
                retry: old.retry,
                ..fresh
            },
        }
    }

    fn is_of(&self, token: &Token, key: &TokenKey) -> bool {
        let before = &self.carrier.token;
        before.name == token.name
            && before.serial == token.serial
            && before.slot == token.slot
            && self.key.id == key.id
    }

    fn can_be_asked(&self) -> bool {
        check(&self.carrier.token, &self.key).is_ok()
    }

    fn ask(&mut self, ticket: u64) -> Ask {
        (self.wanted, self.retry, self.asked) = (false, None, Some(ticket));
        Ask {
            ticket,
            token: Arc::clone(&self.carrier.token),
            key: self.key.clone(),
            earlier: std::mem::take(&mut self.earlier),
        }
    }
}
