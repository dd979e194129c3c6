//! Guessing is slowed, then refused for a while (spec, row 39). Pure: time comes in.

use std::collections::HashMap;
use std::net::IpAddr;

use crate::clock::Millis;

/// Peers and users that are kept in mind; beyond it the ones that failed longest ago are forgotten.
const MOST: usize = 10_000;

/// One peer may fail this many times as often over all user names as with one.
const PEER_FACTOR: u32 = 5;

/// The longest wait before a wrong answer.
const LONGEST_WAIT: Millis = 2_000;

/// The settings that logins follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LoginRules {
    /// Failures that are answered at once.
    pub free_attempts: u32,
    /// Failures after which further attempts are refused.
    pub refuse_after: u32,
    /// For how long, in milliseconds.
    pub refuse_for: Millis,
}

#[derive(Clone, Copy, Debug)]
struct Record {
    failures: u32,
    last: Millis,
}

/// Failures by peer and user, and by peer alone.
pub(super) struct Throttle {
    rules: LoginRules,
    records: HashMap<(IpAddr, Option<String>), Record>,
}

impl Throttle {
    pub(super) fn new(rules: LoginRules) -> Self {
        Self {
            rules,
            records: HashMap::new(),
        }
    }

    /// How long attempts of this peer with this user are still refused.
    pub(super) fn refused(&self, now: Millis, peer: IpAddr, user: &str) -> Option<Millis> {
        let limits = [(key(peer, Some(user)), 1), (key(peer, None), PEER_FACTOR)];
        let waits = limits.into_iter().filter_map(|(key, factor)| {
            let record = self.records.get(&key)?;
            let until = record.last + self.rules.refuse_for;
            (record.failures >= self.rules.refuse_after * factor && now < until).then(|| until - now)
        });
        waits.max()
    }

    /// Counts a failure; the result is how long its answer has to wait.
    pub(super) fn failed(&mut self, now: Millis, peer: IpAddr, user: &str) -> Millis {
        self.count(now, key(peer, None));
        let failures = self.count(now, key(peer, Some(user)));
        match failures.checked_sub(self.rules.free_attempts + 1) {
            Some(beyond) => (100 << beyond.min(10)).min(LONGEST_WAIT),
            None => 0,
        }
    }

    /// Forgets the failures of this peer with this user.
    pub(super) fn succeeded(&mut self, peer: IpAddr, user: &str) {
        self.records.remove(&key(peer, Some(user)));
    }

    fn count(&mut self, now: Millis, key: (IpAddr, Option<String>)) -> u32 {
        if self.records.len() >= MOST {
            self.forget_half();
        }
        let record = self.records.entry(key).or_insert(Record {
            failures: 0,
            last: now,
        });
        if now >= record.last + self.rules.refuse_for {
            record.failures = 0;
        }
        record.failures += 1;
        record.last = now;
        record.failures
    }

    fn forget_half(&mut self) {
        let mut times: Vec<Millis> = self.records.values().map(|record| record.last).collect();
        times.sort_unstable();
        let median = times[times.len() / 2];
        self.records.retain(|_, record| record.last > median);
    }
}

/// What counts as one peer: who has IPv6 has at least a /64 of addresses.
pub(super) fn network(peer: IpAddr) -> IpAddr {
    match peer.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6((u128::from(address) >> 64 << 64).into()),
        v4 @ IpAddr::V4(_) => v4,
    }
}

fn key(peer: IpAddr, user: Option<&str>) -> (IpAddr, Option<String>) {
    (network(peer), user.map(|user| user.chars().take(64).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: LoginRules = LoginRules {
        free_attempts: 3,
        refuse_after: 10,
        refuse_for: 60_000,
    };
    const PEER: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));

    #[test]
    fn failures_are_slowed_then_refused_and_forgiven_in_time() {
        let mut throttle = Throttle::new(RULES);
        let waits: Vec<_> = (0..10).map(|_| throttle.failed(0, PEER, "admin")).collect();
        assert_eq!(waits, [0, 0, 0, 100, 200, 400, 800, 1_600, 2_000, 2_000]);
        assert_eq!(throttle.refused(1_000, PEER, "admin"), Some(59_000));
        assert_eq!(throttle.refused(1_000, PEER, "other"), None);
        assert_eq!(throttle.refused(60_000, PEER, "admin"), None);
        assert_eq!(throttle.failed(60_000, PEER, "admin"), 0);
    }

    #[test]
    fn one_peer_cannot_try_every_name_and_an_ipv6_network_is_one_peer() {
        let mut throttle = Throttle::new(RULES);
        for number in 0..50_u32 {
            let peer = format!("2001:db8::{number:x}").parse().unwrap();
            throttle.failed(0, peer, &number.to_string());
        }
        assert!(
            throttle
                .refused(1, "2001:db8::ffff".parse().unwrap(), "new")
                .is_some()
        );
        assert!(throttle.refused(1, PEER, "new").is_none());
    }

    #[test]
    fn success_forgives_and_memory_is_bounded() {
        let mut throttle = Throttle::new(RULES);
        for _ in 0..10 {
            throttle.failed(0, PEER, "admin");
        }
        throttle.succeeded(PEER, "admin");
        assert_eq!(throttle.refused(1, PEER, "admin"), None);
        for number in 0..30_000_u32 {
            throttle.failed(number.into(), IpAddr::V4(number.into()), "admin");
        }
        assert!(throttle.records.len() <= MOST + 1);
    }
}
