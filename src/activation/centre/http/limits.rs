//! How often requests may fail. Pure: time comes in. Successes never count, and never cost anybody anything.
//!
//! From one address only so many requests may fail in an hour, and only so many guesses of the holder of one code.
//! Once a code has reached its limit, whoever guessed wrong about it within the hour is refused, and whoever did not is
//! still heard: a stranger who knows a code must not be able to lock its owner out. Each further guess costs the
//! stranger an address of his own.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;

use crate::clock::Millis;
use crate::licence::ActivationCode;

/// How long a failure counts.
const HOUR: Millis = 3_600_000;

/// Addresses, and codes, that are kept in mind; beyond it those that began to fail longest ago are forgotten.
const MOST: usize = 50_000;

/// Failures in an hour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FailureRules {
    /// About one code.
    pub per_code: u32,
    /// From one address.
    pub per_address: u32,
}

/// The failures of the last hour.
pub(super) struct Failures {
    rules: FailureRules,
    addresses: Counts<IpAddr>,
    codes: Counts<ActivationCode>,
    /// Who guessed about which code.
    guesses: Counts<(ActivationCode, IpAddr)>,
}

impl Failures {
    pub(super) fn new(rules: FailureRules) -> Self {
        Self {
            rules,
            addresses: Counts::default(),
            codes: Counts::default(),
            guesses: Counts::default(),
        }
    }

    /// How long requests from this address are refused, where they are.
    pub(super) fn address_refused(&self, now: Millis, address: IpAddr) -> Option<Millis> {
        self.addresses
            .reached(now, &network(address, 64), self.rules.per_address)
    }

    /// How long requests about this code from this address are refused, where they are.
    pub(super) fn code_refused(&self, now: Millis, code: &ActivationCode, address: IpAddr) -> Option<Millis> {
        let code_for = self.codes.reached(now, code, self.rules.per_code)?;
        let guess = (code.clone(), network(address, 48));
        let own_for = self.guesses.reached(now, &guess, 1)?;
        Some(code_for.min(own_for))
    }

    /// Counts a failure.
    pub(super) fn failed(&mut self, now: Millis, address: IpAddr) {
        self.addresses.count(now, network(address, 64));
    }

    /// Counts a wrong guess of what belongs to a code: its holder, a recovery code.
    pub(super) fn guessed(&mut self, now: Millis, code: &ActivationCode, address: IpAddr) {
        self.codes.count(now, code.clone());
        self.guesses.count(now, (code.clone(), network(address, 48)));
    }
}

/// Failures in the hour that began with the first of them.
#[derive(Clone, Copy, Debug)]
struct Count {
    since: Millis,
    failures: u32,
}

struct Counts<K>(HashMap<K, Count>);

impl<K> Default for Counts<K> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<K: Eq + Hash> Counts<K> {
    /// How long it takes until this is under the limit again.
    fn reached(&self, now: Millis, key: &K, limit: u32) -> Option<Millis> {
        let count = self.0.get(key)?;
        let until = count.since.saturating_add(HOUR);
        (count.failures >= limit && now < until).then(|| until - now)
    }

    fn count(&mut self, now: Millis, key: K) {
        if self.0.len() >= MOST && !self.0.contains_key(&key) {
            self.forget(now);
        }
        let count = self.0.entry(key).or_insert(Count {
            since: now,
            failures: 0,
        });
        if now >= count.since.saturating_add(HOUR) {
            (count.since, count.failures) = (now, 0);
        }
        count.failures = count.failures.saturating_add(1);
    }

    /// Forgets what counts no more, and the older half where that is not enough.
    fn forget(&mut self, now: Millis) {
        self.0.retain(|_, count| now < count.since.saturating_add(HOUR));
        if self.0.len() < MOST / 2 {
            return;
        }
        let mut times: Vec<Millis> = self.0.values().map(|count| count.since).collect();
        let (_, median, _) = times.select_nth_unstable(self.0.len() / 2);
        let median = *median;
        self.0.retain(|_, count| count.since > median);
    }
}

/// Who has an IPv6 address has a whole network of them: at least a /64, and a /48 for the asking.
fn network(address: IpAddr, bits: u32) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6((u128::from(address) & (u128::MAX << (128 - bits))).into()),
        v4 @ IpAddr::V4(_) => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: FailureRules = FailureRules {
        per_code: 3,
        per_address: 5,
    };

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn code(number: u32) -> ActivationCode {
        ActivationCode::parse(&format!("{number:020}")).unwrap()
    }

    #[test]
    fn an_address_is_refused_for_the_rest_of_the_hour() {
        let mut failures = Failures::new(RULES);
        let peer = address("192.0.2.1");
        for minute in 0..5 {
            assert_eq!(failures.address_refused(minute * 60_000, peer), None);
            failures.failed(minute * 60_000, peer);
        }
        assert_eq!(failures.address_refused(HOUR - 1, peer), Some(1));
        assert_eq!(failures.address_refused(HOUR - 1, address("192.0.2.2")), None);
        assert_eq!(failures.address_refused(HOUR, peer), None);
        failures.failed(HOUR, peer);
        assert_eq!(failures.address_refused(HOUR, peer), None);
    }

    #[test]
    fn an_ipv6_network_is_one_address_and_an_ipv4_address_has_one_form() {
        let mut failures = Failures::new(RULES);
        for host in 0..5 {
            failures.failed(0, address(&format!("2001:db8:1:2:{host}::1")));
            failures.failed(0, address("::ffff:192.0.2.9"));
        }
        assert!(
            failures
                .address_refused(0, address("2001:db8:1:2:ffff::7"))
                .is_some()
        );
        assert_eq!(failures.address_refused(0, address("2001:db8:1:3::1")), None);
        assert!(failures.address_refused(0, address("192.0.2.9")).is_some());
    }

    #[test]
    fn whoever_guesses_is_refused_and_whoever_did_not_is_heard() {
        let mut failures = Failures::new(RULES);
        let (stranger, owner) = (address("2001:db8:1:2::1"), address("192.0.2.1"));
        for _ in 0..3 {
            assert_eq!(failures.code_refused(0, &code(1), stranger), None);
            failures.guessed(0, &code(1), stranger);
        }
        assert_eq!(
            failures.code_refused(60_000, &code(1), stranger),
            Some(HOUR - 60_000)
        );
        // Another network of the same customer is no other stranger.
        assert!(
            failures
                .code_refused(0, &code(1), address("2001:db8:1:9::1"))
                .is_some()
        );
        assert_eq!(failures.code_refused(0, &code(2), stranger), None);
        assert_eq!(failures.code_refused(0, &code(1), owner), None);
        failures.guessed(0, &code(1), owner);
        assert_eq!(failures.code_refused(0, &code(1), owner), Some(HOUR));
        assert_eq!(failures.code_refused(HOUR, &code(1), stranger), None);
    }

    #[test]
    fn memory_is_bounded_and_the_newest_are_kept() {
        let mut failures = Failures::new(RULES);
        for number in 0..120_000_u32 {
            failures.failed(number.into(), IpAddr::V4(number.into()));
            failures.guessed(number.into(), &code(number), IpAddr::V4(number.into()));
        }
        assert!(failures.addresses.0.len() <= MOST && failures.codes.0.len() <= MOST);
        assert!(failures.guesses.0.len() <= MOST);
        assert!(failures.addresses.0.contains_key(&IpAddr::V4(119_999.into())));
        failures.failed(HOUR + 200_000, address("192.0.2.1"));
        for number in 0..120_000_u128 {
            failures.failed(HOUR + 200_000, IpAddr::V6((number << 64).into()));
        }
        assert!(failures.addresses.0.len() <= MOST);
    }
}
