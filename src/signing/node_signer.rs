//! What signs the node's answers: the software key inline, or a key on a token, and what happens while that cannot.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use arc_swap::ArcSwap;

use crate::settings::{Signing, SigningProvider};

use super::hardware::Hardware;
use super::keys::{KeyEntry, KeyList, KeyListError, KeyState, Place, SIGNING_KEY, falls_back};
use super::measures::SigningMeasures;
use super::token::HeldKey;
use super::{KeyFileError, Message, PublicKey, SignError, Signature, Signer, SoftwareKey};

/// Why the node has nothing to sign with.
#[derive(Debug, thiserror::Error)]
pub enum SigningError {
    /// The software key.
    #[error(transparent)]
    Key(#[from] KeyFileError),
    /// The list of keys.
    #[error(transparent)]
    List(#[from] KeyListError),
    /// The list has no key on the token of the settings.
    #[error(
        "no signing key on token {0} is known: `keynode signing init --token {0}` makes one, or adopts one that is there"
    )]
    NoKey(String),
    /// The settings name no token.
    #[error("signing.provider is pkcs11, and signing.token names no token")]
    NoToken,
    /// The file holds another key than the list says.
    #[error(
        "{0}: this is not the key that signing.json lists for it: put that one back, or take its entry out of the list"
    )]
    OtherKey(PathBuf),
}

/// A key as clients are told of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedKey {
    /// Which.
    pub entry: KeyEntry,
    /// What it is for.
    pub state: KeyState,
    /// It can sign now.
    pub usable: bool,
}

/// Who signs at a moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Force {
    /// The current key.
    Current,
    /// The software key in place of the token's, which the text says what ails.
    Fallback(String),
    /// Nobody, for this reason.
    Nobody(String),
}

enum Hand {
    Software(Arc<dyn Signer>),
    Token {
        key: HeldKey,
        fallback: Option<Arc<dyn Signer>>,
    },
}

/// What signs under some settings.
struct Keys {
    hand: Hand,
    list: KeyList,
    rules: Signing,
}

/// Signs the node's answers. Shared by all HTTP workers.
pub struct NodeSigner {
    state_dir: PathBuf,
    hardware: Arc<dyn Hardware>,
    keys: ArcSwap<Keys>,
    /// Told after each failure of a token.
    failed: Box<dyn Fn() + Send + Sync>,
    measures: SigningMeasures,
}

impl NodeSigner {
    /// Reads the keys that the settings want; a software key is made where there is none. `failed` is called after
    /// each failure of a token and must not block.
    ///
    /// # Errors
    /// [`SigningError`].
    pub fn open(
        state_dir: &Path,
        rules: &Signing,
        hardware: Arc<dyn Hardware>,
        failed: impl Fn() + Send + Sync + 'static,
    ) -> Result<Self, SigningError> {
        Ok(Self {
            state_dir: state_dir.into(),
            hardware,
            keys: ArcSwap::from_pointee(Keys::read(state_dir, rules)?),
            failed: Box::new(failed),
            measures: SigningMeasures::default(),
        })
    }

    /// Takes up the keys anew; goes on with those it has where that fails. Waits until the tokens are looked at where one
    /// of them is to sign: what signed before goes on until it is known whether that one has the key.
    ///
    /// # Errors
    /// [`SigningError`].
    pub fn reload(&self, rules: &Signing) -> Result<(), SigningError> {
        let keys = Keys::read(&self.state_dir, rules)?;
        if matches!(keys.hand, Hand::Token { .. }) {
            self.hardware.look();
        }
        self.keys.store(Arc::new(keys));
        Ok(())
    }

    /// Signs. With a software key this is done when it is first polled: to sign is quicker than to hand over. While
    /// a token works the thread is free.
    ///
    /// # Errors
    /// [`SignError`] where nobody can sign.
    pub async fn sign(&self, message: Message<'_>) -> Result<Signature, SignError> {
        if let Hand::Software(key) = &self.keys.load().hand {
            return self.sign_in_software(&**key, message);
        }
        let keys = self.keys.load_full();
        match &keys.hand {
            Hand::Software(key) => self.sign_in_software(&**key, message),
            Hand::Token { key, fallback } => {
                let (hardware, start) = (&*self.hardware, Instant::now());
                let signed = match key.trouble(hardware) {
                    Some(why) => Err(why),
                    None => self.token_signed(start, key.sign(hardware, message).await),
                };
                signed.or_else(|why| self.sign_instead(fallback.as_ref(), message, why))
            }
        }
    }

    /// As [`NodeSigner::sign`], on a thread that may block.
    ///
    /// # Errors
    /// As [`NodeSigner::sign`].
    pub fn sign_and_wait(&self, message: Message<'_>) -> Result<Signature, SignError> {
        let keys = self.keys.load_full();
        match &keys.hand {
            Hand::Software(key) => self.sign_in_software(&**key, message),
            Hand::Token { key, fallback } => {
                let (hardware, start) = (&*self.hardware, Instant::now());
                let signed = match key.trouble(hardware) {
                    Some(why) => Err(why),
                    None => self.token_signed(start, key.sign_and_wait(hardware, message)),
                };
                signed.or_else(|why| self.sign_instead(fallback.as_ref(), message, why))
            }
        }
    }

    fn sign_in_software(&self, key: &dyn Signer, message: Message<'_>) -> Result<Signature, SignError> {
        let start = Instant::now();
        let signature = key.sign(&[message]).and_then(|mut signatures| {
            signatures
                .pop()
                .ok_or_else(|| SignError("the key gave no signature".into()))
        });
        match &signature {
            Ok(_) => self.measures.software.since(start),
            Err(_) => self.measures.failures.count(),
        }
        signature
    }

    /// Notes how a token did.
    fn token_signed<E>(&self, start: Instant, signed: Result<Signature, E>) -> Result<Signature, E> {
        if signed.is_ok() {
            self.measures.token.since(start);
        } else {
            self.measures.token_failures.count();
            (self.failed)();
        }
        signed
    }

    fn sign_instead(
        &self,
        fallback: Option<&Arc<dyn Signer>>,
        message: Message<'_>,
        why: String,
    ) -> Result<Signature, SignError> {
        if let Some(key) = fallback {
            return self.sign_in_software(&**key, message);
        }
        self.measures.failures.count();
        Err(SignError(why))
    }

    /// What it counts.
    pub fn measures(&self) -> &SigningMeasures {
        &self.measures
    }

    /// Who signs now, as far as that is known.
    pub fn force(&self) -> Force {
        match &self.keys.load().hand {
            Hand::Software(_) => Force::Current,
            Hand::Token { key, fallback } => match (key.trouble(&*self.hardware), fallback) {
                (None, _) => Force::Current,
                (Some(why), Some(_)) => Force::Fallback(why),
                (Some(why), None) => Force::Nobody(why),
            },
        }
    }

    /// False where it is known that nobody can sign now.
    pub fn can_sign(&self) -> bool {
        !matches!(self.force(), Force::Nobody(_))
    }

    /// NAME of the token that has the current key.
    pub fn token(&self) -> Option<String> {
        match &self.keys.load().hand {
            Hand::Software(_) => None,
            Hand::Token { key, .. } => Some(key.token.clone()),
        }
    }

    /// Has a token that failed sign something; returns when it has, or failed again. True where there was cause to.
    pub(super) fn try_again(&self) -> bool {
        match &self.keys.load_full().hand {
            Hand::Token { key, .. } if key.has_failed() && key.unusable(&*self.hardware).is_none() => {
                key.try_again(&*self.hardware);
                true
            }
            _ => false,
        }
    }

    pub(super) fn hardware(&self) -> &dyn Hardware {
        &*self.hardware
    }

    /// The current key's public half.
    pub fn public_key(&self) -> PublicKey {
        match &self.keys.load().hand {
            Hand::Software(key) => key.public_key().clone(),
            Hand::Token { key, .. } => key.public_key().clone(),
        }
    }

    /// All keys: the current one, its fallback, those of former times.
    pub fn keys(&self) -> Vec<ListedKey> {
        let keys = self.keys.load_full();
        let force = self.force();
        let listed = keys.list.states(&keys.rules).map(|(entry, state)| ListedKey {
            entry: entry.clone(),
            state,
            usable: match state {
                KeyState::Current => force == Force::Current,
                KeyState::Fallback => true,
                KeyState::Retired => false,
            },
        });
        listed.collect()
    }
}

impl Keys {
    fn read(state_dir: &Path, rules: &Signing) -> Result<Self, SigningError> {
        let software = rules.provider == SigningProvider::Software || falls_back(rules);
        let software = software.then(|| read_software(state_dir)).transpose()?;
        let list = KeyList::load(state_dir)?;
        let hand = match (rules.provider, software) {
            (SigningProvider::Software, Some(key)) => Hand::Software(key),
            (_, fallback) => {
                let token = rules.token.clone().ok_or(SigningError::NoToken)?;
                let key = list.on_token(&token).and_then(HeldKey::new);
                Hand::Token {
                    key: key.ok_or(SigningError::NoKey(token))?,
                    fallback,
                }
            }
        };
        remove_retired(state_dir, &list);
        Ok(Self {
            hand,
            list,
            rules: rules.clone(),
        })
    }
}

/// The software key in force, made where there is none yet.
fn read_software(state_dir: &Path) -> Result<Arc<dyn Signer>, SigningError> {
    let list = KeyList::load(state_dir)?;
    let Some(KeyEntry {
        place: Place::Software { file },
        public_key,
        ..
    }) = list.software()
    else {
        return Ok(Arc::new(SoftwareKey::read_or_create(
            &state_dir.join(SIGNING_KEY),
        )?));
    };
    let path = state_dir.join(file);
    let key = SoftwareKey::read(&path)?;
    if key.public_key().pem != *public_key {
        return Err(SigningError::OtherKey(path));
    }
    Ok(Arc::new(key))
}

/// A software key that was replaced is of no use to anybody but a thief.
fn remove_retired(state_dir: &Path, list: &KeyList) {
    let in_use = |file: &str| {
        let mut kept = list.keys.iter().filter(|entry| entry.retired.is_none());
        kept.any(|entry| matches!(&entry.place, Place::Software { file: other } if other == file))
    };
    for entry in list.keys.iter().filter(|entry| entry.retired.is_some()) {
        let Place::Software { file } = &entry.place else {
            continue;
        };
        let path = state_dir.join(file);
        if in_use(file) || !path.exists() {
            continue;
        }
        match std::fs::remove_file(&path) {
            Ok(()) => tracing::info!(file = %path.display(), "a retired signing key is removed"),
            Err(error) => {
                tracing::warn!(file = %path.display(), %error, "a retired signing key cannot be removed");
            }
        }
    }
}

#[cfg(test)]
#[path = "node_signer_tests.rs"]
mod tests;
