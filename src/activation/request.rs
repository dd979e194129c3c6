//! What a node asks a centre for.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::licence::binding::{CarrierBinding, Component};
use crate::licence::{ActivationCode, Iec, Itn, KeyNo, Timestamp};

use super::nonce::Nonce;

/// Version of the requests that this program writes and reads.
pub const REQUEST_VERSION: u32 = 1;

/// More components than any computer has.
const MOST_COMPONENTS: usize = 256;

/// What a request wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// A licence for a code. Also takes it from where it is now, where that is allowed.
    Activate,
    /// The licence that this node has, for longer; and a sign of life.
    Renew,
    /// To give the licence back, for use elsewhere.
    Return,
}

/// A request, as a node signs it (`sealed`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Request {
    /// [`REQUEST_VERSION`].
    pub version: u32,
    /// What it wants.
    pub action: Action,
    /// The activation code.
    pub code: ActivationCode,
    /// The holder's tax number.
    #[serde(rename = "ITN")]
    pub itn: Itn,
    /// The holder's IEC (KPP).
    #[serde(rename = "IEC", default, skip_serializing_if = "Option::is_none")]
    pub iec: Option<Iec>,
    /// New for each request; a request that is repeated for want of an answer keeps its own.
    pub nonce: Nonce,
    /// Nonce of the last request of this node about this code that was answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<Nonce>,
    /// The node's clock.
    pub time: Timestamp,
    /// Takes the licence from a computer that is lost.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recovery: Option<ActivationCode>,
    /// To activate on a computer: its components.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub computer: Option<Vec<Component>>,
    /// To activate on a carrier: which.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub carrier: Option<CarrierClaim>,
}

/// A carrier that a licence is to be bound to, and its proof that it is there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct CarrierClaim {
    /// Driver, serial number and public key.
    pub binding: CarrierBinding,
    /// The licence's `BlankKeyNo`.
    pub number: KeyNo,
    /// What the carrier made of [`carrier_challenge`], in base64url; empty for drivers that prove presence alone.
    pub proof: String,
}

/// What is wrong with a well-formed request.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum BadRequest {
    /// Written by another program.
    #[error("the request has version {0}, this program knows version {REQUEST_VERSION}")]
    Version(u32),
    /// To activate means on a computer or on a carrier; the other actions name neither.
    #[error("a request to activate names a computer or a carrier, and other requests name neither")]
    Place,
    /// A component of a form that no computer has, or too many.
    #[error("the computer of the request is wrong: {0}")]
    Computer(String),
    /// Texts that are too long.
    #[error("the carrier of the request is wrong")]
    Carrier,
}

impl Request {
    /// Checks what the types alone do not hold.
    ///
    /// # Errors
    /// [`BadRequest`].
    pub fn check(&self) -> Result<(), BadRequest> {
        if self.version != REQUEST_VERSION {
            return Err(BadRequest::Version(self.version));
        }
        let places = usize::from(self.computer.is_some()) + usize::from(self.carrier.is_some());
        if places != usize::from(self.action == Action::Activate) {
            return Err(BadRequest::Place);
        }
        if let Some(components) = &self.computer {
            if components.is_empty() || components.len() > MOST_COMPONENTS {
                return Err(BadRequest::Computer(format!(
                    "1 to {MOST_COMPONENTS} components are expected"
                )));
            }
            for (place, component) in components.iter().enumerate() {
                component
                    .validate()
                    .map_err(|error| BadRequest::Computer(error.to_string()))?;
                if components[..place].contains(component) {
                    return Err(BadRequest::Computer("it names a component twice".into()));
                }
            }
            if !components.iter().any(|component| component.kind.is_strong()) {
                return Err(BadRequest::Computer(
                    "it has no strong component, so nothing tells it from others of its model (keynode computer show)"
                        .into(),
                ));
            }
        }
        if let Some(claim) = &self.carrier {
            let binding = &claim.binding;
            let texts = [
                (binding.driver.as_str(), 256),
                (&binding.serial, 2048),
                (binding.public_key.as_deref().unwrap_or(""), 2048),
                (&claim.proof, 4096),
            ];
            let fits =
                |(text, most): &(&str, usize)| text.len() <= *most && !text.chars().any(char::is_control);
            if !texts.iter().all(fits) {
                return Err(BadRequest::Carrier);
            }
        }
        Ok(())
    }
}

impl CarrierClaim {
    /// The bytes of the proof.
    ///
    /// # Errors
    /// [`BadRequest::Carrier`] where it is not base64url.
    pub fn proof_bytes(&self) -> Result<Vec<u8>, BadRequest> {
        URL_SAFE_NO_PAD
            .decode(&self.proof)
            .map_err(|_| BadRequest::Carrier)
    }
}

/// What a carrier signs to prove that it takes part in this request of the node with this public key.
pub fn carrier_challenge(node_key: &[u8; 32], nonce: &Nonce, code: &ActivationCode) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(b"keynode activation, carrier\0");
    hash.update(node_key);
    hash.update(nonce.bytes());
    hash.update(code.as_str());
    hash.finalize().into()
}
