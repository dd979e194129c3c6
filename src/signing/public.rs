//! Public halves of RSA keys: read from what a file or a token gives, and used to verify fast.

use aws_lc_rs::digest::Digest;
use aws_lc_rs::signature::{ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use rsa::RsaPublicKey;
use rsa::pkcs8::{DecodePublicKey, Document, LineEnding};
use rsa::traits::PublicKeyParts;

/// Lengths of keys that sign answers, in bits.
const BITS: std::ops::RangeInclusive<usize> = 2048..=8192;

/// The public half of a key that the node signs with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicKey {
    /// `SubjectPublicKeyInfo` in PEM.
    pub pem: String,
    /// Length of the modulus in bits.
    pub bits: usize,
}

impl PublicKey {
    /// Reads a `SubjectPublicKeyInfo` (DER); none where it is no RSA key of 2048 to 8192 bits.
    pub fn from_der(der: &[u8]) -> Option<Self> {
        let key = RsaPublicKey::from_public_key_der(der).ok()?;
        let bits = key.n().bits();
        let pem = Document::try_from(der).ok()?.to_pem("PUBLIC KEY", LineEnding::LF);
        let pem = pem.ok()?;
        BITS.contains(&bits).then_some(Self { pem, bits })
    }

    /// As [`PublicKey::from_der`], of PEM.
    pub fn from_pem(pem: &str) -> Option<Self> {
        let (label, document) = Document::from_pem(pem).ok()?;
        (label == "PUBLIC KEY").then(|| Self::from_der(document.as_bytes()))?
    }
}

/// A public key made ready to verify many signatures.
pub(super) struct Verifier(ParsedPublicKey);

impl Verifier {
    /// None where the key is none that [`PublicKey`] takes.
    pub(super) fn new(key: &PublicKey) -> Option<Self> {
        let (_, document) = Document::from_pem(&key.pem).ok()?;
        let unparsed = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, document.as_bytes());
        unparsed.parse().ok().map(Self)
    }

    /// Whether this is the signature of what has this SHA-256.
    pub(super) fn accepts(&self, digest: &Digest, signature: &[u8]) -> bool {
        self.0.verify_digest_sig(digest, signature).is_ok()
    }
}
