//! The vault's key under the RSA key of a token: anybody may see it, and only the token opens it.

use std::sync::Arc;

use aws_lc_rs::rsa::{
    OAEP_SHA1_MGF1SHA1, OaepPublicEncryptingKey, Pkcs1PublicEncryptingKey, PublicEncryptingKey,
};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::tokens::{Decryption, KeyKind, Operation, Token, TokenError, TokenKey, TokenState, TokensHandle};

use super::super::key_trouble::of_token;
use super::VaultError;

/// The longest file, in bytes.
pub(super) const LONGEST: usize = 16 * 1024;

/// Which key of which token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct TokenKeyName {
    /// NAME in the settings.
    pub(super) token: String,
    /// `CKA_LABEL`, or `CKA_ID` in hexadecimal digits.
    pub(super) key: String,
}

/// How it is encrypted: tokens differ in what they can.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Way {
    /// OAEP with SHA-1, which is what tokens have of it.
    #[serde(rename = "RSA-OAEP")]
    Oaep,
    /// PKCS#1 v1.5.
    #[serde(rename = "RSA1_5")]
    Pkcs1,
}

/// The file.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Wrapped {
    /// `CKA_ID` of the key that opens it, in hexadecimal digits.
    key: String,
    way: Way,
    #[serde(with = "base64_text")]
    encrypted: Vec<u8>,
}

mod base64_text {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    use serde::{Deserialize, Deserializer, Serializer, de};

    pub(super) fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&STANDARD.encode(bytes))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
        let text = String::deserialize(deserializer)?;
        STANDARD.decode(text).map_err(de::Error::custom)
    }
}

/// Encrypts a key to the token's, in a way that the token has shown that it can open.
pub(super) async fn wrap(
    tokens: &TokensHandle,
    name: &TokenKeyName,
    key: &Zeroizing<Vec<u8>>,
) -> Result<Vec<u8>, VaultError> {
    let held = find(tokens, name)?;
    let public = held.public_key.as_deref();
    let public = public.and_then(|der| PublicEncryptingKey::from_der(der).ok());
    let public = public.ok_or_else(|| {
        wrong(format!(
            "token {} shows no RSA public key for its key {}",
            name.token, name.key
        ))
    })?;
    let mut last = None;
    for way in [Way::Oaep, Way::Pkcs1] {
        let Some(encrypted) = encrypt(&public, way, key) else {
            continue;
        };
        let wrapped = Wrapped {
            key: hex(&held.id),
            way,
            encrypted,
        };
        match decrypt(tokens, name, &held.id, &wrapped).await {
            Ok(opened) if opened == *key => {
                return serde_json::to_vec(&wrapped).map_err(|error| wrong(error.to_string()));
            }
            Ok(_) => last = Some(wrong(format!("token {} decrypts wrongly", name.token))),
            // What it does not know, or does not do with this key, it may do otherwise.
            Err(error @ TokenError::Refused { .. }) => last = Some(failed(tokens, &error)),
            Err(error) => return Err(failed(tokens, &error)),
        }
    }
    Err(last.unwrap_or_else(|| {
        wrong(format!(
            "the key {} of token {} is too short",
            name.key, name.token
        ))
    }))
}

/// Has the token open the key.
pub(super) async fn unwrap(
    tokens: &TokensHandle,
    name: &TokenKeyName,
    text: &[u8],
) -> Result<Zeroizing<Vec<u8>>, VaultError> {
    let wrapped: Wrapped = serde_json::from_slice(text)
        .map_err(|error| wrong(format!("{} makes no sense: {error}", super::WRAPPED_FILE)))?;
    let held = find(tokens, name)?;
    if hex(&held.id) != wrapped.key {
        return Err(wrong(format!(
            "{} is for the key {} (CKA_ID), and gateway.token_key is {}, whose ID is {}",
            super::WRAPPED_FILE,
            wrapped
                .key
                .chars()
                .filter(char::is_ascii_hexdigit)
                .take(128)
                .collect::<String>(),
            name.key,
            hex(&held.id)
        )));
    }
    let opened = decrypt(tokens, name, &held.id, &wrapped).await;
    opened.map_err(|error| failed(tokens, &error))
}

async fn decrypt(
    tokens: &TokensHandle,
    name: &TokenKeyName,
    id: &[u8],
    wrapped: &Wrapped,
) -> Result<Zeroizing<Vec<u8>>, TokenError> {
    let operation = Operation::Decrypt {
        key: id.to_vec(),
        mechanism: match wrapped.way {
            Way::Oaep => Decryption::RsaOaepSha1,
            Way::Pkcs1 => Decryption::RsaPkcs1,
        },
        data: wrapped.encrypted.clone(),
    };
    tokens.perform(&name.token, operation).await.map(Zeroizing::new)
}

fn encrypt(public: &PublicEncryptingKey, way: Way, key: &[u8]) -> Option<Vec<u8>> {
    let mut room = vec![0; public.key_size_bytes()];
    let encrypted = match way {
        Way::Oaep => {
            let public = OaepPublicEncryptingKey::new(public.clone()).ok()?;
            public
                .encrypt(&OAEP_SHA1_MGF1SHA1, key, &mut room, None)
                .ok()?
                .to_vec()
        }
        Way::Pkcs1 => {
            let public = Pkcs1PublicEncryptingKey::new(public.clone()).ok()?;
            public.encrypt(key, &mut room).ok()?.to_vec()
        }
    };
    Some(encrypted)
}

/// The key on the token.
fn find(tokens: &TokensHandle, name: &TokenKeyName) -> Result<TokenKey, VaultError> {
    let seen = tokens.tokens();
    let token = seen.iter().find(|token| token.name == name.token);
    match token {
        Some(token) if token.state == TokenState::Usable => key_of(token, name),
        _ => {
            let state = token.map_or("is not in the settings".into(), |token| token.state.in_words());
            let name = name.token.clone();
            Err(failed(tokens, &TokenError::NotUsable { name, state }))
        }
    }
}

fn key_of(token: &Arc<Token>, name: &TokenKeyName) -> Result<TokenKey, VaultError> {
    let meant = |held: &&TokenKey| held.label == name.key || hex(&held.id) == name.key.to_ascii_lowercase();
    let mut found = token.keys.iter().filter(meant);
    let problem = match (found.next(), found.next()) {
        (None, _) => "is not there",
        (Some(_), Some(_)) => "is there more than once: name it by its CKA_ID",
        (Some(key), None) if !matches!(key.kind, KeyKind::Rsa(_)) => "is no RSA key",
        (Some(key), None) if !key.decrypts => "may not decrypt (CKA_DECRYPT)",
        (Some(key), None) => return Ok(key.clone()),
    };
    Err(wrong(format!(
        "the key {} of token {} {problem}",
        name.key, name.token
    )))
}

fn failed(tokens: &TokensHandle, error: &TokenError) -> VaultError {
    VaultError::Token {
        why: error.to_string(),
        detail: of_token(error, &tokens.tokens()),
    }
}

fn wrong(why: String) -> VaultError {
    VaultError::Token { why, detail: None }
}

fn hex(id: &[u8]) -> String {
    use std::fmt::Write;
    id.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
