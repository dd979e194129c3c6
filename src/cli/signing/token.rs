//! A token as commands use it: opened for as long as they run, and a signing key on it.

use std::sync::Arc;

use crate::computer::Roots;
use crate::node::token_rules;
use crate::settings::Settings;
use crate::signing::{Hardware, Place, PublicKey, from_hex, in_words, try_key};
use crate::store::Id;
use crate::text::hex;
use crate::tokens::{KeyKind, NewKey, Operation, Token, TokenKey, TokenState, TokensHandle, Workers};

use super::super::failure::Failure;

/// A token that can be used; its process ends with this.
pub(in crate::cli) struct OpenToken {
    handle: TokensHandle,
    name: String,
    pub(super) token: Arc<Token>,
}

impl Drop for OpenToken {
    fn drop(&mut self) {
        self.handle.stop();
    }
}

impl OpenToken {
    /// Opens a token of the settings; whatever state it is in.
    pub(in crate::cli) fn look(settings: &Settings, name: &str) -> Result<Self, Failure> {
        let mut tokens = settings.tokens.clone();
        tokens.retain(|known, _| known == name);
        if tokens.is_empty() {
            return Err(Failure::NotFound(format!("no [tokens.{name}] in the settings")));
        }
        let rules = token_rules(&tokens, Roots::host().credentials.as_deref());
        let handle = TokensHandle::start(rules, Workers::this_program(Some(settings.state_dir.clone())));
        handle.rescan();
        let Some(token) = Hardware::token(&handle, name) else {
            handle.stop();
            return Err(Failure::Failed(format!("token {name} cannot be looked at")));
        };
        Ok(Self {
            handle,
            name: name.into(),
            token,
        })
    }

    /// As [`OpenToken::look`], where the token must be usable.
    pub(in crate::cli) fn open(settings: &Settings, name: &str) -> Result<Self, Failure> {
        let open = Self::look(settings, name)?;
        if open.is(&TokenState::Usable) {
            return Ok(open);
        }
        Err(Failure::Failed(in_words(&open.token)))
    }

    /// It, as it was when this was opened.
    pub(in crate::cli) fn seen(&self) -> &Token {
        &self.token
    }

    /// Has it do something.
    pub(in crate::cli) fn perform(&self, operation: Operation) -> Result<Vec<u8>, Failure> {
        let done = self.handle.perform_and_wait(&self.name, operation);
        done.map_err(Failure::of)
    }

    /// Makes a key that never leaves the token.
    pub(in crate::cli) fn generate(&self, bits: u32, label: &str) -> Result<(PublicKey, Place), Failure> {
        self.create(label, NewKey::Generated(KeyKind::Rsa(bits)))
    }

    /// Puts a key on the token, from which it does not come back.
    pub(super) fn create(&self, label: &str, key: NewKey) -> Result<(PublicKey, Place), Failure> {
        let id = Id::random().0.to_vec();
        let operation = Operation::CreateKey {
            id: id.clone(),
            label: label.into(),
            key,
        };
        let der = self.perform(operation)?;
        let public = PublicKey::from_der(&der).ok_or_else(|| {
            Failure::Failed(format!(
                "token {} made a key that is no RSA key of 2048 bits or more",
                self.name
            ))
        })?;
        self.tried(public, &id)
    }

    /// Takes up a key that is there: its CKA_ID in hexadecimal digits, or its label.
    pub(super) fn adopt(&self, wanted: &str) -> Result<(PublicKey, Place), Failure> {
        let name = &self.name;
        let id = from_hex(wanted);
        let fits = |key: &&TokenKey| id.as_ref() == Some(&key.id) || key.label == wanted;
        let found: Vec<&TokenKey> = self.token.keys.iter().filter(fits).collect();
        let [key] = found[..] else {
            let told = if found.is_empty() {
                format!("token {name} has no private key with the CKA_ID or label \"{wanted}\"")
            } else {
                format!(
                    "token {name} has {} private keys with the label \"{wanted}\": name one by its CKA_ID",
                    found.len()
                )
            };
            return Err(Failure::NotFound(told));
        };
        self.take_up(key)
    }

    /// Takes up a key that is there.
    pub(super) fn take_up(&self, key: &TokenKey) -> Result<(PublicKey, Place), Failure> {
        let refused = |why: &str| {
            let (id, label) = (hex(&key.id), &key.label);
            let told = format!("key {id} (\"{label}\") on token {} {why}", self.name);
            Err(Failure::Failed(told))
        };
        if !matches!(key.kind, KeyKind::Rsa(_)) {
            return refused("is no RSA key: answers are signed with RSA, as clients verify them");
        }
        if !key.signs {
            return refused("may not sign (CKA_SIGN is false)");
        }
        let Some(public) = key.public_key.as_deref().and_then(PublicKey::from_der) else {
            return refused("has no public half there, or less than 2048 bits");
        };
        self.tried(public, &key.id)
    }

    /// Whether it is in this state.
    pub(in crate::cli) fn is(&self, state: &TokenState) -> bool {
        self.token.state == *state
    }

    /// Whether the key of a list is on it.
    pub(in crate::cli) fn has(&self, place: &Place) -> bool {
        self.key(place).is_some()
    }

    /// Whether the key of a list was there when this was opened, and can be copied off it.
    pub(super) fn gives_away(&self, place: &Place) -> bool {
        self.key(place).is_some_and(|key| key.extractable)
    }

    fn key(&self, place: &Place) -> Option<&TokenKey> {
        match place {
            Place::Pkcs11 { token, id } if *token == self.name => self.token.key(&from_hex(id)?),
            _ => None,
        }
    }

    /// A key with this public half, where one is there that signs.
    pub(super) fn find(&self, public: &PublicKey) -> Option<&TokenKey> {
        self.token.keys.iter().find(|key| {
            let own = key.public_key.as_deref().and_then(PublicKey::from_der);
            key.signs && own.as_ref() == Some(public)
        })
    }

    /// The key, once it has signed something that verifies.
    fn tried(&self, public: PublicKey, id: &[u8]) -> Result<(PublicKey, Place), Failure> {
        let place = Place::Pkcs11 {
            token: self.name.clone(),
            id: hex(id),
        };
        try_key(&self.handle, &public, &place).map_err(Failure::of)?;
        Ok((public, place))
    }
}
