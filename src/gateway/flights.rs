//! One exchange at a time about each thing: who asks for what somebody else is asking for already gets their outcome.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared};

type UnderWay<K, T> = Arc<Mutex<HashMap<K, Shared<BoxFuture<'static, T>>>>>;

/// What is under way, by what it is about.
pub(super) struct Flights<K, T: Clone>(UnderWay<K, T>);

/// Ends a flight, also one that ends in a panic: the next who asks has it done anew.
struct Landing<K: Eq + Hash, T: Clone> {
    flights: UnderWay<K, T>,
    about: K,
}

impl<K: Eq + Hash, T: Clone> Drop for Landing<K, T> {
    fn drop(&mut self) {
        let mut flights = self.flights.lock().unwrap_or_else(PoisonError::into_inner);
        let landed = flights.remove(&self.about);
        // Outside of the lock: its last clone ends with it.
        drop(flights);
        drop(landed);
    }
}

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
                let landing = Landing {
                    flights: self.0.clone(),
                    about: about.clone(),
                };
                let work = work();
                let flight = async move {
                    let _landing = landing;
                    work.await
                };
                let flight = flight.boxed().shared();
                flights.insert(about, flight.clone());
                flight
            })
        };
        flight.await
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use tokio::sync::Notify;

    use super::*;

    #[tokio::test]
    async fn of_a_hundred_who_ask_at_once_one_does_it_and_all_get_it() {
        let (flights, done) = (
            Arc::new(Flights::<&str, u32>::default()),
            Arc::new(AtomicU32::new(0)),
        );
        let (open, joined) = (Arc::new(Notify::new()), Arc::new(AtomicU32::new(0)));
        let asked: Vec<_> = (0..100)
            .map(|_| {
                let (flights, done, open) = (flights.clone(), done.clone(), open.clone());
                let joined = joined.clone();
                tokio::spawn(async move {
                    let fly = || async move {
                        open.notified().await;
                        done.fetch_add(1, Ordering::SeqCst) + 1
                    };
                    joined.fetch_add(1, Ordering::SeqCst);
                    flights.join("a", fly).await
                })
            })
            .collect();
        // What is about another thing does not wait.
        assert_eq!(flights.join("b", || async { 7 }).await, 7);
        while joined.load(Ordering::SeqCst) < 100 {
            tokio::task::yield_now().await;
        }
        open.notify_one();
        for outcome in asked {
            assert_eq!(outcome.await.unwrap(), 1);
        }
        assert_eq!(done.load(Ordering::SeqCst), 1);
        // The next who asks has it done anew.
        assert_eq!(flights.join("a", || async { 8 }).await, 8);
    }

    #[tokio::test]
    async fn one_who_goes_away_takes_nothing_from_the_others() {
        let flights = Arc::new(Flights::<&str, u32>::default());
        let open = Arc::new(Notify::new());
        let (own, opened) = (flights.clone(), open.clone());
        let first = tokio::spawn(async move {
            let fly = || async move {
                opened.notified().await;
                1
            };
            own.join("a", fly).await
        });
        tokio::task::yield_now().await;
        let own = flights.clone();
        let second = tokio::spawn(async move { own.join("a", || async { 2 }).await });
        tokio::task::yield_now().await;
        first.abort();
        let _ = first.await;
        open.notify_one();
        assert_eq!(second.await.unwrap(), 1);
    }

    #[tokio::test]
    async fn after_a_panic_the_next_has_it_done_anew() {
        let flights = Arc::new(Flights::<&str, u32>::default());
        let own = flights.clone();
        let panicked = tokio::spawn(async move { own.join("a", || async { panic!("as it is told") }).await });
        assert!(panicked.await.is_err());
        assert_eq!(flights.join("a", || async { 1 }).await, 1);
    }
}
