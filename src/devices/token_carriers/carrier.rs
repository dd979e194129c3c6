//! A carrier key on a token, and the names of tokens and of what is on them.

use std::collections::HashMap;
use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::public_key::PublicKey;
use crate::devices::carrier::{CarrierError, CarrierState};
use crate::text::hex;
use crate::tokens::{KeyKind, Token, TokenKey, TokenState, Tokens};

/// What the label of a private key begins with that is a carrier.
pub const CARRIER_LABEL: &str = "keynode-carrier";

/// Smallest RSA modulus, in bits.
const RSA_BITS: std::ops::RangeInclusive<u32> = 2048..=8192;

/// Longest `CKA_ID` of a carrier key, in bytes.
const LONGEST_ID: usize = 64;

/// All tokens, and the carriers on them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TokenHardware {
    /// The tokens of the settings, whatever their state.
    pub tokens: Arc<Tokens>,
    /// Carrier keys of those that are there.
    pub carriers: Vec<Arc<TokenCarrier>>,
}

/// A private key on a token that carries a licence or vouches for one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenCarrier {
    /// Stable name: `pkcs11-<serial number of the token>-<CKA_ID in hex>`; with `@NAME` where another token of the
    /// settings shows the same serial number.
    pub id: String,
    /// Its token, as it was when this was made.
    pub token: Arc<Token>,
    /// Its `CKA_ID`.
    pub key: Vec<u8>,
    /// Its public half: `SubjectPublicKeyInfo` (DER), base64url without padding, as bindings write it.
    pub public_key: Option<String>,
    /// Whether it proved itself.
    pub state: CarrierState,
    /// The licence in its data object: what was seen last, also while the token cannot be used. `Some` and empty: it
    /// has none. None: that is not known.
    pub memory: Option<Arc<[u8]>>,
}

impl TokenCarrier {
    /// Name of the driver.
    pub const DRIVER: &str = "pkcs11";

    /// The number by which a licence's `BlankKeyNo` names it: the first 48 bits of SHA-256 over its stable name, what
    /// that says of NAME aside.
    pub fn number(&self) -> u64 {
        let id = self.id.split_once('@').map_or(self.id.as_str(), |(id, _)| id);
        let digest = Sha256::digest(id.as_bytes());
        (digest[..6].iter()).fold(0, |number, byte| number << 8 | u64::from(*byte))
    }

    /// Label of its key, cleaned.
    pub fn label(&self) -> &str {
        self.token.key(&self.key).map_or("", |key| &key.label)
    }

    pub(super) fn new(token: &Arc<Token>, token_id: &str, key: &TokenKey) -> Self {
        let object = licence_label(&key.id);
        let object = token.data.iter().find(|data| data.label == object);
        let blank = || (token.state == TokenState::Usable).then(|| Arc::from([]));
        Self {
            id: carrier_id(token_id, &key.id),
            token: Arc::clone(token),
            key: key.id.clone(),
            public_key: PublicKey::of(key).ok().map(|key| key.text()),
            state: check(token, key).map_or_else(CarrierState::Failed, |()| CarrierState::Pending),
            memory: object.map(|data| Arc::clone(&data.value)).or_else(blank),
        }
    }
}

/// Label of the data object that holds the licence of the carrier key with this `CKA_ID`.
pub fn licence_label(key: &[u8]) -> String {
    format!("keynode licence {}", hex(key))
}

/// Stable names of all tokens, in their order. Two that show one serial number are told apart by their NAMEs.
pub fn token_ids(tokens: &Tokens) -> Vec<String> {
    let ids: Vec<String> = tokens.iter().map(|token| token.id()).collect();
    let mut holders: HashMap<&str, usize> = HashMap::new();
    for id in &ids {
        *holders.entry(id).or_default() += 1;
    }
    let names = ids
        .iter()
        .zip(tokens)
        .map(|(id, token)| match holders[id.as_str()] {
            1 => id.clone(),
            _ => format!("{id}@{}", token.name),
        });
    names.collect()
}

fn carrier_id(token_id: &str, key: &[u8]) -> String {
    let key = hex(&key[..key.len().min(LONGEST_ID)]);
    match token_id.split_once('@') {
        None => format!("{token_id}-{key}"),
        Some((id, name)) => format!("{id}-{key}@{name}"),
    }
}

/// Why nothing on a token can prove anything now.
pub fn token_trouble(token: &Token) -> Option<CarrierError> {
    let why = match &token.state {
        TokenState::Usable => return None,
        TokenState::Absent => "it is not there".to_owned(),
        TokenState::Locked => "its PIN is locked".to_owned(),
        TokenState::NeedsPin(why) => format!("it needs its PIN: {}", why.text()),
        TokenState::Faulty(why) => format!("it is faulty: {why}"),
    };
    Some(CarrierError::Token(why))
}

/// Whether a key can prove anything now.
///
/// # Errors
/// Why not.
pub(super) fn check(token: &Token, key: &TokenKey) -> Result<(), CarrierError> {
    if let Some(trouble) = token_trouble(token) {
        return Err(trouble);
    }
    if token.serial.is_empty() {
        return Err(CarrierError::NoSerial);
    }
    if !(1..=LONGEST_ID).contains(&key.id.len()) {
        let length = key.id.len();
        return Err(CarrierError::Unfit(format!(
            "its CKA_ID has {length} bytes, not 1 to {LONGEST_ID}"
        )));
    }
    if key.extractable {
        return Err(CarrierError::Copyable);
    }
    match key.kind {
        KeyKind::Ed25519 | KeyKind::EcP256 => {}
        KeyKind::Rsa(bits) if RSA_BITS.contains(&bits) => {}
        KeyKind::Rsa(bits) => {
            let why = format!(
                "RSA with {bits} bits, not {} to {}",
                RSA_BITS.start(),
                RSA_BITS.end()
            );
            return Err(CarrierError::Unfit(why));
        }
        _ => {
            let why = "it is none of Ed25519, ECDSA P-256 and RSA".to_owned();
            return Err(CarrierError::Unfit(why));
        }
    }
    if !key.signs {
        return Err(CarrierError::Unfit("it may not sign (CKA_SIGN)".into()));
    }
    PublicKey::of(key).map(|_| ())
}
