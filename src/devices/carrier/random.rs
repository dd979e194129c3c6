//! Random bytes for challenges.

use aws_lc_rs::rand::{SecureRandom, SystemRandom};

use super::CarrierError;

/// Random bytes.
///
/// # Errors
/// The system has none.
pub(super) fn random<const N: usize>() -> Result<[u8; N], CarrierError> {
    let mut bytes = [0; N];
    SystemRandom::new()
        .fill(&mut bytes)
        .map_err(|_| CarrierError::Io("the system gives no random numbers".into()))?;
    Ok(bytes)
}
