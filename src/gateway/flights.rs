//! One exchange at a time about each thing: who asks for what somebody else is asking for already gets their outcome.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared};

/// What is under way, by what it is about.
pub(super) struct Flights<K, T: Clone>(Arc<Mutex<HashMap<K, Shared<BoxFuture<'static, T>>>>>);

impl<K, T: Clone> Default for Flights<K, T> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<K, T> Flights<K, T>
where
    K: Clone + Eq + Hash + Send + 'static,
    T: Clone + Send + Sync + 'static,
{
    /// Joins the flight about this, or starts `work`. It goes on while anybody waits for it: whoever must have it finished
    /// polls it in a task of its own.
    pub(super) async fn join<F>(&self, about: K, work: impl FnOnce() -> F) -> T
    where
        F: Future<Output = T> + Send + 'static,
    {
        let flight = {
            let mut flights = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            let joined = flights.get(&about).cloned();
            joined.unwrap_or_else(|| {
                let (others, own) = (self.0.clone(), about.clone());
                let work = work();
                let flight = async move {
                    let outcome = work.await;
                    others.lock().unwrap_or_else(PoisonError::into_inner).remove(&own);
                    outcome
                };
                let flight = flight.boxed().shared();
                flights.insert(about, flight.clone());
                flight
            })
        };
        flight.await
    }
}
