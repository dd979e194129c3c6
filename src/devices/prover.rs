//! Has carriers prove themselves or sign challenges, each in a short-lived thread of its own: one that hangs holds nobody else up.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread;

use super::attestation::{Wish, tell};
use super::carrier::{self, CarrierError, DriverKind, Known, Proof};
use super::device::Device;
use super::roster::{Answer, Ask};

/// Has one carrier prove itself; may block for as long as a device hangs.
pub type Prover = Arc<dyn Fn(&Device, DriverKind, &mut Known) -> Result<Proof, CarrierError> + Send + Sync>;

/// Asks a carrier in a thread of its own; `reply` gets the answer there, or here where no thread can be had.
pub(super) fn start(prover: &Prover, ask: Ask, reply: impl Fn(Answer) + Clone + Send + 'static) {
    let (prover, ticket, back) = (Arc::clone(prover), ask.ticket, reply.clone());
    let wish = ask.wish.as_ref().map(|wish| wish.reply.clone());
    let spawned = thread::Builder::new()
        .name("proof".into())
        .spawn(move || back(answer(&prover, ask)));
    if let Err(error) = spawned {
        let error = CarrierError::no_thread(&error);
        if let Some(wish) = wish {
            tell(&wish, Err(error.clone()));
        }
        reply(Answer {
            ticket,
            known: Known::default(),
            result: Err(error),
        });
    }
}

fn answer(prover: &Prover, mut ask: Ask) -> Answer {
    let result = match ask.wish.take() {
        // A panic is a bug in a driver; it must not leave the carrier waiting for an answer for ever.
        None => catch_unwind(AssertUnwindSafe(|| {
            prover(&ask.device, ask.driver, &mut ask.known).map(Some)
        }))
        .unwrap_or_else(|_| Err(CarrierError::panicked())),
        Some(wish) => {
            attest(&mut ask, &wish);
            Ok(None)
        }
    };
    Answer {
        ticket: ask.ticket,
        known: ask.known,
        result,
    }
}

fn attest(ask: &mut Ask, wish: &Wish) {
    let signed = catch_unwind(AssertUnwindSafe(|| {
        let credential = wish.credential.as_deref();
        carrier::attest(
            &ask.device,
            ask.driver,
            &mut ask.known,
            &wish.challenge,
            credential,
        )
    }));
    tell(
        &wish.reply,
        signed.unwrap_or_else(|_| Err(CarrierError::panicked())),
    );
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;
    use crate::devices::testing::device;

    #[test]
    fn a_driver_that_panics_has_failed_and_no_more() {
        let prover: Prover = Arc::new(|_, _, _| panic!("a bug"));
        let (reply, replies) = channel();
        let ask = Ask {
            ticket: 7,
            device: Arc::new(device("1-1", 5, None)),
            driver: DriverKind::Hid,
            known: Known::default(),
            wish: None,
        };
        start(&prover, ask, move |answer| reply.send(answer).unwrap());
        let answer = replies.recv().unwrap();
        assert_eq!(answer.ticket, 7);
        assert!(matches!(answer.result, Err(CarrierError::Io(reason)) if reason.contains("panicked")));
    }
}
