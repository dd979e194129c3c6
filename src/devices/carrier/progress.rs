//! Tells from outside that a carrier answers although its proof is not done: reading a large memory over slow USB
//! takes longer than a silent device is waited for.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// A counter of answers; clones count together.
#[derive(Clone, Debug, Default)]
pub struct Progress(Arc<AtomicU64>);

impl Progress {
    /// The device has answered.
    pub fn answered(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    /// Answers so far: compared with an earlier count, it tells whether there were any since.
    pub fn count(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}
