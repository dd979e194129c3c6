//! What is known of a token and of all tokens at a moment.

use std::path::PathBuf;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// Why a token wants a PIN.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PinWanted {
    /// None is set, or none can be read; the text says which, and what to do.
    Missing(String),
    /// The one that is set was refused, or may be wrong: it is not tried again. The text says what to do.
    Refused(String),
}

impl PinWanted {
    /// What it says.
    pub fn text(&self) -> &str {
        let (Self::Missing(text) | Self::Refused(text)) = self;
        text
    }
}

/// How it stands with a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TokenState {
    /// It is not there: no such token in any slot of the module.
    Absent,
    /// It is there and wants a PIN.
    NeedsPin(PinWanted),
    /// Its PIN is locked.
    Locked,
    /// Sessions are open and logged in.
    Usable,
    /// The module or the token does not do its work: the text says why.
    Faulty(String),
}

impl TokenState {
    /// One word for listings: `absent`, `needs PIN`, `locked`, `usable`, `faulty`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Absent => "absent",
            Self::NeedsPin(_) => "needs PIN",
            Self::Locked => "locked",
            Self::Usable => "usable",
            Self::Faulty(_) => "faulty",
        }
    }

    /// What follows the token's name in a sentence: `is absent`, `needs a PIN: ...`; no full stop.
    pub fn in_words(&self) -> String {
        let told = match self {
            Self::NeedsPin(_) => "needs a PIN".to_owned(),
            _ => format!("is {}", self.name()),
        };
        match self.detail() {
            Some(detail) => format!("{told}: {detail}"),
            None => told,
        }
    }

    /// What it says beyond its name.
    pub fn detail(&self) -> Option<&str> {
        match self {
            Self::NeedsPin(wanted) => Some(wanted.text()),
            Self::Faulty(text) => Some(text),
            Self::Absent | Self::Locked | Self::Usable => None,
        }
    }
}

/// What a private key can do, by its type and size.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum KeyKind {
    /// RSA with so many bits.
    Rsa(u32),
    /// ECDSA on NIST P-256.
    EcP256,
    /// ECDSA on NIST P-384.
    EcP384,
    /// Ed25519.
    Ed25519,
    /// GOST R 34.10-2012 with 256 bits.
    Gost256,
    /// GOST R 34.10-2012 with 512 bits.
    Gost512,
    /// Of another type: it is listed and not used.
    Other,
}

/// A private key on a token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenKey {
    /// `CKA_ID`.
    pub id: Vec<u8>,
    /// `CKA_LABEL`, cleaned.
    pub label: String,
    /// Its type and size.
    pub kind: KeyKind,
    /// `SubjectPublicKeyInfo` (DER) of its public half, where the token has that or a certificate for it.
    pub public_key: Option<Vec<u8>>,
    /// `CKA_EXTRACTABLE`: it can be taken off the token.
    pub extractable: bool,
    /// `CKA_SIGN`.
    pub signs: bool,
    /// `CKA_DECRYPT`; `CKA_DERIVE` of a GOST key, which decrypts by agreeing on a key.
    pub decrypts: bool,
}

/// A certificate on a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenCertificate {
    /// `CKA_ID`: that of its private key.
    pub id: Vec<u8>,
    /// `CKA_LABEL`, cleaned.
    pub label: String,
    /// The certificate.
    pub der: Arc<[u8]>,
}

/// A data object of the application `keynode` on a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DataObject {
    /// `CKA_LABEL`, cleaned.
    pub label: String,
    /// `CKA_VALUE`.
    pub value: Arc<[u8]>,
}

/// A token, one for each `[tokens.NAME]` of the settings. Texts that it told are cleaned: bounded, no control characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// NAME in the settings.
    pub name: String,
    /// The module.
    pub module: PathBuf,
    /// How it stands with it.
    pub state: TokenState,
    /// Its label; what the settings say while it was never there.
    pub label: String,
    /// Its serial number; what the settings say while it was never there.
    pub serial: String,
    /// Who made it.
    pub manufacturer: String,
    /// Its model.
    pub model: String,
    /// Number of its slot; another after a replug.
    pub slot: Option<u64>,
    /// Bytes free for public objects, where it tells.
    pub free_memory: Option<u64>,
    /// Its private keys, by `CKA_ID`; what was seen last while it is not usable.
    pub keys: Vec<TokenKey>,
    /// Its certificates.
    pub certificates: Vec<TokenCertificate>,
    /// Its data objects.
    pub data: Vec<DataObject>,
}

impl Token {
    /// Stable name of the token among the node's devices: `pkcs11-<serial number>`, or `pkcs11-NAME` without one.
    pub fn id(&self) -> String {
        let serial: String = self.serial.chars().filter(char::is_ascii_alphanumeric).collect();
        format!("pkcs11-{}", if serial.is_empty() { &self.name } else { &serial })
    }

    /// Its private key of this `CKA_ID`.
    pub fn key(&self, id: &[u8]) -> Option<&TokenKey> {
        self.keys.iter().find(|key| key.id == id)
    }
}

/// All tokens, by their names in the settings.
pub type Tokens = Vec<Arc<Token>>;
