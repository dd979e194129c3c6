//! Credentials of licences: those that security keys are asked for.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

use super::super::prove::Identity;
use super::cose::CoseKey;

/// No key makes longer ids.
const LONGEST_ID: usize = 1023;

/// A credential that a licence is bound to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credential {
    pub(super) id: Vec<u8>,
    pub(super) key: CoseKey,
}

impl Credential {
    pub(super) fn new(id: Vec<u8>, key: CoseKey) -> Option<Self> {
        let sound = (1..=LONGEST_ID).contains(&id.len());
        sound.then_some(Self { id, key })
    }

    /// Reads a binding's serial number and public key: id and COSE key, both in base64url without padding. None: a
    /// binding that no key can fulfil.
    pub fn parse(serial: &str, public_key: &str) -> Option<Self> {
        let id = URL_SAFE_NO_PAD.decode(serial).ok()?;
        Self::new(id, CoseKey::parse(public_key)?)
    }

    /// Its id as bindings write it.
    pub fn serial(&self) -> String {
        URL_SAFE_NO_PAD.encode(&self.id)
    }

    /// Its COSE key as bindings write it.
    pub fn public_key(&self) -> String {
        self.key.text()
    }

    /// As a carrier that answered for it.
    pub(super) fn identity(&self, proven: bool) -> Identity {
        Identity {
            serial: self.serial(),
            public_key: Some(self.public_key()),
            verdict: if proven {
                Ok(())
            } else {
                Err(super::super::CarrierError::Wrong)
            },
        }
    }
}

/// The number of a credential by its id: the first 48 bits of SHA-256 over `fido2-` and the id in base64url.
pub(in super::super) fn number(serial: &str) -> u64 {
    let digest = Sha256::digest(format!("fido2-{serial}"));
    digest[..6]
        .iter()
        .fold(0, |number, byte| number << 8 | u64::from(*byte))
}
