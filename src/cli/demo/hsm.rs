//! `keynode demo --hsm`: the signing key is on the demo's token.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::settings::{OnSigningFailure, Settings, Signing, SigningProvider, Token};

use super::super::failure::Failure;
use super::super::signing::Change;
use super::token::{DemoToken, NAME};

/// A token that is ready to sign.
pub(super) struct Hsm {
    signing: Signing,
    /// Settings file by which other commands find the token.
    pub(super) config: PathBuf,
    /// Where it all lies.
    pub(super) directory: PathBuf,
}

/// What the settings file says.
#[derive(Serialize)]
struct Config<'a> {
    state_dir: &'a Path,
    signing: &'a Signing,
    tokens: BTreeMap<&'a str, &'a Token>,
}

impl Hsm {
    /// Finds the key on the token, or makes it.
    pub(super) fn prepare(settings: &Settings, token: &DemoToken) -> Result<Self, Failure> {
        let hsm = Self::describe(settings, token)?;
        let mut with_token = settings.clone();
        token.apply(&mut with_token);
        hsm.apply(&mut with_token);
        let token = token.open(&with_token)?;
        let mut change = Change::begin(&with_token)?;
        let known = change.list.on_token(NAME).map(|entry| entry.place.clone());
        if !known.is_some_and(|place| token.has(&place)) {
            let (public, place) = token.generate(2048, "keynode signing")?;
            change.put(&public, place)?;
        }
        Ok(hsm)
    }

    /// Has the node sign with it.
    pub(super) fn apply(&self, settings: &mut Settings) {
        settings.signing = self.signing.clone();
    }

    /// Writes the settings file that says where the token is.
    fn describe(settings: &Settings, token: &DemoToken) -> Result<Self, Failure> {
        let directory = &token.directory;
        let state_dir = std::path::absolute(&settings.state_dir)?;
        let signing = Signing {
            provider: SigningProvider::Pkcs11,
            token: Some(NAME.into()),
            on_failure: OnSigningFailure::Fail,
        };
        let config = directory.join("keynode.toml");
        let text = toml::to_string(&Config {
            state_dir: &state_dir,
            signing: &signing,
            tokens: [(NAME, token.settings())].into(),
        });
        fs::write(&config, text.map_err(Failure::of)?)
            .map_err(|error| Failure::of(format!("{}: {error}", directory.display())))?;
        Ok(Self {
            signing,
            config,
            directory: directory.clone(),
        })
    }
}
