//! The node's signer with the thread that watches it: what the log and the audit log are told of it.

use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use crate::events::{Feed, Topic};
use crate::seats::DeskHandle;
use crate::settings::{Settings, Signing};
use crate::signing::{Force, Hardware, NodeSigner, PublicKey, SignerWatch, SignerWatchStart, SigningError};
use crate::tokens::TokensHandle;

use super::entry;

/// A node waits for its token no longer than this, at its start and when it follows other settings: an absent one is no
/// reason not to go on.
const FIRST_LOOK: Duration = Duration::from_secs(2);

/// A token that failed is tried no more often than this.
const RETRY: Duration = Duration::from_secs(1);

/// What signs, and the thread that watches it once it is started.
pub(super) struct Signers {
    pub(super) signer: Arc<NodeSigner>,
    watch: SignerWatch,
    start: SignerWatchStart,
}

impl Signers {
    pub(super) fn open(
        state_dir: &Path,
        rules: &Signing,
        tokens: &TokensHandle,
    ) -> Result<Self, SigningError> {
        let (watch, start) = SignerWatch::new();
        let failed = watch.clone();
        let signer = NodeSigner::open(state_dir, rules, Arc::new(tokens.clone()), move || failed.look())?;
        let changed = watch.clone();
        Hardware::on_change(tokens, Box::new(move || changed.look()));
        Ok(Self {
            signer: Arc::new(signer),
            watch,
            start,
        })
    }

    /// Starts to watch; returns when the token was looked at, or after [`FIRST_LOOK`].
    pub(super) fn watch(self, desk: DeskHandle, feed: Feed) -> Watched {
        let signer = self.signer.clone();
        let audit = desk.clone();
        let told = move |force: &Force| {
            let object = signer
                .token()
                .map_or("software key".into(), |token| format!("token {token}"));
            let detail = match force {
                Force::Current => "it signs".to_owned(),
                Force::Fallback(why) => format!("{why}; the software key signs"),
                Force::Nobody(why) => format!("{why}; answers are signed by nobody"),
            };
            if *force == Force::Current {
                tracing::info!(key = object, "{detail}");
            } else {
                tracing::error!(key = object, "{detail}");
            }
            audit.note(entry(audit.clock().now().wall, "signing", &object, &detail));
            feed.touch(Topic::Health);
        };
        let watched = Watched {
            thread: self.start.start(self.signer, RETRY, told),
            watch: self.watch,
            desk,
        };
        watched.watch.settle(FIRST_LOOK);
        watched
    }
}

/// What signs, watched.
pub(super) struct Watched {
    watch: SignerWatch,
    desk: DeskHandle,
    thread: JoinHandle<()>,
}

impl Watched {
    /// Follows changed settings and a changed list of keys, with a slow token some time after this returns. What cannot
    /// be followed is said, and what signs goes on.
    pub(super) fn reload(&self, settings: &Settings) {
        let (rules, desk) = (settings.signing.clone(), self.desk.clone());
        self.watch.have(FIRST_LOOK, move |signer| {
            let before = signer.public_key();
            if let Err(error) = signer.reload(&rules) {
                tracing::error!(%error, "the signing key stays as it is");
            }
            let now = signer.public_key();
            if now != before {
                note_key(&desk, &now);
            }
        });
    }

    /// Ends the thread; it is waited for once the tokens have ended.
    pub(super) fn stop(self) -> JoinHandle<()> {
        self.watch.stop();
        self.thread
    }
}

/// Notes that another key signs now.
fn note_key(desk: &DeskHandle, key: &PublicKey) {
    let PublicKey { pem, bits } = key;
    tracing::info!(bits, "another key signs from now on");
    let body: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
    let detail = format!("RSA-{bits} {body}");
    desk.note(entry(desk.clock().now().wall, "signing", "current key", &detail));
}
