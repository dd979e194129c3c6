//! Two nodes with one licence, known by their nonces. Each request names the nonce of the one before it, so the
//! requests of one node are a chain. A clone begins a second chain; when the two are drawn in turn, there are two nodes. A
//! restored backup begins a second chain too, but the first one ends there.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::activation::Nonce;
use crate::licence::Timestamp;

/// Chains that are kept, those used last.
const MOST_HEADS: usize = 8;

/// Nonces that were heads, kept so that a request that comes once more, late, begins no chain.
const MOST_SPENT: usize = 16;

/// The end of a chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Head {
    nonce: Nonce,
    /// Version of the document that this node has; 0: nobody knows.
    #[serde(default)]
    pub(super) version: u32,
    address: IpAddr,
    used: Timestamp,
}

/// The chains of one activation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Heads {
    /// Newest use first; never empty.
    heads: Vec<Head>,
    spent: Vec<Nonce>,
}

/// What a request does to the chains.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// It is the last request of a node again.
    Repeat,
    /// It came late: its node has asked something else since.
    Late,
    /// It is a new one.
    Ahead {
        /// It and another node use the activation in turn: where the two asked from.
        twins: Option<[IpAddr; 2]>,
    },
}

impl Heads {
    /// The chains after a first request.
    pub(super) fn new(nonce: Nonce, now: Timestamp, address: IpAddr) -> Self {
        let mut heads = Self {
            heads: Vec::new(),
            spent: Vec::new(),
        };
        heads.push(nonce, 0, now, address);
        heads
    }

    /// Whether this is the last nonce of some node.
    fn has(&self, nonce: Nonce) -> bool {
        self.heads.iter().any(|head| head.nonce == nonce)
    }

    /// Whether this is the last nonce of some node, or was so lately: a node that was set back to an older state names
    /// one of these.
    pub(super) fn knows(&self, nonce: Nonce) -> bool {
        self.has(nonce) || self.spent.contains(&nonce)
    }

    /// Follows a request.
    pub(super) fn step(
        &mut self,
        nonce: Nonce,
        last: Option<Nonce>,
        now: Timestamp,
        address: IpAddr,
    ) -> Step {
        if self.has(nonce) {
            return Step::Repeat;
        }
        if self.spent.contains(&nonce) {
            return Step::Late;
        }
        let place = last.and_then(|last| self.heads.iter().position(|head| head.nonce == last));
        let Some(place) = place else {
            self.push(nonce, 0, now, address);
            return Step::Ahead { twins: None };
        };
        let before = self.heads.remove(place);
        let twins = (place > 0).then(|| [self.heads[0].address, address]);
        self.spent.insert(0, before.nonce);
        self.spent.truncate(MOST_SPENT);
        self.push(nonce, before.version, now, address);
        Step::Ahead { twins }
    }

    /// The chain that was used last.
    pub(super) fn newest(&mut self) -> &mut Head {
        &mut self.heads[0]
    }

    fn push(&mut self, nonce: Nonce, version: u32, used: Timestamp, address: IpAddr) {
        let head = Head {
            nonce,
            version,
            address,
            used,
        };
        self.heads.insert(0, head);
        self.heads.truncate(MOST_HEADS);
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    const HERE: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1));
    const THERE: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 2));

    fn nonce(number: u8) -> Nonce {
        Nonce::from_bytes([number; 16])
    }

    struct Chains(Heads);

    impl Chains {
        fn new() -> Self {
            Self(Heads::new(nonce(1), Timestamp::default(), HERE))
        }

        fn ask(&mut self, number: u8, last: u8, address: IpAddr) -> Step {
            self.0
                .step(nonce(number), Some(nonce(last)), Timestamp::default(), address)
        }
    }

    const AHEAD: Step = Step::Ahead { twins: None };

    #[test]
    fn one_node_is_no_clone_however_often_it_repeats_itself() {
        let mut chains = Chains::new();
        for number in 2..100 {
            assert_eq!(chains.ask(number, number - 1, HERE), AHEAD);
            assert_eq!(chains.ask(number, number - 1, HERE), Step::Repeat);
        }
        assert_eq!(chains.ask(98, 97, HERE), Step::Late);
        assert_eq!(chains.0.heads.len(), 1);
    }

    #[test]
    fn a_restored_backup_is_no_clone() {
        let mut chains = Chains::new();
        for number in 2..6 {
            assert_eq!(chains.ask(number, number - 1, HERE), AHEAD);
        }
        assert_eq!(chains.ask(20, 3, HERE), AHEAD);
        for number in 21..30 {
            assert_eq!(chains.ask(number, number - 1, HERE), AHEAD);
        }
        assert_eq!(chains.ask(40, 22, HERE), AHEAD, "and once more");
    }

    #[test]
    fn two_that_ask_in_turn_are_clones() {
        let mut chains = Chains::new();
        assert_eq!(chains.ask(2, 1, HERE), AHEAD);
        assert_eq!(chains.ask(50, 1, THERE), AHEAD, "may still be a backup");
        let twins = Some([THERE, HERE]);
        assert_eq!(chains.ask(3, 2, HERE), Step::Ahead { twins });
        assert_eq!(chains.ask(4, 3, HERE), AHEAD, "not in turn");
        let twins = Some([HERE, THERE]);
        assert_eq!(chains.ask(51, 50, THERE), Step::Ahead { twins });
    }

    #[test]
    fn chains_are_bounded() {
        let mut chains = Chains::new();
        for number in 2..200 {
            chains.0.step(nonce(number), None, Timestamp::default(), HERE);
        }
        assert_eq!(chains.0.heads.len(), MOST_HEADS);
    }
}
