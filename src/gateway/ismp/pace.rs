//! The pace of requests to the operator, who blocks a participant that sends more than 50 in a second.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// Requests in any second.
const MOST: usize = 40;

/// That second.
const WINDOW: Duration = Duration::from_secs(1);

/// Lets so many requests through, and has the others wait.
#[derive(Default)]
pub(super) struct Pace(Mutex<VecDeque<Instant>>);

impl Pace {
    /// Waits for its turn.
    pub(super) async fn turn(&self) {
        let turn = self.reserve(Instant::now());
        tokio::time::sleep_until(turn).await;
    }

    /// The time of the next request.
    fn reserve(&self, now: Instant) -> Instant {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let full = last.len() >= MOST;
        let free = if full { last.pop_front() } else { None };
        let turn = free.map_or(now, |first| now.max(first + WINDOW));
        last.push_back(turn);
        turn
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forty_go_at_once_and_no_second_has_more() {
        let (pace, now) = (Pace::default(), Instant::now());
        let turns: Vec<Instant> = (0..200).map(|_| pace.reserve(now)).collect();
        assert!(turns[..MOST].iter().all(|turn| *turn == now));
        let fits = |pair: &[Instant]| pair[MOST] >= pair[0] + WINDOW;
        assert!(turns.windows(MOST + 1).all(fits), "{turns:?}");
    }
}
