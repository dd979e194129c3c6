//! The tokens that can be used, in memory: whoever only reads one waits for no disk and no thread.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arc_swap::ArcSwap;
use tokio::sync::OnceCell;

use super::super::gateway::Shared;
use super::super::outcome::Trouble;
use super::super::state::StateError;
use super::super::vault::VaultError;
use super::Organizations;
use super::sign_in::server;
use super::token::{Live, Place, SessionKey, Slot};

/// The tokens by what they are for.
type Tokens = HashMap<Slot, Arc<Live>>;

/// All tokens.
#[derive(Default)]
pub(super) struct Lives {
    tokens: ArcSwap<Tokens>,
    /// Those that are kept have been read.
    read: OnceCell<()>,
    numbers: AtomicU64,
}

impl Lives {
    /// Whether those that are kept are here.
    pub(super) fn are_read(&self) -> bool {
        self.read.initialized()
    }

    /// Reads those that are kept, once. Until that succeeds nothing is known of them: one that is had anew would end one that is
    /// only locked away.
    pub(super) async fn read(&self, shared: &Shared) -> Result<(), Trouble> {
        self.read.get_or_try_init(|| self.fill(shared)).await?;
        Ok(())
    }

    async fn fill(&self, shared: &Shared) -> Result<(), StateError> {
        for (name, kept) in shared.state.all::<SessionKey>()? {
            let (Some(obtained), Some(valid_until)) = (kept.obtained, kept.valid_until) else {
                continue;
            };
            if kept.doubtful {
                continue;
            }
            let token = match shared.state.secret::<SessionKey>(&name).await {
                Ok(Some(token)) => token,
                Ok(None) => continue,
                // It is read when the state file, or the key of what is sealed, can be.
                Err(
                    error @ (StateError::Store(_)
                    | StateError::Vault(VaultError::Token { .. } | VaultError::File { .. })),
                ) => return Err(error),
                Err(error) => {
                    tracing::warn!(%error, "a session key of IS MP is had anew");
                    continue;
                }
            };
            let slot = Slot::new(&kept.place(), kept.connection.as_deref());
            let live = Live {
                token,
                obtained,
                valid_until,
                certificate: kept.certificate,
                server: kept.server,
                told_itn: kept.told_itn,
                number: self.number(),
            };
            self.put(&slot, Some(&Arc::new(live)));
        }
        Ok(())
    }

    /// A number for a new token.
    pub(super) fn number(&self) -> u64 {
        self.numbers.fetch_add(1, Ordering::Relaxed)
    }

    /// Puts a token in place of one that was there, or removes it.
    pub(super) fn put(&self, slot: &Slot, live: Option<&Arc<Live>>) {
        self.tokens.rcu(|tokens| {
            let mut tokens = Tokens::clone(tokens);
            match live {
                Some(live) => tokens.insert(slot.clone(), live.clone()),
                None => tokens.remove(slot),
            };
            tokens
        });
    }

    /// The token for a place, where it can be used now: by an organisation that is as it was, at the server of the settings.
    pub(super) fn find(&self, shared: &Shared, known: &Organizations, place: &Place) -> Option<Arc<Live>> {
        let (slot, _) = known.slot(place)?;
        let tokens = self.tokens.load();
        let live = tokens.get(&slot)?;
        let told_itn = known.find(&place.itn)?.told_itn.as_ref();
        let good = live.is_good(shared.now())
            && live.told_itn.as_ref() == told_itn
            && live.server == server(shared, place.kind);
        good.then(|| live.clone())
    }
}
