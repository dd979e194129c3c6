//! What can be asked of a token.

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::token::KeyKind;

/// How a key signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Mechanism {
    /// `CKM_RSA_PKCS` over a `DigestInfo` that the caller made of a SHA-256.
    RsaPkcs1,
    /// `CKM_ECDSA` over a digest; the result is r and s, each as long as the curve's order.
    Ecdsa,
    /// `CKM_EDDSA` over the message.
    Eddsa,
    /// `CKM_GOSTR3410_WITH_GOSTR3411_12_256` over the message; the result is as the token gives it.
    Gost256,
    /// `CKM_GOSTR3410_WITH_GOSTR3411_12_512` over the message.
    Gost512,
}

/// How a key decrypts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Decryption {
    /// `CKM_RSA_PKCS`.
    RsaPkcs1,
    /// `CKM_RSA_PKCS_OAEP` with this hash for both of its uses.
    RsaOaepSha1,
    /// The same with SHA-256.
    RsaOaepSha256,
    /// `CKM_GOSTR3410_12_DERIVE`, with 256 bits: the data is the mechanism's parameter, the result the key that was agreed on,
    /// 32 bytes.
    GostAgreement,
}

/// A private key that is put on a token.
#[derive(Clone)]
pub enum NewKey {
    /// Made on the token.
    Generated(KeyKind),
    /// Made on the token; an RSA key that decrypts too, as that of a person's certificate does.
    GeneratedToDecrypt(KeyKind),
    /// Given: an RSA private key, PKCS#8 DER.
    Rsa(Zeroizing<Vec<u8>>),
}

/// One thing asked of a token. The result is bytes: a signature, a plaintext, the `SubjectPublicKeyInfo` of a new key, or none.
#[derive(Clone)]
pub enum Operation {
    /// Signs with the private key of this `CKA_ID`.
    Sign {
        /// `CKA_ID`.
        key: Vec<u8>,
        /// How.
        mechanism: Mechanism,
        /// What, as the mechanism wants it.
        data: Vec<u8>,
    },
    /// Decrypts with the private key of this `CKA_ID`.
    Decrypt {
        /// `CKA_ID`.
        key: Vec<u8>,
        /// How.
        mechanism: Decryption,
        /// The ciphertext.
        data: Vec<u8>,
    },
    /// Puts a key pair on the token: private, sensitive, not extractable, for signing, and for nothing else
    /// unless the key says so.
    CreateKey {
        /// `CKA_ID`.
        id: Vec<u8>,
        /// `CKA_LABEL`.
        label: String,
        /// Which.
        key: NewKey,
    },
    /// Writes the public data object of this label and the application `keynode`, in place of one that is there; an
    /// empty value removes it. A token without room refuses, and keeps what it had.
    WriteData {
        /// `CKA_LABEL`.
        label: String,
        /// `CKA_VALUE`.
        value: Vec<u8>,
    },
    /// Writes a certificate, in place of one that is there under this ID: that of the key of the same ID.
    WriteCertificate {
        /// `CKA_ID`.
        id: Vec<u8>,
        /// `CKA_LABEL`.
        label: String,
        /// X.509, DER.
        der: Vec<u8>,
    },
}
