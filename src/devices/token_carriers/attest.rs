//! Has a carrier key sign the challenge of somebody else.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::thread;
use std::time::Duration;

use super::carrier::{TokenCarrier, check};
use super::proof;
use crate::devices::carrier::CarrierError;
use crate::tokens::TokensHandle;

/// A token that has not signed within this time is let go of.
const PATIENCE: Duration = Duration::from_secs(10);

/// Has a carrier key sign this challenge; the result is what [`crate::devices::attestation::verify`] takes. Its token
/// does that in its turn, as all else. Blocks for 10 s at most.
///
/// # Errors
/// Why it did not.
pub fn attest(
    tokens: &TokensHandle,
    carrier: &TokenCarrier,
    challenge: &[u8; 32],
) -> Result<Vec<u8>, CarrierError> {
    let token = carrier.token.clone();
    let key = token.key(&carrier.key).ok_or(CarrierError::Absent)?.clone();
    check(&token, &key)?;
    let (reply, answer) = sync_channel(1);
    let (tokens, challenge) = (tokens.clone(), *challenge);
    let spawned = thread::Builder::new()
        .name("token-attestation".into())
        .spawn(move || {
            let perform = |operation| tokens.perform_and_wait(&token.name, operation);
            let signed = catch_unwind(AssertUnwindSafe(|| {
                proof::attest(&token.serial, &key, &challenge, perform)
            }));
            // An error: nobody waits any more.
            let _ = reply.send(signed.unwrap_or_else(|_| Err(CarrierError::panicked())));
        });
    spawned.map_err(|error| CarrierError::no_thread(&error))?;
    match answer.recv_timeout(PATIENCE) {
        Ok(answer) => answer,
        Err(RecvTimeoutError::Timeout) => Err(CarrierError::late(PATIENCE)),
        Err(RecvTimeoutError::Disconnected) => Err(CarrierError::panicked()),
    }
}
