//! What goes wrong with certificates and messages.

/// Why a message cannot be built or read.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum CmsError {
    /// The certificate cannot be read, or its key is of a type that is not supported.
    #[error("the certificate: {0}")]
    Certificate(String),
    /// The message cannot be read.
    #[error("the message: {0}")]
    Message(String),
    /// The message is not decrypted by this key; why, nobody is told.
    #[error("the message cannot be decrypted with this key")]
    Undecipherable,
    /// The message can be read, and its signature does not hold.
    #[error("the message is not verified: {0}")]
    Unverified(&'static str),
}

/// A structure that is not what it should be; says which part.
#[derive(Clone, Copy, Debug, thiserror::Error, PartialEq, Eq)]
#[error("{0}")]
pub(super) struct Malformed(pub(super) &'static str);

impl Malformed {
    /// As a fault of a certificate.
    pub(super) fn certificate(self) -> CmsError {
        CmsError::Certificate(self.0.into())
    }

    /// As a fault of a message.
    pub(super) fn message(self) -> CmsError {
        CmsError::Message(self.0.into())
    }
}
