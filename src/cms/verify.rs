//! Holds what is signed against its signer's certificate.

use std::borrow::Cow;

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA384_ASN1, ECDSA_P384_SHA256_ASN1, ECDSA_P384_SHA384_ASN1,
    RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512, UnparsedPublicKey,
    VerificationAlgorithm,
};

use super::algorithm::Digest;
use super::certificate::{Certificate, PublicKeyKind};
use super::error::CmsError;
use super::parse::{Scheme, SignedMessage, Signer};

impl SignedMessage {
    /// The certificate of this signer, if it is in the message.
    pub fn certificate(&self, signer: &Signer) -> Option<&Certificate> {
        self.certificates
            .iter()
            .find(|certificate| signer.identifier.names(certificate))
    }

    /// The bytes that the signer's key signed, once all else is right: the certificate is the one that the signer names, and
    /// the content has the digest that was signed. `content` is for a message that does not have it.
    ///
    /// # Errors
    /// [`CmsError::Unverified`].
    pub fn signed_bytes<'a>(
        &'a self,
        signer: &'a Signer,
        content: Option<&'a [u8]>,
        certificate: &Certificate,
    ) -> Result<Cow<'a, [u8]>, CmsError> {
        let content = self.content.as_deref().or(content);
        let content = content.ok_or(CmsError::Unverified("its content is not there"))?;
        if !signer.identifier.names(certificate) {
            return Err(CmsError::Unverified("it is not signed with this certificate"));
        }
        let digest = signer
            .digest
            .ok_or(CmsError::Unverified("its digest is not supported"))?;
        let Some(attributes) = &signer.attributes else {
            return Ok(Cow::Borrowed(content));
        };
        if attributes.content_type != Some(self.content_type) {
            return Err(CmsError::Unverified(
                "its content is not of the type that was signed",
            ));
        }
        if attributes.message_digest != digest.of(content) {
            return Err(CmsError::Unverified("its content is not the one that was signed"));
        }
        if let Some(named) = &attributes.signing_certificate {
            let digest = named.digest.ok_or(CmsError::Unverified(
                "its digest of the certificate is not supported",
            ))?;
            if named.value != digest.of(&certificate.der) {
                return Err(CmsError::Unverified(
                    "it is signed with another certificate of that number",
                ));
            }
        }
        Ok(Cow::Borrowed(&attributes.signed))
    }

    /// Verifies a signature by RSA or ECDSA. Whether the certificate is to be trusted, and was valid, is not looked at.
    ///
    /// # Errors
    /// [`CmsError::Unverified`]; GOST, too, is not verified here.
    pub fn verify(
        &self,
        signer: &Signer,
        content: Option<&[u8]>,
        certificate: &Certificate,
    ) -> Result<(), CmsError> {
        let bytes = self.signed_bytes(signer, content, certificate)?;
        let algorithm: &'static dyn VerificationAlgorithm =
            match (&signer.scheme, certificate.key, signer.digest) {
                (Scheme::Rsa, PublicKeyKind::Rsa(_), Some(Digest::Sha256)) => &RSA_PKCS1_2048_8192_SHA256,
                (Scheme::Rsa, PublicKeyKind::Rsa(_), Some(Digest::Sha384)) => &RSA_PKCS1_2048_8192_SHA384,
                (Scheme::Rsa, PublicKeyKind::Rsa(_), Some(Digest::Sha512)) => &RSA_PKCS1_2048_8192_SHA512,
                (Scheme::Ecdsa, PublicKeyKind::EcP256, Some(Digest::Sha256)) => &ECDSA_P256_SHA256_ASN1,
                (Scheme::Ecdsa, PublicKeyKind::EcP256, Some(Digest::Sha384)) => &ECDSA_P256_SHA384_ASN1,
                (Scheme::Ecdsa, PublicKeyKind::EcP384, Some(Digest::Sha256)) => &ECDSA_P384_SHA256_ASN1,
                (Scheme::Ecdsa, PublicKeyKind::EcP384, Some(Digest::Sha384)) => &ECDSA_P384_SHA384_ASN1,
                _ => {
                    return Err(CmsError::Unverified(
                        "it is signed in a way that is not supported",
                    ));
                }
            };
        UnparsedPublicKey::new(algorithm, &certificate.public_key)
            .verify(&bytes, &signer.signature)
            .map_err(|_| CmsError::Unverified("its signature is wrong"))
    }
}
