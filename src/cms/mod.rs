//! CMS (RFC 5652) and CAdES-BES (ETSI EN 319 122-1): builds and parses; knows no keys, no clock and no I/O.

mod algorithm;
mod ber;
mod certificate;
mod content;
mod envelope;
mod error;
mod gost28147;
mod gost_transport;
mod name;
mod oid;
mod parse;
mod sign;
mod thumbprint;
mod tlv;
mod verify;

pub use algorithm::{Algorithm, Digest};
pub use ber::MAX_MESSAGE;
pub use certificate::{Certificate, KeyUsage, MAX_CERTIFICATE, PublicKeyKind};
pub use envelope::{CertificateIdentifier, Envelope, KeyTransport, Recipient, open_envelope};
pub use error::CmsError;
pub use gost_transport::GostTransport;
pub use parse::{CertificateDigest, Scheme, SignedAttributes, SignedMessage, Signer};
pub use sign::{Draft, Profile, SigningRequest, draft};
pub use thumbprint::{BadThumbprint, Thumbprint};
