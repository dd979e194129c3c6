//! The vendor key at work: in a file, or on a PKCS#11 token.

use std::fmt::Display;
use std::io;
use std::path::Path;

use crate::licence::{Timestamp, VendorKey};
use crate::signing::{Message, PublicKey, Signer, SoftwareKey, from_hex, in_words, rs256_input};
use crate::tokens::{Mechanism, Operation, TokenState, TokensHandle};

use super::error::CentreError;

/// A vendor key that signs.
pub struct VendorSigner {
    key: Key,
    pem: String,
    public: VendorKey,
}

/// Where it is.
enum Key {
    File(SoftwareKey),
    Token {
        tokens: TokensHandle,
        token: String,
        id: Vec<u8>,
    },
}

fn wrong(error: impl Display) -> CentreError {
    CentreError::Signer(error.to_string())
}

impl VendorSigner {
    /// The key in a file.
    ///
    /// # Errors
    /// [`CentreError::Signer`].
    pub fn from_file(path: &Path) -> Result<Self, CentreError> {
        let key = SoftwareKey::read(path).map_err(wrong)?;
        let pem = key.public_key().pem.clone();
        Self::new(Key::File(key), pem)
    }

    /// The keys in the files `*.key` of this directory, which need not be there.
    ///
    /// # Errors
    /// [`CentreError::Signer`], naming the file.
    pub(super) fn retired_in(directory: &Path) -> Result<Vec<Self>, CentreError> {
        let failed = |error: io::Error| wrong(format!("{}: {error}", directory.display()));
        let entries = match std::fs::read_dir(directory) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(failed(error)),
        };
        let mut signers = Vec::new();
        for entry in entries {
            let path = entry.map_err(failed)?.path();
            if path.extension().is_some_and(|extension| extension == "key") {
                signers.push(Self::from_file(&path)?.with_remarks(&path.with_extension("pem"))?);
            }
        }
        Ok(signers)
    }

    /// The key with this `CKA_LABEL`, or this `CKA_ID` in hexadecimal digits, on the token of this name in the settings.
    /// Waits until the token was looked at, at most for its time-outs.
    ///
    /// # Errors
    /// [`CentreError::Signer`].
    pub fn on_token(tokens: TokensHandle, token: &str, key: &str) -> Result<Self, CentreError> {
        tokens.rescan();
        let seen = tokens.tokens();
        let seen = seen.iter().find(|seen| seen.name == token);
        let seen = seen.ok_or_else(|| wrong(format!("there is no token {token} in the settings")))?;
        if seen.state != TokenState::Usable {
            return Err(wrong(in_words(seen)));
        }
        let id = from_hex(key);
        let meant = |held: &&crate::tokens::TokenKey| held.label == key || Some(&held.id) == id.as_ref();
        let mut found = seen.keys.iter().filter(meant);
        let (held, other) = (found.next(), found.next());
        let Some(held) = held else {
            return Err(wrong(format!("token {token} has no key {key}")));
        };
        if other.is_some() {
            return Err(wrong(format!(
                "token {token} has more than one key {key}: name it by its CKA_ID"
            )));
        }
        let public = held.public_key.as_deref().and_then(PublicKey::from_der);
        let Some(public) = public else {
            return Err(wrong(format!(
                "token {token} shows no RSA public key of 2048 to 8192 bits for its key {key}"
            )));
        };
        let key = Key::Token {
            tokens,
            token: token.into(),
            id: held.id.clone(),
        };
        Self::new(key, public.pem)
    }

    fn new(key: Key, pem: String) -> Result<Self, CentreError> {
        let public = VendorKey::from_pem(&pem).map_err(wrong)?;
        Ok(Self { key, pem, public })
    }

    /// Takes the remarks of the public half in this file, where there is one: they may say when the key expires.
    pub(super) fn with_remarks(mut self, path: &Path) -> Result<Self, CentreError> {
        let pem = match std::fs::read_to_string(path) {
            Ok(pem) => pem,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(self),
            Err(error) => return Err(wrong(format!("{}: {error}", path.display()))),
        };
        let public =
            VendorKey::from_pem(&pem).map_err(|error| wrong(format!("{}: {error}", path.display())))?;
        if public.kid() != self.kid() {
            return Err(wrong(format!(
                "{} is not the public half of the key that signs",
                path.display()
            )));
        }
        (self.public, self.pem) = (public, pem);
        Ok(self)
    }

    /// Name of the key.
    pub fn kid(&self) -> &str {
        self.public.kid()
    }

    /// Its public half, PEM.
    pub fn public_pem(&self) -> &str {
        &self.pem
    }

    /// Why it must not sign now, where it must not.
    pub(super) fn expired(&self, now: Timestamp) -> Option<String> {
        let expires = self.public.expires().filter(|expires| *expires <= now)?;
        Some(format!("its vendor key expired at {expires}"))
    }

    /// Signs (RS256); the thread does something else while a token works.
    ///
    /// # Errors
    /// Why not, in words.
    pub async fn sign(&self, message: &[u8]) -> Result<Vec<u8>, String> {
        match &self.key {
            Key::File(_) => self.sign_and_wait(message),
            Key::Token { tokens, token, id } => {
                let signature = tokens.perform(token, operation(id, message)).await;
                self.verified(message, signature.map_err(|error| error.to_string())?)
            }
        }
    }

    /// As [`VendorSigner::sign`], on a thread that may block.
    ///
    /// # Errors
    /// Why not, in words.
    pub fn sign_and_wait(&self, message: &[u8]) -> Result<Vec<u8>, String> {
        match &self.key {
            Key::File(key) => {
                let message = Message {
                    query_id: b"",
                    body: message,
                };
                let signature = key.sign_one(message).map_err(|error| error.to_string())?;
                Ok(signature.0)
            }
            Key::Token { tokens, token, id } => {
                let signature = tokens.perform_and_wait(token, operation(id, message));
                self.verified(message, signature.map_err(|error| error.to_string())?)
            }
        }
    }

    /// What a token calls a signature is none before it verifies.
    fn verified(&self, message: &[u8], signature: Vec<u8>) -> Result<Vec<u8>, String> {
        if self.public.verifies(message, &signature) {
            Ok(signature)
        } else {
            Err("the token gave a signature that does not verify with the vendor's public key".into())
        }
    }
}

fn operation(id: &[u8], message: &[u8]) -> Operation {
    Operation::Sign {
        key: id.to_vec(),
        mechanism: Mechanism::RsaPkcs1,
        data: rs256_input(message),
    }
}
