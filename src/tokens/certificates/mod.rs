//! Certificates on tokens and in files: what there is, whose private key is where, signing and decrypting with them.
//! Knows no users and no HTTP.

mod decrypt;
mod error;
mod file;
mod handle;
mod inventory;
mod key;
mod password;
mod pkcs12;
mod sign;
mod verify;

pub use error::CertificateError;
pub use file::CertificateRules;
pub use handle::CertificatesHandle;
pub use inventory::{Inventory, KeyPlace, Listed, Obstacle};
pub use sign::ToSign;
