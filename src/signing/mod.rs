//! Signs what the node answers: `RSASSA-PKCS1-v1_5` with SHA-256 over QueryID + body (spec, rows 2 and 3).

mod hardware;
mod keys;
mod measures;
mod node_signer;
mod public;
mod software;
mod token;
mod verify;
mod watch;

pub use hardware::Hardware;
pub use keys::{
    KEY_LIST, KeyEntry, KeyList, KeyListError, KeyListLock, KeyState, Place, SIGNING_KEY, from_hex,
    give_to_owner,
};
pub use measures::SigningMeasures;
pub use node_signer::{Force, ListedKey, NodeSigner, SigningError};
pub use public::PublicKey;
pub use software::{KeyFileError, SoftwareKey};
pub use token::{in_words, rs256_input, try_key};
pub use verify::{VerifyError, verify};
pub use watch::{SignerWatch, SignerWatchStart};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// What is signed: the two parts one after the other, nothing between them.
#[derive(Clone, Copy, Debug)]
pub struct Message<'a> {
    /// The request's `Licence-QueryID` as received; empty where there is none.
    pub query_id: &'a [u8],
    /// The exact bytes of the body.
    pub body: &'a [u8],
}

/// A finished signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature(pub Vec<u8>);

impl Signature {
    /// Standard Base64 with padding, as the header carries it: 344 characters for RSA-2048.
    pub fn to_base64(&self) -> String {
        STANDARD.encode(&self.0)
    }
}

/// The signer cannot sign. The text is for the log; clients only learn that it failed.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
#[error("signing failed: {0}")]
pub struct SignError(pub String);

/// Signs answers. An implementation may be shared by all HTTP workers and is called on their threads.
pub trait Signer: Send + Sync {
    /// Signs a batch of messages: one signature each, in their order. A batch, because hardware and vector
    /// units sign several at once for little more than the price of one.
    ///
    /// # Errors
    /// [`SignError`] where any of them could not be signed.
    fn sign(&self, messages: &[Message<'_>]) -> Result<Vec<Signature>, SignError>;

    /// The key that verifies what [`Signer::sign`] signs now.
    fn public_key(&self) -> &PublicKey;
}
