//! CMS (RFC 5652) and CAdES-BES (ETSI EN 319 122-1): builds and parses; knows no keys, no clock and no I/O.

mod certificate;
mod error;
mod name;
mod oid;
mod sign;
mod tlv;

pub use certificate::{Certificate, KeyUsage, MAX_CERTIFICATE, PublicKeyKind};
pub use error::CmsError;
pub use sign::{Algorithm, Draft, Profile, SigningRequest, draft};
