//! Attestations by a credential of a security key: an assertion over somebody else's challenge.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

use super::super::CarrierError;
use super::super::progress::Progress;
use super::authenticator::{Assertion, Authenticator};
use super::channel::Transport;
use super::credential::Credential;
use super::{alive, refusal::Refusal};

/// What the text begins with whose hash the key is given.
const DOMAIN: &[u8] = b"keynode fido2 carrier attestation v1\0";

/// CTAP 2.1 lets no id be shorter, and many names are base64url by chance.
const SHORTEST_ID: usize = 16;

/// The id of a credential that is meant by this name: its base64url, as bindings write it as serial number.
pub(in crate::devices) fn credential_id(name: &str) -> Option<Vec<u8>> {
    let id = URL_SAFE_NO_PAD.decode(name).ok()?;
    (id.len() >= SHORTEST_ID).then_some(id)
}

/// Has a security key sign a challenge by the credential of this id, without anybody who touches it. `progress` counts
/// its signs of life.
///
/// # Errors
/// Why it did not; [`CarrierError::Absent`] where it has no such credential.
pub fn attest_over(
    transport: impl Transport,
    credential: &[u8],
    challenge: &[u8; 32],
    progress: &Progress,
) -> Result<Vec<u8>, CarrierError> {
    let mut key = Authenticator::open(transport)?;
    let hash = client_data_hash(credential, challenge);
    let assertion = key
        .assertion(&[credential], &hash, &mut alive(progress))
        .map_err(Refusal::of_proof)?;
    let assertion = assertion.ok_or(CarrierError::Absent)?;
    let text = (assertion.id == credential).then(|| assertion.text()).flatten();
    text.ok_or_else(|| CarrierError::Protocol("it answers for a credential that it was not asked for".into()))
}

/// Whether the credential of this id and COSE key, as bindings write them, signed this challenge.
pub(in crate::devices) fn attests(
    serial: &str,
    public_key: &str,
    challenge: &[u8; 32],
    proof: &[u8],
) -> bool {
    let Some(credential) = Credential::parse(serial, public_key) else {
        return false;
    };
    let hash = client_data_hash(&credential.id, challenge);
    Assertion::read(&credential.id, proof).is_some_and(|assertion| assertion.proves(&credential.key, &hash))
}

/// What stands for the challenge in the assertion. With the id in it the assertion is for this credential alone, for
/// authenticator data do not name it.
fn client_data_hash(credential: &[u8], challenge: &[u8; 32]) -> [u8; 32] {
    let length = u16::try_from(credential.len()).unwrap_or(u16::MAX).to_be_bytes();
    Sha256::digest([DOMAIN, &length, credential, challenge].concat()).into()
}
