//! A running centre: answers what nodes ask.

use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;

use crate::activation::{Refusal, Request};
use crate::clock::SharedClock;

use super::error::CentreError;
use super::signer::VendorSigner;

/// What a node gets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// A licence.
    Licence {
        /// Its file.
        file: String,
        /// The code was not in use, or in use elsewhere: 201 and not 200.
        new: bool,
    },
    /// A renewal has nothing new.
    Nothing,
    /// A signed [`Receipt`](crate::licence::Receipt).
    Receipt(String),
}

/// The list of revocations as it is signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedList {
    /// Its number.
    pub number: u64,
    /// The JWS.
    pub text: String,
}

/// The way to a running centre. Clones speak to the same one.
#[derive(Clone)]
pub struct Centre {
    signer: Arc<VendorSigner>,
}

fn unfinished<T>() -> Result<T, Refusal> {
    Err(Refusal::Unavailable(
        "this part of the centre is not built yet".into(),
    ))
}

impl Centre {
    /// Starts the centre in this directory; the thread ends after [`Centre::stop`].
    ///
    /// # Errors
    /// [`CentreError`].
    pub fn start(
        _dir: &Path,
        signer: VendorSigner,
        _clock: SharedClock,
    ) -> Result<(Self, JoinHandle<()>), CentreError> {
        let signer = Arc::new(signer);
        let thread = std::thread::Builder::new().name("centre".into()).spawn(|| ());
        Ok((Self { signer }, thread.map_err(CentreError::Thread)?))
    }

    /// Answers a request that was opened, of the node with this key. What it changes is on disk when this returns.
    ///
    /// # Errors
    /// [`Refusal`]; then nothing was changed.
    #[expect(clippy::unused_async, reason = "its body comes with the desk")]
    pub async fn answer(
        &self,
        _request: Request,
        _node_key: [u8; 32],
        _peer: IpAddr,
    ) -> Result<Answer, Refusal> {
        unfinished()
    }

    /// The list of what is revoked.
    ///
    /// # Errors
    /// [`Refusal::Unavailable`].
    #[expect(clippy::unused_async, reason = "its body comes with the desk")]
    pub async fn revocations(&self) -> Result<Arc<SignedList>, Refusal> {
        unfinished()
    }

    /// The vendor key that signs here.
    pub fn signer(&self) -> &VendorSigner {
        &self.signer
    }

    /// Ends the centre's thread; what is under way is answered first.
    pub fn stop(&self) {}
}
