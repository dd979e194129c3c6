//! Signs and decrypts with a certificate: the message by `cms`, the private key's part by its token or file.

use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, SHA384, digest};

use crate::cms::{self, Algorithm, Certificate, Profile, SigningRequest, Thumbprint};
use crate::licence::Timestamp;
use crate::tokens::{Mechanism, Operation};

use super::error::CertificateError;
use super::handle::CertificatesHandle;
use super::inventory::{KeyPlace, Listed, Obstacle};
use super::verify::verifies;

/// What stands before a SHA-256 in what RSA signs: `DigestInfo` (RFC 8017, section 9.2).
const SHA256_PREFIX: [u8; 19] = [
    0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00,
    0x04, 0x20,
];

/// What is to be signed, and how.
#[derive(Clone, Copy, Debug)]
pub struct ToSign<'a> {
    /// The content.
    pub content: &'a [u8],
    /// What is vouched for.
    pub profile: Profile,
    /// The content stays outside of the message.
    pub detached: bool,
    /// The certificates above the signer's go into the message, as far as they are known here.
    pub chain: bool,
}

impl CertificatesHandle {
    /// Makes a CMS message (DER `ContentInfo`) that this certificate's key signs now.
    ///
    /// # Errors
    /// [`CertificateError`]; a signature that does not verify is none.
    pub async fn sign_cms(
        &self,
        thumbprint: Thumbprint,
        what: ToSign<'_>,
        now: Timestamp,
    ) -> Result<Vec<u8>, CertificateError> {
        let inventory = self.inventory();
        let listed = inventory
            .find(thumbprint, now)
            .ok_or(CertificateError::Unknown(thumbprint))?;
        let obstacle = listed.obstacle(now).or_else(|| listed.may_not_sign());
        let (certificate, key) = listed.ready(thumbprint, obstacle)?;
        let chain = if what.chain {
            inventory.chain(certificate)
        } else {
            Vec::new()
        };
        let chain: Vec<&[u8]> = chain.iter().map(|certificate| &*certificate.der).collect();
        let draft = cms::draft(&SigningRequest {
            content: what.content,
            detached: what.detached,
            profile: what.profile,
            certificate: &certificate.der,
            chain: &chain,
            time: now,
        })?;
        let signature = self.sign(key, draft.algorithm(), draft.to_be_signed()).await?;
        if !verifies(certificate, draft.algorithm(), draft.to_be_signed(), &signature) {
            tracing::error!(%thumbprint, place = %key, "a key made a signature that does not verify");
            return Err(CertificateError::BadSignature(key.to_string()));
        }
        Ok(draft.finish(&signature)?)
    }

    async fn sign(
        &self,
        key: &KeyPlace,
        algorithm: Algorithm,
        message: &[u8],
    ) -> Result<Vec<u8>, CertificateError> {
        match key {
            KeyPlace::Token { token, key } => {
                let (mechanism, data) = for_token(algorithm, message);
                let operation = Operation::Sign {
                    key: key.id.clone(),
                    mechanism,
                    data,
                };
                Ok(self.tokens.perform(token, operation).await?)
            }
            KeyPlace::File { key: file, .. } => file
                .0
                .sign(algorithm, message)
                .ok_or_else(|| CertificateError::BadSignature(key.to_string())),
        }
    }
}

impl Listed {
    /// What keeps it from signing though it can be used.
    fn may_not_sign(&self) -> Option<Obstacle> {
        let usage = self.certificate.as_ref()?.key_usage;
        if usage.is_some_and(|usage| !usage.signs) {
            return Some(Obstacle::Own("its key usage has no signatures".into()));
        }
        match &self.key {
            Some(KeyPlace::Token { token, key }) if !key.signs => Some(Obstacle::Own(format!(
                "token {token} does not let its private key sign"
            ))),
            _ => None,
        }
    }

    /// The certificate with its key, where there is no obstacle.
    pub(super) fn ready(
        &self,
        thumbprint: Thumbprint,
        obstacle: Option<Obstacle>,
    ) -> Result<(&Arc<Certificate>, &KeyPlace), CertificateError> {
        match (obstacle, &self.certificate, &self.key) {
            (None, Some(certificate), Some(key)) => Ok((certificate, key)),
            (obstacle, _, _) => Err(CertificateError::NotUsable {
                thumbprint,
                obstacle: obstacle.unwrap_or_else(|| Obstacle::Own("there is no private key for it".into())),
            }),
        }
    }
}

/// How a token signs with an algorithm, and what it is given.
fn for_token(algorithm: Algorithm, message: &[u8]) -> (Mechanism, Vec<u8>) {
    match algorithm {
        Algorithm::RsaSha256 => {
            let info = [&SHA256_PREFIX, digest(&SHA256, message).as_ref()].concat();
            (Mechanism::RsaPkcs1, info)
        }
        Algorithm::EcdsaSha256 => (Mechanism::Ecdsa, digest(&SHA256, message).as_ref().to_vec()),
        Algorithm::EcdsaSha384 => (Mechanism::Ecdsa, digest(&SHA384, message).as_ref().to_vec()),
        Algorithm::Gost256 => (Mechanism::Gost256, message.to_vec()),
        Algorithm::Gost512 => (Mechanism::Gost512, message.to_vec()),
    }
}
