//! How a code becomes a licence: what is here already will do, or the centre is asked.

use crate::licence::Licence;
use crate::licence::binding::Binding;
use crate::store::ActivationRow;

use super::activator::Activator;
use super::answer::Refusal;
use super::exchange::Done;
use super::order::{Activated, ActivationError, Order, Place};
use super::request::Action;

/// What of a code that is here already will do.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Enough {
    /// Its licence.
    Licence,
    /// The licence that answers the request that is kept.
    Answer,
    /// The centre is asked.
    Nothing,
}

impl Activator {
    /// Gets the licence for a code: the one that is here already, or one from the centre. Of a holder with another ITN
    /// or IEC than the one here the centre is asked, for the vendor may have changed him.
    ///
    /// # Errors
    /// [`ActivationError`]; nothing was written then but the request, where the centre may have taken it.
    pub async fn activate(&self, order: &Order) -> Result<Activated, ActivationError> {
        self.take_turn(order, Enough::Licence).await
    }

    /// As [`Activator::activate`], but asks the centre even where the licence is here.
    ///
    /// # Errors
    /// As [`Activator::activate`].
    pub async fn activate_anew(&self, order: &Order) -> Result<Activated, ActivationError> {
        self.take_turn(order, Enough::Nothing).await
    }

    /// As [`Activator::activate`] for an order whose request was not answered yet.
    pub(super) async fn repeat(&self, order: &Order) -> Result<Activated, ActivationError> {
        self.take_turn(order, Enough::Answer).await
    }

    async fn take_turn(&self, order: &Order, enough: Enough) -> Result<Activated, ActivationError> {
        let turn = self.flights.turn(&order.code).await;
        if let Some(outcome) = turn.outcome(order) {
            // It was new once.
            return outcome.map(|activated| Activated {
                new: false,
                ..activated
            });
        }
        let outcome = self.activate_now(order, enough).await;
        turn.tell(order, &outcome);
        outcome
    }

    async fn activate_now(&self, order: &Order, enough: Enough) -> Result<Activated, ActivationError> {
        // A command beside this node may have just taken the licence away.
        self.look().await;
        let row = self.find(&order.code)?;
        let pending = row.as_ref().and_then(|row| row.pending.as_ref());
        let returned = pending.is_some_and(|pending| pending.action == Action::Return.name());
        let here = if returned || enough == Enough::Nothing {
            None
        } else {
            self.here(order)
        };
        let Some(here) = here else {
            return self.ask_centre(order, row.as_ref()).await;
        };
        if here.licence.itn.as_ref() == Some(&order.itn) && here.licence.iec == order.iec {
            if self.finish_locally(&here)? || enough == Enough::Licence {
                return Ok(here);
            }
            return self.ask_centre(order, row.as_ref()).await;
        }
        let asked = self.ask_centre(order, row.as_ref()).await;
        asked.map_err(|error| match error {
            ActivationError::NoCentre
            | ActivationError::Unreachable { .. }
            | ActivationError::Refused(Refusal::Unavailable(_))
                if enough == Enough::Licence =>
            {
                // All that is known is the holder of the licence here.
                Refusal::Holder.into()
            }
            other => other,
        })
    }

    async fn ask_centre(
        &self,
        order: &Order,
        row: Option<&ActivationRow>,
    ) -> Result<Activated, ActivationError> {
        let client = self.client()?;
        let fresh = self.ask_to_activate(order, row).await?;
        match self.pursue(&client, &order.code, fresh).await? {
            Done::Licence(activated) => Ok(activated),
            Done::Nothing | Done::Returned => Err(ActivationError::Answer("it holds no licence".into())),
        }
    }

    /// The Workable licence of this code at this place, which needs no centre.
    fn here(&self, order: &Order) -> Option<Activated> {
        let (licence, path) = self.workable(&order.code)?;
        let new = false;
        is_at(&licence, &order.place).then_some(Activated { licence, path, new })
    }
}

fn is_at(licence: &Licence, place: &Place) -> bool {
    match (&licence.binding, place) {
        (Binding::Computer(_) | Binding::None, Place::Computer) => true,
        (Binding::Carrier(found), Place::Carrier { binding, number, .. }) => {
            found == binding && licence.blank_key_no == Some(*number)
        }
        _ => false,
    }
}
