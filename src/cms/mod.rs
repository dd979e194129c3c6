//! CMS (RFC 5652) and CAdES-BES (ETSI EN 319 122-1): builds and parses; knows no keys, no clock and no I/O.

mod sign;
mod thumbprint;

pub use sign::{Algorithm, CmsError, Draft, Profile, SigningRequest, draft};
pub use thumbprint::{BadThumbprint, Thumbprint};
