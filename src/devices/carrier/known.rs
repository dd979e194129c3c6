//! What is remembered of a carrier from proof to proof, and what is asked of it.

use std::sync::Arc;

use super::fido2::Credential;
use super::hid;
use super::progress::Progress;

/// What is remembered of one carrier from proof to proof. Belongs to one plug: begin with a new one when the device
/// comes back.
#[derive(Debug, Default)]
pub struct Known {
    pub(super) hid: hid::Past,
    pub(super) progress: Progress,
    /// The credentials that a security key is asked for.
    pub(super) credentials: Arc<[Credential]>,
}

impl Known {
    /// Counts what the device answers while its proof goes on.
    pub fn progress(&self) -> &Progress {
        &self.progress
    }

    /// Of a security key, asks for these credentials; other carriers tell by themselves who they are.
    pub fn ask_for(&mut self, credentials: &Arc<[Credential]>) {
        self.credentials = Arc::clone(credentials);
    }
}
