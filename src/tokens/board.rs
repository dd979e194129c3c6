//! The snapshot of all tokens, and whoever wants to know when it changes.

use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;

use super::token::{Token, Tokens};

type Told = Arc<dyn Fn() + Send + Sync>;

/// What was seen last.
#[derive(Default)]
pub(super) struct Board {
    tokens: ArcSwap<Tokens>,
    changing: Mutex<()>,
    told: Mutex<Vec<Told>>,
}

impl Board {
    pub(super) fn tokens(&self) -> Arc<Tokens> {
        self.tokens.load_full()
    }

    pub(super) fn on_change(&self, told: Told) {
        self.told
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(told);
    }

    /// Puts a token up, in place of what is there of the same name.
    pub(super) fn publish(&self, token: Token) {
        self.change(
            |tokens| match tokens.iter_mut().find(|old| old.name == token.name) {
                Some(old) if **old == token => false,
                Some(old) => {
                    *old = Arc::new(token);
                    true
                }
                None => {
                    tokens.push(Arc::new(token));
                    tokens.sort_by(|a, b| a.name.cmp(&b.name));
                    true
                }
            },
        );
    }

    /// Takes a token down.
    pub(super) fn remove(&self, name: &str) {
        self.change(|tokens| {
            let before = tokens.len();
            tokens.retain(|token| token.name != name);
            tokens.len() != before
        });
    }

    fn change(&self, change: impl FnOnce(&mut Tokens) -> bool) {
        {
            let _alone = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
            let mut tokens = Tokens::clone(&self.tokens.load());
            if !change(&mut tokens) {
                return;
            }
            self.tokens.store(Arc::new(tokens));
        }
        // Outside of the locks: whoever is told may look at the board.
        let told = self.told.lock().unwrap_or_else(PoisonError::into_inner).clone();
        for told in told {
            told();
        }
    }
}
