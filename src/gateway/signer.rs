//! Signs and decrypts for an organisation, and says in the seeds' words why that did not work. Nothing is tried twice: a PIN
//! that is refused twice locks a key.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use crate::clock::SharedClock;
use crate::cms::{Certificate, Profile, Thumbprint};
use crate::tokens::{CertificateError, CertificatesHandle, Listed, ToSign};

use super::key_trouble::{cause, of_a_key, unseen};

use super::organization::Organization;
use super::outcome::Trouble;

/// The certificates that organisations sign with.
pub(super) struct KeySigner {
    certificates: CertificatesHandle,
    clock: SharedClock,
}

/// A signature and whose it is.
#[derive(Clone, Debug)]
pub(super) struct Signed {
    /// CMS, Base64 in one line.
    pub(super) base64: String,
    pub(super) thumbprint: Thumbprint,
}

/// The certificate that would sign for an organisation now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignerNow {
    /// None: there is none.
    pub thumbprint: Option<Thumbprint>,
    /// Why it cannot sign now; none: it can.
    pub reason: Option<String>,
}

impl KeySigner {
    pub(super) fn new(certificates: CertificatesHandle, clock: SharedClock) -> Self {
        Self { certificates, clock }
    }

    /// The certificate of an organisation: the one that is set, or the valid one here that bears its ITN, of several the one
    /// that is valid longest.
    pub(super) fn thumbprint_of(
        &self,
        itn: &str,
        organization: &Organization,
    ) -> Result<Thumbprint, Trouble> {
        if let Some(thumbprint) = organization.thumbprint() {
            return Ok(thumbprint);
        }
        let (inventory, now) = (self.certificates.inventory(), self.clock.now().wall);
        let bearing = inventory.certificates.iter().filter(|listed| {
            let certificate = listed.certificate.as_ref();
            certificate.is_some_and(|certificate| certificate.itn.as_deref() == Some(itn))
        });
        let usable = |listed: &Listed| listed.obstacle(now).is_none();
        let ends = |listed: &Listed| listed.certificate.as_ref().map(|own| own.not_after);
        let best = bearing.max_by_key(|listed| (usable(listed), listed.key.is_some(), ends(listed)));
        best.and_then(|listed| listed.thumbprint).ok_or_else(|| {
            let why =
                format!("no certificate with the ITN {itn} is here, and none is set for the organisation");
            of_a_key(Some(unseen(&self.certificates.tokens())), &why)
        })
    }

    /// The certificate of an organisation, and whether it can sign now.
    pub(super) fn now_of(&self, itn: &str, organization: &Organization) -> SignerNow {
        let thumbprint = match self.thumbprint_of(itn, organization) {
            Ok(thumbprint) => thumbprint,
            Err(trouble) => {
                return SignerNow {
                    thumbprint: None,
                    reason: Some(trouble.info),
                };
            }
        };
        let (inventory, now) = (self.certificates.inventory(), self.clock.now().wall);
        let reason = match inventory.find(thumbprint, now) {
            None => Some(format!("the certificate {thumbprint} is not here")),
            Some(listed) => match listed.obstacle(now) {
                None if listed.key.is_none() => Some("there is no private key for it".into()),
                obstacle => obstacle.map(|obstacle| obstacle.to_string()),
            },
        };
        SignerNow {
            thumbprint: Some(thumbprint),
            reason,
        }
    }

    /// A certificate that is here, connected or not.
    pub(super) fn certificate(&self, thumbprint: Thumbprint) -> Option<Arc<Certificate>> {
        let inventory = self.certificates.inventory();
        let listed = inventory.find(thumbprint, self.clock.now().wall)?;
        listed.certificate.clone()
    }

    /// The certificates here that bear this ITN.
    pub(super) fn certificates_of(&self, itn: &str) -> Vec<Thumbprint> {
        let inventory = self.certificates.inventory();
        let all = inventory.certificates.iter();
        let own = all.filter(|listed| {
            let certificate = listed.certificate.as_ref();
            certificate.is_some_and(|certificate| certificate.itn.as_deref() == Some(itn))
        });
        own.filter_map(|listed| listed.thumbprint).collect()
    }

    /// Why a certificate that is not here does nothing.
    pub(super) fn unknown(&self, thumbprint: Thumbprint) -> Trouble {
        self.trouble(thumbprint, &CertificateError::Unknown(thumbprint))
    }

    /// Whether a signature could be had now, without asking the key for one.
    pub(super) fn check(&self, thumbprint: Thumbprint) -> Result<(), Trouble> {
        let (inventory, now) = (self.certificates.inventory(), self.clock.now().wall);
        let error = match inventory.find(thumbprint, now) {
            None => CertificateError::Unknown(thumbprint),
            Some(listed) => match listed.obstacle(now) {
                None => return Ok(()),
                Some(obstacle) => CertificateError::NotUsable { thumbprint, obstacle },
            },
        };
        Err(self.trouble(thumbprint, &error))
    }

    /// A CAdES-BES signature with the certificate in it.
    pub(super) async fn sign(
        &self,
        thumbprint: Thumbprint,
        content: &[u8],
        detached: bool,
    ) -> Result<Signed, Trouble> {
        let what = ToSign {
            content,
            profile: Profile::CadesBes,
            detached,
            chain: false,
        };
        let now = self.clock.now().wall;
        let signed = self.certificates.sign_cms(thumbprint, what, now).await;
        let signed = signed.map_err(|error| self.trouble(thumbprint, &error))?;
        Ok(Signed {
            base64: STANDARD.encode(signed),
            thumbprint,
        })
    }

    /// Opens a message that is encrypted to a certificate.
    pub(super) async fn decrypt(
        &self,
        thumbprint: Thumbprint,
        message: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, Trouble> {
        let now = self.clock.now().wall;
        let opened = self.certificates.decrypt_cms(thumbprint, message, now).await;
        opened.map_err(|error| self.trouble(thumbprint, &error))
    }

    /// Why a certificate did not do its work.
    fn trouble(&self, thumbprint: Thumbprint, error: &CertificateError) -> Trouble {
        let (inventory, now) = (self.certificates.inventory(), self.clock.now().wall);
        let listed = inventory.find(thumbprint, now);
        let valid = listed.is_none_or(|listed| listed.is_valid_at(now));
        let token = listed.and_then(|listed| listed.token());
        let tokens = self.certificates.tokens();
        of_a_key(cause(error, valid, token, &tokens), error)
    }
}
