//! Notices that the computer slept: USB devices may have been reset meanwhile without any event.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// Shorter differences between the clocks are rounding.
const SLEPT: Duration = Duration::from_secs(1);

/// Compares the clock that goes on during sleep with the one that stands still.
pub(super) struct SleepWatch {
    slept: Duration,
}

impl SleepWatch {
    /// From now on.
    pub(super) fn new() -> Self {
        Self { slept: slept() }
    }

    /// Whether the computer slept since it was asked last.
    pub(super) fn has_slept(&mut self) -> bool {
        self.compare(slept())
    }

    fn compare(&mut self, slept: Duration) -> bool {
        let more = slept.saturating_sub(self.slept) > SLEPT;
        self.slept = slept;
        more
    }
}

/// Time asleep since the boot.
fn slept() -> Duration {
    let read = |clock| {
        let time = clock_gettime(clock);
        let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
        Duration::from_secs(seconds) + Duration::from_nanos(u64::try_from(time.tv_nsec).unwrap_or(0))
    };
    let running = read(ClockId::Monotonic);
    read(ClockId::Boottime).saturating_sub(running)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_real_sleep_counts_and_once() {
        let mut watch = SleepWatch::new();
        assert!(!watch.has_slept());
        let before = watch.slept;
        assert!(!watch.compare(before + Duration::from_millis(3)));
        assert!(watch.compare(before + Duration::from_secs(30)));
        assert!(!watch.compare(before + Duration::from_secs(30)));
    }
}
