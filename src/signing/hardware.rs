//! What signing needs of the tokens: a seam, so that policy is tested without any.

use std::sync::Arc;

use futures_util::future::BoxFuture;

use crate::tokens::{Operation, Token, TokenError, TokensHandle};

/// Tokens that sign.
pub trait Hardware: Send + Sync {
    /// A token as it was seen last.
    fn token(&self, name: &str) -> Option<Arc<Token>>;

    /// Has a token do something.
    fn perform<'a>(
        &'a self,
        token: &'a str,
        operation: Operation,
    ) -> BoxFuture<'a, Result<Vec<u8>, TokenError>>;

    /// As [`Hardware::perform`], on a thread that may block.
    ///
    /// # Errors
    /// [`TokenError`].
    fn perform_and_wait(&self, token: &str, operation: Operation) -> Result<Vec<u8>, TokenError>;

    /// Looks at the tokens now; returns when that is done, or after their time-outs.
    fn look(&self);

    /// Has this called after each change; it does not block.
    fn on_change(&self, told: Box<dyn Fn() + Send + Sync>);
}

impl Hardware for TokensHandle {
    fn token(&self, name: &str) -> Option<Arc<Token>> {
        self.tokens().iter().find(|token| token.name == name).cloned()
    }

    fn perform<'a>(
        &'a self,
        token: &'a str,
        operation: Operation,
    ) -> BoxFuture<'a, Result<Vec<u8>, TokenError>> {
        Box::pin(Self::perform(self, token, operation))
    }

    fn perform_and_wait(&self, token: &str, operation: Operation) -> Result<Vec<u8>, TokenError> {
        Self::perform_and_wait(self, token, operation)
    }

    fn look(&self) {
        self.rescan();
    }

    fn on_change(&self, told: Box<dyn Fn() + Send + Sync>) {
        Self::on_change(self, told);
    }
}
