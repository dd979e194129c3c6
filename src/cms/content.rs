//! The encrypted content of a message, and how its key opens it.

use std::fmt;

use aws_lc_rs::aead::{self, AES_128_GCM, AES_192_GCM, AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::cipher::{
    AES_128, AES_192, AES_256, Algorithm, DecryptionContext, PaddedBlockDecryptingKey, UnboundCipherKey,
};
use aws_lc_rs::iv::FixedLength;
use aws_lc_rs::rand;
use cbc::cipher::{BlockDecryptMut, KeyIvInit, block_padding::Pkcs7};
use der::asn1::ObjectIdentifier;
use zeroize::Zeroizing;

use super::error::{CmsError, Malformed};
use super::gost28147::Parameters;
use super::oid;
use super::tlv::{OCTET_STRING, OID, SEQUENCE, SET, Tlv};

/// A content that its key opens.
#[derive(Clone)]
pub(super) struct Sealed {
    cipher: Cipher,
    /// The ciphertext; with GCM the tag follows.
    ciphertext: Vec<u8>,
    /// With GCM: what is authenticated beside the content.
    beside: Vec<u8>,
}

#[derive(Clone)]
enum Cipher {
    /// And the length of its key.
    AesCbc(&'static Algorithm, usize, [u8; 16]),
    TripleDesCbc([u8; 8]),
    AesGcm(&'static aead::Algorithm, [u8; 12]),
    Gost28147(Parameters, [u8; 8]),
}

impl Cipher {
    fn key_length(&self) -> usize {
        match self {
            Self::AesCbc(_, length, _) => *length,
            Self::TripleDesCbc(_) => 24,
            Self::AesGcm(algorithm, _) => algorithm.key_len(),
            Self::Gost28147(..) => 32,
        }
    }
}

const UNSUPPORTED: Malformed = Malformed("its content is encrypted in a way that is not supported");

impl Sealed {
    /// Of `EnvelopedData`.
    pub(super) fn plain(algorithm: Tlv<'_>, ciphertext: Vec<u8>) -> Result<Self, Malformed> {
        let (kind, parameters) = read(algorithm)?;
        if kind == oid::GOST_28147 {
            let mut fields = parameters.ok_or(UNSUPPORTED)?.inner();
            let vector = fields
                .tagged(OCTET_STRING)?
                .value
                .try_into()
                .map_err(|_| UNSUPPORTED)?;
            let parameters = Parameters::by(fields.tagged(OID)?.oid()?).ok_or(UNSUPPORTED)?;
            return Ok(Self {
                cipher: Cipher::Gost28147(parameters, vector),
                ciphertext,
                beside: Vec::new(),
            });
        }
        let vector = parameters
            .filter(|element| element.tag == OCTET_STRING)
            .ok_or(UNSUPPORTED)?
            .value;
        let aes = |algorithm, length| {
            vector
                .try_into()
                .map(|vector| Cipher::AesCbc(algorithm, length, vector))
        };
        let cipher = match kind {
            oid::AES_128_CBC => aes(&AES_128, 16),
            oid::AES_192_CBC => aes(&AES_192, 24),
            oid::AES_256_CBC => aes(&AES_256, 32),
            oid::DES_EDE3_CBC => vector.try_into().map(Cipher::TripleDesCbc),
            _ => return Err(UNSUPPORTED),
        };
        Ok(Self {
            cipher: cipher.map_err(|_| UNSUPPORTED)?,
            ciphertext,
            beside: Vec::new(),
        })
    }

    /// Of `AuthEnvelopedData`: with its attributes, which are authenticated as the `SET OF` that they are, and its tag.
    pub(super) fn authenticated(
        algorithm: Tlv<'_>,
        mut ciphertext: Vec<u8>,
        attributes: Option<Tlv<'_>>,
        tag: &[u8],
    ) -> Result<Self, Malformed> {
        let (kind, parameters) = read(algorithm)?;
        let algorithm = match kind {
            oid::AES_128_GCM => &AES_128_GCM,
            oid::AES_192_GCM => &AES_192_GCM,
            oid::AES_256_GCM => &AES_256_GCM,
            _ => return Err(UNSUPPORTED),
        };
        let parameters = parameters
            .filter(|element| element.tag == SEQUENCE)
            .ok_or(UNSUPPORTED)?;
        let nonce = parameters
            .inner()
            .tagged(OCTET_STRING)?
            .value
            .try_into()
            .map_err(|_| UNSUPPORTED)?;
        // A shorter tag is allowed by the standard, written by nobody known, and weaker.
        if tag.len() != algorithm.tag_len() {
            return Err(UNSUPPORTED);
        }
        ciphertext.extend_from_slice(tag);
        let beside = attributes.map(|set| [&[SET], &set.raw[1..]].concat());
        Ok(Self {
            cipher: Cipher::AesGcm(algorithm, nonce),
            ciphertext,
            beside: beside.unwrap_or_default(),
        })
    }

    /// Decrypts; a key that is missing or has a wrong length is replaced by one at random.
    pub(super) fn open(&self, key: Option<&[u8]>) -> Result<Zeroizing<Vec<u8>>, CmsError> {
        let mut chosen = Zeroizing::new(vec![0; self.cipher.key_length()]);
        rand::fill(&mut chosen).map_err(|_| CmsError::Undecipherable)?;
        match key.filter(|key| key.len() == chosen.len()) {
            Some(key) => chosen.copy_from_slice(key),
            // Nothing in this cipher tells that a key is wrong: it would give out noise.
            None if matches!(self.cipher, Cipher::Gost28147(..)) => return Err(CmsError::Undecipherable),
            None => {}
        }
        let mut content = Zeroizing::new(self.ciphertext.clone());
        let length = self
            .decrypt(&chosen, &mut content)
            .ok_or(CmsError::Undecipherable)?;
        content.truncate(length);
        Ok(content)
    }

    /// Decrypts in place and returns the length of the content.
    fn decrypt(&self, key: &[u8], content: &mut [u8]) -> Option<usize> {
        match &self.cipher {
            Cipher::AesCbc(algorithm, _, vector) => {
                let key = UnboundCipherKey::new(algorithm, key).ok()?;
                let start = DecryptionContext::Iv128(FixedLength::from(*vector));
                let key = PaddedBlockDecryptingKey::cbc_pkcs7(key).ok()?;
                key.decrypt(content, start).ok().map(|content| content.len())
            }
            Cipher::TripleDesCbc(vector) => {
                let cipher = cbc::Decryptor::<des::TdesEde3>::new_from_slices(key, vector).ok()?;
                cipher.decrypt_padded_mut::<Pkcs7>(content).ok().map(<[u8]>::len)
            }
            Cipher::AesGcm(algorithm, nonce) => {
                let key = LessSafeKey::new(UnboundKey::new(algorithm, key).ok()?);
                let nonce = Nonce::assume_unique_for_key(*nonce);
                let content = key.open_in_place(nonce, Aad::from(&self.beside), content).ok()?;
                Some(content.len())
            }
            Cipher::Gost28147(parameters, vector) => {
                parameters.decrypt(key.try_into().ok()?, *vector, content);
                Some(content.len())
            }
        }
    }
}

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sealed({} bytes)", self.ciphertext.len())
    }
}

/// An `AlgorithmIdentifier`.
fn read(algorithm: Tlv<'_>) -> Result<(ObjectIdentifier, Option<Tlv<'_>>), Malformed> {
    let mut fields = algorithm.inner();
    let kind = fields.tagged(OID)?.oid()?;
    let parameters = if fields.peek().is_some() {
        Some(fields.next()?)
    } else {
        None
    };
    Ok((kind, parameters))
}
