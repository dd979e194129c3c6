//! Why a certificate did not sign or decrypt.

use crate::cms::{CmsError, Thumbprint};
use crate::tokens::TokenError;

use super::inventory::Obstacle;

/// Why a certificate did not sign or decrypt. Holds no secret.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum CertificateError {
    /// It is neither on a token nor in a file.
    #[error("there is no certificate {0} here")]
    Unknown(Thumbprint),
    /// It cannot be used, or not for this.
    #[error("certificate {thumbprint} cannot be used: {obstacle}")]
    NotUsable {
        /// Which.
        thumbprint: Thumbprint,
        /// Why.
        obstacle: Obstacle,
    },
    /// The token failed while it was asked.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// What the key signed does not verify under the certificate.
    #[error("what {0} signed does not verify under the certificate: it is not given out")]
    BadSignature(String),
    /// The message cannot be built or read.
    #[error(transparent)]
    Cms(#[from] CmsError),
    /// The message is encrypted to others.
    #[error("the message is not encrypted to certificate {0}")]
    NotForIt(Thumbprint),
    /// The key of the message's content is encrypted in a way that is not supported.
    #[error("the message's key is encrypted in a way that is not supported: {0}")]
    Transport(String),
}
