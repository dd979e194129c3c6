//! A clock that stands still until a test moves it.

use std::sync::Mutex;

use keynode::clock::{Clock, Millis, Moment};
use keynode::licence::Timestamp;

/// Where the clock of a new node stands.
pub(crate) const START: &str = "2026-01-15T12:00:00.000Z";

pub(crate) struct TestClock(Mutex<Moment>);

impl TestClock {
    /// A clock whose monotonic time begins now, as it does in a new process.
    pub(crate) fn at(wall: Timestamp) -> Self {
        Self(Mutex::new(Moment { mono: 0, wall }))
    }

    pub(crate) fn advance(&self, millis: Millis) {
        let mut moment = self.0.lock().unwrap();
        moment.mono += millis;
        moment.wall = moment.wall.plus(i64::try_from(millis).unwrap());
    }

    /// Sets the wall clock, as an administrator may; monotonic time does not care.
    pub(crate) fn set_wall(&self, wall: Timestamp) {
        self.0.lock().unwrap().wall = wall;
    }
}

impl Clock for TestClock {
    fn now(&self) -> Moment {
        *self.0.lock().unwrap()
    }
}
