//! Random histories of the ledger, each step held against the simple model.

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::test_runner::Config;

use crate::licence::KeyType::{Additional, Demonstration, Main};
use crate::seats::testing::*;
use crate::store::{LedgerTime, Session};

use super::*;

#[path = "ledger_model.rs"]
mod model;
use model::Model;

const RULES: LedgerRules = LedgerRules {
    life: 200_000,
    grace: 100_000,
};

/// Access codes that sessions present and keys are reserved to.
const CODES: [Option<&str>; 3] = [None, Some("x"), Some("y")];

#[derive(Clone, Debug)]
enum Step {
    Take {
        client: u8,
        code: usize,
    },
    Renew {
        client: u8,
        owner: Option<bool>,
    },
    Release {
        client: u8,
        owner: Option<bool>,
    },
    Pass(Millis),
    Key {
        index: usize,
        state: KeyState,
    },
    /// The key is pulled and plugged in again, some times.
    Flap {
        index: usize,
        times: u8,
        away: Millis,
        back: Millis,
    },
    WallJump(i64),
    Commit {
        works: bool,
    },
    Restart {
        clean: bool,
    },
}

#[derive(Clone, Copy, Debug)]
enum KeyState {
    Gone,
    Missing,
    Seats(u32),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let state = prop_oneof![
        1 => Just(KeyState::Gone),
        2 => Just(KeyState::Missing),
        4 => (0u32..4).prop_map(KeyState::Seats),
    ];
    let owner = prop_oneof![4 => Just(None), 4 => Just(Some(true)), 1 => Just(Some(false))];
    let step = prop_oneof![
        12 => (0u8..8, 0..CODES.len()).prop_map(|(client, code)| Step::Take { client, code }),
        3 => (0u8..8, owner.clone()).prop_map(|(client, owner)| Step::Renew { client, owner }),
        4 => (0u8..8, owner).prop_map(|(client, owner)| Step::Release { client, owner }),
        3 => (0u64..2_000).prop_map(Step::Pass),
        3 => (2_000u64..120_000).prop_map(Step::Pass),
        6 => (0usize..5, state).prop_map(|(index, state)| Step::Key { index, state }),
        2 => (0usize..5, 1u8..4, 0u64..60_000, 0u64..110_000)
            .prop_map(|(index, times, away, back)| Step::Flap { index, times, away, back }),
        1 => (-1_000_000i64..1_000_000).prop_map(Step::WallJump),
        5 => prop::bool::weighted(0.7).prop_map(|works| Step::Commit { works }),
        1 => any::<bool>().prop_map(|clean| Step::Restart { clean }),
    ];
    prop::collection::vec(step, 1..70)
}

/// The keys that there may be: every kind, one of them reserved, one with an end.
fn keys() -> [Offer; 5] {
    let reserved = Offer {
        codes: vec!["x".into()],
        ..main_key(2, 1)
    };
    let ending = Offer {
        expires: Some(Timestamp::from_millis(1)),
        ..main_key(4, 2)
    };
    [
        main_key(1, 2),
        reserved,
        key(3, Additional, 2),
        ending,
        key(5, Demonstration, 1),
    ]
}

fn name(client: u8) -> String {
    format!("client {client}")
}

/// The ledger, the model beside it, and what is on disk.
struct World {
    ledger: Ledger,
    model: Model,
    time: Millis,
    wall: i64,
    states: [KeyState; 5],
    disk: BTreeMap<u64, Arc<Session>>,
    disk_time: LedgerTime,
}

impl World {
    fn new() -> Self {
        let mut world = Self {
            ledger: Ledger::new(RULES),
            model: Model::new(RULES),
            time: 0,
            wall: 0,
            states: [KeyState::Seats(1); 5],
            disk: BTreeMap::new(),
            disk_time: LedgerTime::default(),
        };
        world.offer();
        world
    }

    fn offer(&mut self) {
        let offers: Vec<Offer> = keys()
            .into_iter()
            .zip(self.states)
            .filter_map(|(key, state)| match state {
                KeyState::Gone => None,
                KeyState::Missing => Some(missing(&key)),
                KeyState::Seats(seats) => Some(Offer { seats, ..key }),
            })
            .collect();
        self.ledger.offer(self.time, offers.clone());
        self.model.offer(self.time, offers, &self.ledger);
    }

    fn step(&mut self, step: &Step) {
        let before = (1..=5).map(|key_no| self.ledger.used(key_no));
        let before: Vec<usize> = before.collect();
        match *step {
            Step::Take { client, code } => self.take(client, CODES[code]),
            Step::Renew { client, owner } => self.renew(&name(client), owner),
            Step::Release { client, owner } => self.release(&name(client), owner),
            Step::Pass(millis) => {
                self.time += millis;
                self.ledger.advance(self.time);
                self.model.advance(self.time, &self.ledger);
            }
            Step::Key { index, state } => {
                self.states[index] = state;
                self.offer();
            }
            Step::Flap {
                index,
                times,
                away,
                back,
            } => {
                let plugged_in = self.states[index];
                for _ in 0..times {
                    for (state, millis) in [(KeyState::Gone, away), (plugged_in, back)] {
                        self.step(&Step::Key { index, state });
                        self.step(&Step::Pass(millis));
                    }
                }
            }
            Step::WallJump(millis) => self.wall += millis,
            Step::Commit { works } => self.commit(works, false),
            Step::Restart { clean } => self.restart(clean),
        }
        self.model.check(self.time, &self.ledger);
        for (key_no, before) in (1..=5).zip(before) {
            let most = self.model.capacity(key_no).max(before);
            let restarted = matches!(step, Step::Restart { .. });
            assert!(
                restarted || self.ledger.used(key_no) <= most,
                "a seat given beyond the limit"
            );
        }
    }

    fn take(&mut self, client: u8, code: Option<&str>) {
        let fields = SessionFields {
            access_code: code.map(Into::into),
            ..session(&name(client))
        };
        let now = Moment {
            wall: at(self.time).wall.plus(self.wall),
            ..at(self.time)
        };
        let taken = self.ledger.take(now, self.time, fields, "own", |_| None);
        match (taken, self.model.take(&name(client), code)) {
            (Ok(taken), Ok(key_no)) => self.model.took(self.time, &taken, key_no),
            (Err(refusal), Err(reason)) => assert_eq!(refusal.reason, reason),
            (taken, expected) => panic!("{taken:?} instead of {expected:?}"),
        }
        assert!(!self.model.is_unsaved(&name(client)) || self.ledger.take_reliance());
    }

    fn renew(&mut self, client: &str, owner: Option<bool>) {
        let Some(id) = self.model.id_of(client) else {
            return;
        };
        match self.ledger.renew(self.time, id, owner.map(owner_name)) {
            Release::Done(session) => {
                assert!(owner != Some(false) && session.expires == self.time + RULES.life);
                self.model.renewed(self.time, client);
            }
            Release::NotYours => assert_eq!(owner, Some(false)),
            Release::Unknown => panic!("{client} is gone"),
        }
    }

    fn release(&mut self, client: &str, owner: Option<bool>) {
        let Some(id) = self.model.id_of(client) else {
            return;
        };
        match self.ledger.release(self.time, id, owner.map(owner_name)) {
            Release::Done(_) => {
                assert!(owner != Some(false) && self.ledger.take_reliance());
                self.model.release(self.time, client, &self.ledger);
            }
            Release::NotYours => assert_eq!(owner, Some(false)),
            Release::Unknown => panic!("{client} is gone"),
        }
    }

    fn commit(&mut self, works: bool, clean: bool) {
        let writes = self.ledger.writes();
        if !works {
            self.ledger.not_saved(self.time);
            self.model.not_saved(self.time, &self.ledger);
            return;
        }
        for write in writes {
            match write {
                Write::Put(session) => drop(self.disk.insert(session.seq, session)),
                Write::Delete(seq) => drop(self.disk.remove(&seq)),
            }
        }
        self.disk_time = LedgerTime {
            time: self.time,
            clean,
        };
        self.ledger.saved();
        self.model.saved();
        assert!(!self.ledger.has_unsaved() && !self.ledger.has_renewed());
        self.model.check_disk(&self.disk);
    }

    fn restart(&mut self, clean: bool) {
        if clean {
            self.commit(true, true);
        } else {
            self.disk_time.clean = false;
        }
        let restored = Restored {
            sessions: self.disk.values().cloned().collect(),
            time: self.disk_time,
            ..Restored::default()
        };
        let expected;
        (self.model, expected) = Model::restored(RULES, &restored);
        (self.ledger, self.time) = Ledger::restore(RULES, restored);
        assert_eq!(self.time, expected);
        self.model.check(self.time, &self.ledger);
        self.offer();
    }
}

fn owner_name(own: bool) -> &'static str {
    if own { "own" } else { "other" }
}

#[test]
fn random_histories_agree_with_the_model() {
    let config = Config {
        cases: 3_000,
        failure_persistence: None,
        ..Config::default()
    };
    proptest!(config, |(steps in steps())| {
        let mut world = World::new();
        for step in &steps {
            world.step(step);
        }
    });
}
