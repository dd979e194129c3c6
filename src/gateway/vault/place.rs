//! Where the vault's key is: in a file of the state directory, or in one that only a token's key opens.

use std::path::{Path, PathBuf};

use aws_lc_rs::rand;
use zeroize::Zeroizing;

use crate::files;
use crate::settings::Gateway;
use crate::tokens::{TokenState, TokensHandle};

use super::wrapped::{self, TokenKeyName};
use super::{KEY_FILE, KEY_LENGTH, VaultError, WRAPPED_FILE, key_file};

/// Where the key is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::gateway) struct Place {
    file: PathBuf,
    wrapped: PathBuf,
    guard: Option<TokenKeyName>,
}

/// A key.
type Bytes = Zeroizing<Vec<u8>>;

impl Place {
    /// As the settings say.
    pub(in crate::gateway) fn new(state_dir: &Path, rules: &Gateway) -> Self {
        let guard = rules.token.clone().zip(rules.token_key.clone());
        Self {
            file: state_dir.join(KEY_FILE),
            wrapped: state_dir.join(WRAPPED_FILE),
            guard: guard.map(|(token, key)| TokenKeyName { token, key }),
        }
    }

    /// The file that holds it.
    pub(super) fn file(&self) -> &Path {
        if self.guard.is_some() {
            &self.wrapped
        } else {
            &self.file
        }
    }

    /// Whether its token is known not to be here.
    pub(super) fn is_away(&self, tokens: &TokensHandle) -> bool {
        self.guard.as_ref().is_some_and(|guard| {
            let tokens = tokens.tokens();
            let token = tokens.iter().find(|token| token.name == guard.token);
            token.is_none_or(|token| token.state == TokenState::Absent)
        })
    }

    /// Gets the key; makes one where there is none and one may be made.
    pub(super) async fn key(
        &self,
        tokens: &TokensHandle,
        may_make: impl FnOnce() -> bool,
    ) -> Result<Bytes, VaultError> {
        let plain = self.read_plain()?;
        let Some(guard) = &self.guard else {
            if plain.is_none() && self.wrapped.exists() {
                let why = format!(
                    "it is in {WRAPPED_FILE}, which a token opens: set gateway.token and gateway.token_key to that token's"
                );
                return Err(self.wrong(why));
            }
            if let Some(key) = plain {
                return Ok(key);
            }
            let key = self.make(may_make)?;
            write(&self.file, &key)?;
            return Ok(key);
        };
        if let Some(text) = read(&self.wrapped, wrapped::LONGEST)? {
            let key = wrapped::unwrap(tokens, guard, &text).await?;
            self.put_away(&key, plain.as_ref())?;
            return Ok(key);
        }
        let key = match &plain {
            Some(key) => key.clone(),
            None => self.make(may_make)?,
        };
        let text = wrapped::wrap(tokens, guard, &key).await?;
        write(&self.wrapped, &text)?;
        self.put_away(&key, plain.as_ref())?;
        Ok(key)
    }

    /// The key in the open file, where it is.
    fn read_plain(&self) -> Result<Option<Bytes>, VaultError> {
        match read(&self.file, KEY_LENGTH)? {
            Some(key) if key.len() != KEY_LENGTH => {
                let why = format!("it has {} bytes: expected {KEY_LENGTH}", key.len());
                Err(VaultError::File {
                    path: self.file.clone(),
                    why,
                })
            }
            key => Ok(key),
        }
    }

    /// Removes the open file once a token guards the key.
    fn put_away(&self, key: &Bytes, plain: Option<&Bytes>) -> Result<(), VaultError> {
        match plain {
            None => Ok(()),
            Some(plain) if plain == key => {
                tracing::info!(file = %self.file.display(), "the gateway's key is guarded by its token now; its file is removed");
                key_file::remove(&self.file).map_err(|error| VaultError::File {
                    path: self.file.clone(),
                    why: format!("it cannot be removed: {error}"),
                })
            }
            Some(_) => Err(VaultError::File {
                path: self.file.clone(),
                why: format!(
                    "it is another key than the one in {WRAPPED_FILE}: remove the one that is not to be used"
                ),
            }),
        }
    }

    fn make(&self, may_make: impl FnOnce() -> bool) -> Result<Bytes, VaultError> {
        if !may_make() {
            let why = "it is missing, and what it has sealed does not open without it: put it back from a backup; or, to \
                       begin anew, put 32 random bytes there (mode 600) and set the support accounts again";
            return Err(self.wrong(why.into()));
        }
        let mut key = Zeroizing::new(vec![0; KEY_LENGTH]);
        rand::fill(&mut key).map_err(|_| self.wrong("the system has no randomness".into()))?;
        Ok(key)
    }

    fn wrong(&self, why: String) -> VaultError {
        VaultError::File {
            path: self.file().into(),
            why,
        }
    }
}

fn read(path: &Path, longest: usize) -> Result<Option<Bytes>, VaultError> {
    key_file::read(path, longest).map_err(|why| VaultError::File {
        path: path.into(),
        why,
    })
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), VaultError> {
    files::create_private(path, bytes).map_err(|error| VaultError::File {
        path: path.into(),
        why: format!("it cannot be written: {error}"),
    })
}
