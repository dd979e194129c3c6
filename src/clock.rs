//! Time as the node sees it: one trait, so that tests can move it.

use std::sync::Arc;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use crate::licence::Timestamp;

/// Milliseconds on a clock that never jumps; its zero is arbitrary.
pub type Millis = u64;

/// One reading of both clocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// Monotonic time: lives and graces run on it.
    pub mono: Millis,
    /// Wall time: what people and licences mean by time. It may jump.
    pub wall: Timestamp,
}

/// Tells the time.
pub trait Clock: Send + Sync {
    /// Both clocks, now.
    fn now(&self) -> Moment;
}

/// The clock that everything in a node shares.
pub type SharedClock = Arc<dyn Clock>;

/// The system's clocks. Monotonic time starts at 0 when this is made.
pub struct SystemClock(Instant);

impl SystemClock {
    /// A clock for one run of the node.
    pub fn shared() -> SharedClock {
        Arc::new(Self(Instant::now()))
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Moment {
        let since_1970 = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default()
            .as_millis();
        Moment {
            mono: u64::try_from(self.0.elapsed().as_millis()).unwrap_or(u64::MAX),
            wall: Timestamp::from_millis(i64::try_from(since_1970).unwrap_or(i64::MAX)),
        }
    }
}
