//! One request at a time about each code: who asks for what somebody else is asking for already gets their outcome.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::OwnedMutexGuard;

use crate::licence::ActivationCode;

use super::order::{Activated, ActivationError, Order};

type Outcome = Result<Activated, ActivationError>;

/// What is under way, by code.
#[derive(Default)]
pub(super) struct Flights(Mutex<HashMap<String, Arc<Flight>>>);

#[derive(Default)]
struct Flight {
    turn: Arc<tokio::sync::Mutex<()>>,
    /// How many orders have ended, and the last of them with its outcome.
    ended: Mutex<(u64, Option<(Order, Outcome)>)>,
}

impl Flight {
    fn count(&self) -> u64 {
        self.ended.lock().unwrap_or_else(PoisonError::into_inner).0
    }
}

/// The right to ask about a code, until it is dropped.
pub(super) struct Turn<'f> {
    flights: &'f Flights,
    flight: Arc<Flight>,
    code: String,
    /// Orders that had ended when this one came.
    before: u64,
    guard: Option<OwnedMutexGuard<()>>,
}

impl Flights {
    fn flight(&self, code: &ActivationCode) -> Arc<Flight> {
        let mut flights = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        flights.entry(code.as_str().to_owned()).or_default().clone()
    }

    fn turn_of(&self, code: &ActivationCode) -> Turn<'_> {
        let flight = self.flight(code);
        Turn {
            flights: self,
            before: flight.count(),
            flight,
            code: code.as_str().into(),
            guard: None,
        }
    }

    /// Waits for the turn.
    pub(super) async fn turn(&self, code: &ActivationCode) -> Turn<'_> {
        let mut turn = self.turn_of(code);
        turn.guard = Some(turn.flight.turn.clone().lock_owned().await);
        turn
    }

    /// The turn, where nobody has it.
    pub(super) fn turn_now(&self, code: &ActivationCode) -> Option<Turn<'_>> {
        let mut turn = self.turn_of(code);
        turn.guard = Some(turn.flight.turn.clone().try_lock_owned().ok()?);
        Some(turn)
    }
}

impl Turn<'_> {
    /// The outcome of the same order, where somebody has carried it out while this one waited.
    pub(super) fn outcome(&self, order: &Order) -> Option<Outcome> {
        let ended = self.flight.ended.lock().unwrap_or_else(PoisonError::into_inner);
        let (count, last) = &*ended;
        let (same, outcome) = last.as_ref().filter(|_| *count > self.before)?;
        (same == order).then(|| outcome.clone())
    }

    /// Tells those who wait what has come of an order.
    pub(super) fn tell(&self, order: &Order, outcome: &Outcome) {
        let mut ended = self.flight.ended.lock().unwrap_or_else(PoisonError::into_inner);
        *ended = (ended.0 + 1, Some((order.clone(), outcome.clone())));
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.guard = None;
        let mut flights = self.flights.0.lock().unwrap_or_else(PoisonError::into_inner);
        // The map's and this one: nobody waits.
        if Arc::strong_count(&self.flight) == 2 {
            flights.remove(&self.code);
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::super::answer::Refusal;
    use super::super::order::Place;
    use super::*;
    use crate::licence::Itn;

    fn order(itn: &str) -> Order {
        Order {
            code: ActivationCode::parse("4345-9320-2035-7421-5361").unwrap(),
            itn: Itn::parse(itn).unwrap(),
            iec: None,
            place: Place::Computer,
            recovery: None,
        }
    }

    #[tokio::test]
    async fn who_waited_gets_the_outcome_of_the_same_order_and_who_comes_later_does_not() {
        let flights = Flights::default();
        let (mine, other) = (order("1234567894"), order("7707083893"));
        let first = flights.turn(&mine.code).await;
        assert!(first.outcome(&mine).is_none());
        assert!(flights.turn_now(&mine.code).is_none());
        let mut one = Box::pin(flights.turn(&mine.code));
        let mut two = Box::pin(flights.turn(&mine.code));
        // Both are in the queue now.
        assert!((&mut one).now_or_never().is_none() && (&mut two).now_or_never().is_none());
        let refused = Err(Refusal::Used.into());
        first.tell(&mine, &refused);
        drop(first);
        let turn = one.await;
        assert_eq!(turn.outcome(&mine), Some(refused));
        assert_eq!(turn.outcome(&other), None);
        drop(turn);
        drop(two.await);
        assert_eq!(flights.turn(&mine.code).await.outcome(&mine), None);
        assert!(
            flights.0.lock().unwrap().is_empty(),
            "nothing is kept of what nobody waits for"
        );
    }
}
