//! A request to a carrier to sign a challenge, on its way to the thread that asks it.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use crate::devices::carrier::CarrierError;

/// Where the answer goes. What is sent first counts.
pub(in crate::devices) type Reply = SyncSender<Result<Vec<u8>, CarrierError>>;

/// A challenge that somebody wants signed. Dropped where its device is gone, which he is told by that.
pub(in crate::devices) struct Wish {
    pub(in crate::devices) challenge: [u8; 32],
    /// Id of the credential that a security key is to sign with.
    pub(in crate::devices) credential: Option<Vec<u8>>,
    pub(in crate::devices) reply: Reply,
}

impl Wish {
    /// A wish, and where its answer arrives.
    pub(in crate::devices) fn new(
        challenge: [u8; 32],
        credential: Option<Vec<u8>>,
    ) -> (Self, Receiver<Result<Vec<u8>, CarrierError>>) {
        let (reply, answer) = sync_channel(1);
        let wish = Self {
            challenge,
            credential,
            reply,
        };
        (wish, answer)
    }
}

/// Tells an answer; an error: one was told already, or nobody waits any more.
pub(in crate::devices) fn tell(reply: &Reply, answer: Result<Vec<u8>, CarrierError>) {
    let _ = reply.try_send(answer);
}
