//! Tokens that are looked after as a node does it, and ways to wait for what becomes of them.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use keynode::node::token_rules;
use keynode::settings;
use keynode::tokens::{Mechanism, Operation, Token, TokenState, TokensHandle, Workers};
use rsa::pkcs1v15::{Signature, VerifyingKey};
use rsa::pkcs8::DecodePublicKey;
use rsa::signature::hazmat::PrehashVerifier;
use sha2::{Digest, Sha256};
use tempfile::TempDir;

/// Nothing that a test waits for takes longer.
const PATIENCE: Duration = Duration::from_mins(1);

/// `DigestInfo` of a SHA-256, without the hash.
const SHA256_INFO: [u8; 19] = [
    0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00,
    0x04, 0x20,
];

/// Tokens that are looked after until this is dropped.
pub(crate) struct World {
    pub(crate) tokens: TokensHandle,
    /// Where the program lies under a name of its own, by which this world's processes are known.
    place: TempDir,
    changes: Mutex<Receiver<()>>,
}

/// Settings by their names.
pub(crate) fn named<const N: usize>(
    tokens: [(&str, settings::Token); N],
) -> BTreeMap<String, settings::Token> {
    tokens.map(|(name, token)| (name.to_owned(), token)).into()
}

impl World {
    /// Looks after these tokens.
    pub(crate) fn new<const N: usize>(tokens: [(&str, settings::Token); N]) -> Self {
        Self::with_state(tokens, None)
    }

    /// The same, and what outlives the node is kept there.
    pub(crate) fn with_state<const N: usize>(
        tokens: [(&str, settings::Token); N],
        state_dir: Option<&Path>,
    ) -> Self {
        let place = tempfile::tempdir().unwrap();
        let program = place.path().join("keynode");
        std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_keynode"), &program).unwrap();
        let workers = Workers {
            program,
            state_dir: state_dir.map(Path::to_path_buf),
        };
        let handle = TokensHandle::start(token_rules(&named(tokens), None), workers);
        let (sender, changes) = channel();
        let sender = Mutex::new(sender);
        handle.on_change(move || {
            let _ = sender.lock().unwrap().send(());
        });
        Self {
            tokens: handle,
            place,
            changes: Mutex::new(changes),
        }
    }

    /// The token as it is.
    pub(crate) fn token(&self, name: &str) -> Arc<Token> {
        let tokens = self.tokens.tokens();
        tokens.iter().find(|token| token.name == name).unwrap().clone()
    }

    /// The directories in /proc of this world's processes.
    pub(crate) fn processes(&self) -> Vec<PathBuf> {
        let program = self.place.path().join("keynode");
        let entries = fs::read_dir("/proc").unwrap().map(|entry| entry.unwrap().path());
        let own = entries.filter(|path| {
            let words = fs::read(path.join("cmdline")).unwrap_or_default();
            words.starts_with(program.as_os_str().as_encoded_bytes())
        });
        own.collect()
    }

    /// The directory in /proc of this world's only process.
    pub(crate) fn process(&self) -> Option<PathBuf> {
        let mut all = self.processes();
        let one = all.pop();
        one.filter(|_| all.is_empty())
    }

    /// Waits until a token is as it should be.
    #[track_caller]
    pub(crate) fn until(&self, name: &str, what: &str, is: impl Fn(&Token) -> bool) -> Arc<Token> {
        let until = Instant::now() + PATIENCE;
        let changes = self.changes.lock().unwrap();
        loop {
            let token = self.token(name);
            if is(&token) {
                return token;
            }
            assert!(
                Instant::now() < until,
                "{name} did not become {what}: {:?}",
                token.state
            );
            // What is waited for may be no change of the snapshot.
            let _ = changes.recv_timeout(Duration::from_millis(20));
        }
    }

    /// Waits until a token is usable.
    #[track_caller]
    pub(crate) fn usable(&self, name: &str) -> Arc<Token> {
        self.until(name, "usable", |token| token.state == TokenState::Usable)
    }

    /// Has the RSA key of this ID sign a text; the signature is good where there is one.
    pub(crate) fn sign(&self, name: &str, key: u8, text: &[u8]) -> Result<(), keynode::tokens::TokenError> {
        let signature = self.tokens.perform_and_wait(name, rsa(key, text))?;
        let token = self.token(name);
        let public = token.key(&[key]).unwrap().public_key.as_deref().unwrap();
        assert!(rsa_verifies(public, text, &signature), "a wrong signature");
        Ok(())
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.tokens.stop();
    }
}

/// To sign a text with an RSA key.
pub(crate) fn rsa(key: u8, text: &[u8]) -> Operation {
    Operation::Sign {
        key: vec![key],
        mechanism: Mechanism::RsaPkcs1,
        data: [&SHA256_INFO[..], &Sha256::digest(text)].concat(),
    }
}

/// Whether it is the RSA signature of a text.
pub(crate) fn rsa_verifies(public: &[u8], text: &[u8], signature: &[u8]) -> bool {
    let key = VerifyingKey::<Sha256>::new(rsa::RsaPublicKey::from_public_key_der(public).unwrap());
    let signature = Signature::try_from(signature).unwrap();
    key.verify_prehash(&Sha256::digest(text), &signature).is_ok()
}
