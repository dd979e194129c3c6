//! Makes a credential on a security key, for a licence to be bound to.

use super::super::CarrierError;
use super::super::progress::Progress;
use super::super::random::random;
use super::authenticator::Authenticator;
use super::channel::{Status, Transport};
use super::credential::Credential;
use super::refusal::Refusal;
use super::{open, prove_over};
use crate::devices::device::Device;

/// How far the making of a credential is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Somebody must touch the key now.
    Touch,
    /// The credential is made, and the key is asked for it without a touch.
    Test,
}

/// Makes a credential on a security key, for which somebody must touch it, and sees whether it then answers without.
/// `resident`: it is kept in the key's memory; else all of it is in the id, and the key keeps nothing. Told of each
/// step.
///
/// # Errors
/// Why there is none, or why it is of no use: [`CarrierError::NotSilent`].
pub fn make(
    device: &Device,
    resident: bool,
    on_step: &mut dyn FnMut(Step),
) -> Result<Credential, CarrierError> {
    make_over(|| open(device), resident, on_step)
}

/// As [`make`], over a way to the key that `connect` opens anew for the test.
///
/// # Errors
/// As [`make`].
pub fn make_over<T: Transport>(
    connect: impl Fn() -> Result<T, CarrierError>,
    resident: bool,
    on_step: &mut dyn FnMut(Step),
) -> Result<Credential, CarrierError> {
    let made = {
        let mut key = Authenticator::open(connect()?)?;
        let mut asked = false;
        key.make_credential(&random()?, &random()?, resident, &mut |status| {
            if status == Status::NeedsTouch && !std::mem::replace(&mut asked, true) {
                on_step(Step::Touch);
            }
            Ok(())
        })
        .map_err(Refusal::of_making)?
    };
    let credential = Credential::new(made.id, made.key).ok_or_else(|| {
        CarrierError::Protocol("the id of its credential has a length that cannot be".into())
    })?;
    on_step(Step::Test);
    let asked = [credential.clone()];
    match prove_over(connect()?, &asked, &Progress::default())?.pop() {
        Some(identity) => identity.verdict.map(|()| credential),
        None => Err(CarrierError::Protocol(
            "it does not know the credential that it has just made".into(),
        )),
    }
}
