//! A key on a token: only a `DigestInfo` goes there, and nothing that comes back is a signature before it verifies.

use std::sync::{Mutex, MutexGuard, PoisonError};

use aws_lc_rs::digest::{Context, Digest, SHA256};

use crate::tokens::{Mechanism, Operation, Token, TokenError, TokenState};

use super::hardware::Hardware;
use super::keys::{KeyEntry, Place, from_hex};
use super::public::Verifier;
use super::{Message, PublicKey, Signature};

/// DER of a `DigestInfo` with a SHA-256, but for the digest (RFC 8017, section 9.2, note 1).
const DIGEST_INFO: [u8; 19] = [
    0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00,
    0x04, 0x20,
];

/// What is signed to see whether a token signs: no answer.
const TRIAL: Message<'_> = Message {
    query_id: b"",
    body: b"keynode tries its token",
};

/// A key on a token, and whether it can be used.
pub(super) struct HeldKey {
    /// NAME in the settings.
    pub(super) token: String,
    id: Vec<u8>,
    public: PublicKey,
    verifier: Verifier,
    /// Why a signature failed, until a trial succeeds.
    failed: Mutex<Option<String>>,
}

impl HeldKey {
    /// None for an entry that is no RSA key on a token.
    pub(super) fn new(entry: &KeyEntry) -> Option<Self> {
        let Place::Pkcs11 { token, id } = &entry.place else {
            return None;
        };
        let public = PublicKey::from_pem(&entry.public_key)?;
        Some(Self {
            token: token.clone(),
            id: from_hex(id)?,
            verifier: Verifier::new(&public)?,
            public,
            failed: Mutex::default(),
        })
    }

    pub(super) fn public_key(&self) -> &PublicKey {
        &self.public
    }

    /// Why it is known that the key cannot sign now.
    pub(super) fn trouble(&self, hardware: &dyn Hardware) -> Option<String> {
        self.unusable(hardware).or_else(|| self.failure().clone())
    }

    /// What is wrong with the token itself.
    pub(super) fn unusable(&self, hardware: &dyn Hardware) -> Option<String> {
        let name = &self.token;
        let Some(token) = hardware.token(name) else {
            return Some(format!("token {name} has not been found"));
        };
        if token.state != TokenState::Usable {
            return Some(in_words(&token));
        }
        if token.key(&self.id).is_none() {
            return Some(format!("token {name} does not have the signing key any more"));
        }
        None
    }

    /// A signature failed, and no trial has succeeded since.
    pub(super) fn has_failed(&self) -> bool {
        self.failure().is_some()
    }

    /// Tries whether it signs again; waits on this thread.
    pub(super) fn try_again(&self, hardware: &dyn Hardware) {
        if self.sign_and_wait(hardware, TRIAL).is_ok() {
            *self.failure() = None;
        }
    }

    /// Signs; waits on this thread.
    pub(super) fn sign_and_wait(
        &self,
        hardware: &dyn Hardware,
        message: Message<'_>,
    ) -> Result<Signature, String> {
        let digest = digest(message);
        let done = hardware.perform_and_wait(&self.token, self.operation(&digest));
        self.take(&digest, done)
    }

    /// Signs; the thread does something else meanwhile.
    pub(super) async fn sign(
        &self,
        hardware: &dyn Hardware,
        message: Message<'_>,
    ) -> Result<Signature, String> {
        let digest = digest(message);
        let done = hardware.perform(&self.token, self.operation(&digest)).await;
        self.take(&digest, done)
    }

    fn operation(&self, digest: &Digest) -> Operation {
        Operation::Sign {
            key: self.id.clone(),
            mechanism: Mechanism::RsaPkcs1,
            data: [&DIGEST_INFO, digest.as_ref()].concat(),
        }
    }

    /// What a token calls a signature is none before it verifies.
    fn take(&self, digest: &Digest, done: Result<Vec<u8>, TokenError>) -> Result<Signature, String> {
        let why = match done {
            Ok(bytes) if self.verifier.accepts(digest, &bytes) => return Ok(Signature(bytes)),
            // It signs for the others that wait: only this one was too many.
            Err(error @ TokenError::Busy(_)) => return Err(error.to_string()),
            Ok(_) => format!(
                "token {} gave a signature that does not verify with its public key",
                self.token
            ),
            Err(error) => error.to_string(),
        };
        *self.failure() = Some(why.clone());
        Err(why)
    }

    fn failure(&self) -> MutexGuard<'_, Option<String>> {
        self.failed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a token's RSA key signs with [`Mechanism::RsaPkcs1`] so that the result is RS256 over this message.
pub fn rs256_input(message: &[u8]) -> Vec<u8> {
    let message = Message {
        query_id: b"",
        body: message,
    };
    [&DIGEST_INFO, digest(message).as_ref()].concat()
}

/// How it stands with a token, as a sentence without its full stop.
pub fn in_words(token: &Token) -> String {
    format!("token {} {}", token.name, token.state.in_words())
}

/// Has a token sign something with a key, to see that it does.
///
/// # Errors
/// Why it does not, in words.
pub fn try_key(hardware: &dyn Hardware, public: &PublicKey, place: &Place) -> Result<(), String> {
    let entry = KeyEntry {
        public_key: public.pem.clone(),
        place: place.clone(),
        since: None,
        retired: None,
    };
    let key = HeldKey::new(&entry).ok_or("it is no RSA key on a token")?;
    key.sign_and_wait(hardware, TRIAL).map(drop)
}

fn digest(message: Message<'_>) -> Digest {
    let mut context = Context::new(&SHA256);
    context.update(message.query_id);
    context.update(message.body);
    context.finish()
}
