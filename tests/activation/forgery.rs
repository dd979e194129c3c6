//! Licence files that are not from the vendor.

use keynode::licence::{Licence, VendorKey, seal};
use keynode::signing::{Message, Signer, SoftwareKey};

use crate::common::keys::{software_key, vendor_kid};

/// A licence file that a stranger has signed in the vendor's name.
pub(crate) fn forged(licence: &Licence) -> String {
    seal::<()>(licence, &vendor_kid(), |message| Ok(stranger_sign(message))).unwrap()
}

/// A licence file that a stranger has signed in their own name.
pub(crate) fn foreign(licence: &Licence) -> String {
    let public = VendorKey::from_pem(&stranger().public_key().pem).unwrap();
    seal::<()>(licence, public.kid(), |message| Ok(stranger_sign(message))).unwrap()
}

fn stranger() -> SoftwareKey {
    software_key(include_str!("../fixtures/stranger.key.pem"))
}

fn stranger_sign(message: &[u8]) -> Vec<u8> {
    let message = Message {
        query_id: b"",
        body: message,
    };
    stranger().sign_one(message).unwrap().0
}
