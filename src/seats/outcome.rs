//! What becomes of wishes for a seat.

use std::sync::Arc;

use crate::store::Session;

/// A seat that was given or renewed.
#[derive(Clone, Debug)]
pub struct Taken {
    /// The session that holds it.
    pub session: Arc<Session>,
    /// The session is new.
    pub new: bool,
}

/// What became of a wish to renew or release.
#[derive(Clone, Debug)]
pub enum Release<T = Session> {
    /// It was done; this is what it was done to.
    Done(Arc<T>),
    /// It is another user's.
    NotYours,
    /// There is none, or it is over.
    Unknown,
}
