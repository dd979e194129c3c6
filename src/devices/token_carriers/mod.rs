//! The driver `pkcs11`: keys on tokens that carry licences or vouch for them. A thread of its own has them prove
//! themselves beside the devices' thread, for tokens are no USB devices: they come and go by themselves.

mod attest;
mod carrier;
mod proof;
mod public_key;
mod roll;
#[cfg(test)]
mod roll_tests;
mod service;
mod worker;

pub use attest::attest;
pub use carrier::{CARRIER_LABEL, TokenCarrier, TokenHardware, licence_label, token_ids, token_trouble};
pub(super) use proof::attests;
pub use service::TokenCarriers;
