//! Instruments for hot paths: atomics and no locks. Whoever watches the node reads them now and then.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Upper bounds of the classes that durations are counted in, in nanoseconds. Wide enough for a signature in software as
/// well as for a scan of slow hardware; what is longer than the last is in a class of its own.
pub const BOUNDS: [u64; 15] = [
    50_000,
    100_000,
    250_000,
    500_000,
    1_000_000,
    2_500_000,
    5_000_000,
    10_000_000,
    25_000_000,
    50_000_000,
    100_000_000,
    250_000_000,
    1_000_000_000,
    2_500_000_000,
    10_000_000_000,
];

/// A number that only grows.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// One more.
    pub fn count(&self) {
        self.add(1);
    }

    /// So many more.
    pub fn add(&self, number: u64) {
        self.0.fetch_add(number, Ordering::Relaxed);
    }

    /// How many there were.
    pub fn read(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// How long something took, each time since the start.
#[derive(Debug, Default)]
pub struct Times {
    classes: [AtomicU64; BOUNDS.len() + 1],
    /// Of all together.
    nanos: AtomicU64,
}

impl Times {
    /// Notes that it took so long once.
    pub fn note(&self, time: Duration) {
        let nanos = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        let class = BOUNDS.partition_point(|bound| *bound < nanos);
        self.classes[class].fetch_add(1, Ordering::Relaxed);
        self.nanos.fetch_add(nanos, Ordering::Relaxed);
    }

    /// Notes how long it took since `start`.
    pub fn since(&self, start: Instant) {
        self.note(start.elapsed());
    }

    /// What was noted. Times that are noted meanwhile may be in the sum only, or in their class only.
    pub fn read(&self) -> Noted {
        Noted {
            classes: std::array::from_fn(|at| self.classes[at].load(Ordering::Relaxed)),
            sum: Duration::from_nanos(self.nanos.load(Ordering::Relaxed)),
        }
    }
}

/// How long something took, as of a moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Noted {
    /// How often it took at most as long as the bound of the same place, and longer than the one before; the last place
    /// is for what took longer than all of them.
    pub classes: [u64; BOUNDS.len() + 1],
    /// All together.
    pub sum: Duration,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_counted_in_the_class_whose_bound_it_does_not_exceed() {
        let times = Times::default();
        for nanos in [0, 50_000, 50_001, 10_000_000_000, 10_000_000_001] {
            times.note(Duration::from_nanos(nanos));
        }
        let noted = times.read();
        assert_eq!(
            (
                noted.classes[0],
                noted.classes[1],
                noted.classes[14],
                noted.classes[15]
            ),
            (2, 1, 1, 1)
        );
        assert_eq!(noted.classes.iter().sum::<u64>(), 5);
        assert_eq!(noted.sum, Duration::from_nanos(20_000_100_002));
    }

    #[test]
    fn bounds_grow() {
        assert!(BOUNDS.is_sorted_by(|a, b| a < b));
    }
}
