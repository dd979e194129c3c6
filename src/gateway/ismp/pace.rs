//! The pace of requests to the operator, who blocks a participant that sends more than 50 in a second.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;

/// Requests in any second.
const MOST: usize = 40;

/// That second.
const WINDOW: Duration = Duration::from_secs(1);

/// Lets so many requests through, and has the others wait. Each holds its place for a second after its answer: whenever in
/// between it arrived at the operator, and however this computer stumbled, the next in its place arrives a second later.
pub(super) struct Pace(Arc<Semaphore>);

impl Default for Pace {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(MOST)))
    }
}

impl Pace {
    /// Makes a request when it is its turn.
    pub(super) async fn keep<T>(&self, request: impl Future<Output = T>) -> T {
        let place = self.0.clone().acquire_owned().await;
        let answer = request.await;
        tokio::spawn(async move {
            tokio::time::sleep(WINDOW).await;
            drop(place);
        });
        answer
    }
}
