//! PKCS#11 tokens and HSMs: each module in a process of its own, sessions that open themselves anew, and one
//! immutable snapshot of what is there. Knows no licences and no HTTP.

mod board;
mod care;
mod certificates;
mod contents;
mod error;
mod given;
mod handle;
mod job;
mod keeper;
mod lane;
mod opening;
mod operation;
mod pin;
pub(crate) mod private_file;
mod process;
mod reader;
mod refused;
mod refused_file;
mod token;
mod wire;
pub mod worker;

pub use certificates::{
    CertificateError, CertificateRules, CertificatesHandle, Inventory, KeyPlace, Listed, Obstacle, ToSign,
};
pub use error::TokenError;
pub use handle::{TokenRules, TokensHandle, Workers};
pub use operation::{Decryption, Mechanism, NewKey, Operation};
pub use pin::check_pin_file;
pub use token::{DataObject, KeyKind, PinWanted, Token, TokenCertificate, TokenKey, TokenState, Tokens};
