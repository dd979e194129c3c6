//! The way to the tokens for everybody else: snapshots, and what may be asked of them.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;

use super::{Operation, TokenError, Tokens};

/// What the node is told of one token by its settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenRules {
    /// NAME in the settings.
    pub name: String,
    /// The module.
    pub module: PathBuf,
    /// The token's label; none: any.
    pub label: Option<String>,
    /// The token's serial number; none: any.
    pub serial: Option<String>,
    /// File with the PIN.
    pub pin: Option<PathBuf>,
    /// Environment of the module's process.
    pub environment: BTreeMap<String, String>,
    /// Sessions kept open.
    pub sessions: usize,
    /// An operation that takes longer costs the module's process.
    pub timeout: Duration,
    /// Between looks for a token that is not usable.
    pub probe: Duration,
}

/// Where the modules' processes come from, and what outlives them.
#[derive(Clone, Debug)]
pub struct Workers {
    /// The program that is a module's process when its first argument is `token-worker`: keynode itself.
    pub program: PathBuf,
    /// Where it is kept which PINs were refused; none: nowhere.
    pub state_dir: Option<PathBuf>,
}

impl Workers {
    /// This program's own file, also after it was replaced by an upgrade.
    pub fn this_program(state_dir: Option<PathBuf>) -> Self {
        Self {
            program: "/proc/self/exe".into(),
            state_dir,
        }
    }
}

/// The way to the tokens for everybody else. Clones speak to the same tokens.
#[derive(Clone, Default)]
pub struct TokensHandle {
    tokens: Arc<ArcSwap<Tokens>>,
}

impl TokensHandle {
    /// Starts to look after these tokens; does not wait for them.
    pub fn start(rules: Vec<TokenRules>, workers: Workers) -> Self {
        let _ = (rules, workers);
        Self::default()
    }

    /// The tokens as they were seen last.
    pub fn tokens(&self) -> Arc<Tokens> {
        self.tokens.load_full()
    }

    /// Has this called, on some thread, after each change of the snapshot; it must not block.
    pub fn on_change(&self, told: impl Fn() + Send + Sync + 'static) {
        let _ = told;
    }

    /// Looks at all tokens now; returns when that is published, or after the tokens' time-outs.
    pub fn rescan(&self) {}

    /// Has a token do something.
    ///
    /// # Errors
    /// [`TokenError`]; the next call begins anew.
    pub async fn perform(&self, token: &str, operation: Operation) -> Result<Vec<u8>, TokenError> {
        std::future::ready(self.perform_and_wait(token, operation)).await
    }

    /// As [`TokensHandle::perform`], for threads that may block.
    ///
    /// # Errors
    /// As [`TokensHandle::perform`].
    pub fn perform_and_wait(&self, token: &str, operation: Operation) -> Result<Vec<u8>, TokenError> {
        let _ = operation;
        Err(TokenError::Unknown(token.into()))
    }

    /// Follows new rules; tokens whose rules did not change are not disturbed.
    pub fn set_rules(&self, rules: Vec<TokenRules>) {
        let _ = rules;
    }

    /// Ends the modules' processes.
    pub fn stop(&self) {}
}
