//! CMS (RFC 5652) and CAdES-BES (ETSI EN 319 122-1): builds and parses; knows no keys, no clock and no I/O.

mod algorithm;
mod certificate;
mod error;
mod name;
mod oid;
mod sign;
mod thumbprint;
mod tlv;

pub use algorithm::{Algorithm, Digest};
pub use certificate::{Certificate, KeyUsage, MAX_CERTIFICATE, PublicKeyKind};
pub use error::CmsError;
pub use sign::{Draft, Profile, SigningRequest, draft};
pub use thumbprint::{BadThumbprint, Thumbprint};
