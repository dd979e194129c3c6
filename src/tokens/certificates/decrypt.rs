//! Opens messages that are encrypted to a certificate.

use zeroize::Zeroizing;

use crate::cms::{KeyTransport, Recipient, Thumbprint, open_envelope};
use crate::licence::Timestamp;
use crate::tokens::{Decryption, Operation, TokenError};

use super::error::CertificateError;
use super::handle::CertificatesHandle;
use super::inventory::{KeyPlace, Listed, Obstacle};

/// What modules say of the token itself, and never of data that do not decrypt. Whatever else they say (and some say
/// `CKR_GENERAL_ERROR` of wrong padding) is one and the same to whoever asks.
const OF_THE_TOKEN: [&str; 16] = [
    "CKR_CRYPTOKI_NOT_INITIALIZED",
    "CKR_DEVICE_ERROR",
    "CKR_DEVICE_MEMORY",
    "CKR_DEVICE_REMOVED",
    "CKR_FUNCTION_CANCELED",
    "CKR_HOST_MEMORY",
    "CKR_OPERATION_ACTIVE",
    "CKR_PIN_EXPIRED",
    "CKR_PIN_INCORRECT",
    "CKR_PIN_LOCKED",
    "CKR_SESSION_CLOSED",
    "CKR_SESSION_HANDLE_INVALID",
    "CKR_SLOT_ID_INVALID",
    "CKR_TOKEN_NOT_PRESENT",
    "CKR_TOKEN_NOT_RECOGNIZED",
    "CKR_USER_NOT_LOGGED_IN",
];

impl CertificatesHandle {
    /// Opens a CMS `EnvelopedData` (DER or BER) with this certificate's key; also after the certificate has expired, for
    /// what was encrypted before.
    ///
    /// # Errors
    /// [`CertificateError`]. A key of the content that does not decrypt, and content that does not, are one error.
    pub async fn decrypt_cms(
        &self,
        thumbprint: Thumbprint,
        message: &[u8],
        now: Timestamp,
    ) -> Result<Zeroizing<Vec<u8>>, CertificateError> {
        let inventory = self.inventory();
        let listed = inventory
            .find(thumbprint, now)
            .ok_or(CertificateError::Unknown(thumbprint))?;
        let obstacle = listed.lasting_obstacle().cloned();
        let (certificate, key) = listed.ready(thumbprint, obstacle.or_else(|| listed.may_not_decrypt()))?;
        let envelope = open_envelope(message)?;
        let recipient = envelope
            .recipient(certificate)
            .ok_or(CertificateError::NotForIt(thumbprint))?;
        let content_key = self.content_key(key, recipient).await?;
        Ok(envelope.decrypt(content_key.as_ref().map(|key| key.as_slice()))?)
    }

    /// The key of the content; none where it does not decrypt, which nobody is to learn.
    async fn content_key(
        &self,
        key: &KeyPlace,
        recipient: &Recipient,
    ) -> Result<Option<Zeroizing<Vec<u8>>>, CertificateError> {
        let encrypted = || recipient.encrypted_key.clone();
        let (mechanism, data) = match &recipient.transport {
            KeyTransport::RsaPkcs1 => (Decryption::RsaPkcs1, encrypted()),
            KeyTransport::RsaOaepSha1 => (Decryption::RsaOaepSha1, encrypted()),
            KeyTransport::RsaOaepSha256 => (Decryption::RsaOaepSha256, encrypted()),
            KeyTransport::Gost(transport) => (Decryption::GostAgreement, transport.derive_parameter()),
            KeyTransport::Other(oid) => return Err(CertificateError::Transport(oid.clone())),
        };
        match key {
            KeyPlace::File { key, .. } => Ok(key.0.decrypt(mechanism, &data)),
            KeyPlace::Token { token, key } => {
                let operation = Operation::Decrypt {
                    key: key.id.clone(),
                    mechanism,
                    data,
                };
                match self.tokens.perform(token, operation).await {
                    Ok(plain) => Ok(unwrapped(recipient, Zeroizing::new(plain))),
                    Err(TokenError::Refused { code, .. }) if !OF_THE_TOKEN.contains(&code.as_str()) => {
                        Ok(None)
                    }
                    Err(error) => Err(error.into()),
                }
            }
        }
    }
}

/// The key of the content, of what the token gave: itself, or what was agreed on to wrap it.
fn unwrapped(recipient: &Recipient, given: Zeroizing<Vec<u8>>) -> Option<Zeroizing<Vec<u8>>> {
    match &recipient.transport {
        KeyTransport::Gost(transport) => transport.content_key(given.as_slice().try_into().ok()?),
        _ => Some(given),
    }
}

impl Listed {
    /// What keeps it from decrypting though it can be used.
    fn may_not_decrypt(&self) -> Option<Obstacle> {
        match self.key.as_ref()? {
            KeyPlace::Token { token, key } if !key.decrypts => Some(Obstacle::Own(format!(
                "token {token} does not let its private key decrypt"
            ))),
            KeyPlace::File { key, .. } if !key.0.decrypts() => Some(Obstacle::Own(
                "its key is not one that decrypts: RSA keys do".into(),
            )),
            _ => None,
        }
    }
}
