//! What has happened at the desk and is not told yet. Sessions are told once that is durable; what a failed commit takes
//! back is never told.

use std::collections::HashSet;
use std::sync::Arc;

use crate::events::{News, SessionNews};
use crate::store::Session;

/// What happened since it was told last.
#[derive(Default)]
pub(super) struct Outbox {
    sessions: Vec<(SessionNews, Arc<Session>)>,
    refusals: Vec<News>,
    /// Sessions were renewed, or are listed no more: no news, yet lists look different.
    touched: bool,
}

impl Outbox {
    /// Something became of a session.
    pub(super) fn put(&mut self, what: SessionNews, session: Arc<Session>) {
        self.sessions.push((what, session));
    }

    /// Somebody got no seat.
    pub(super) fn refused(&mut self, refusal: News) {
        self.refusals.push(refusal);
    }

    /// The lists of sessions look different by something that is no news.
    pub(super) fn touch(&mut self) {
        self.touched = true;
    }

    /// Takes back what became of the sessions of these rows.
    pub(super) fn forget(&mut self, rows: &HashSet<u64>) {
        self.sessions.retain(|(_, session)| !rows.contains(&session.seq));
    }

    /// What can be told now, and whether lists look different by something that is no news; `durable`: everything is on
    /// disk.
    pub(super) fn take(&mut self, durable: bool) -> (Vec<News>, bool) {
        let mut news = std::mem::take(&mut self.refusals);
        if durable {
            let sessions = self.sessions.drain(..);
            news.extend(sessions.map(|(what, session)| News::Session { what, session }));
        }
        (news, std::mem::take(&mut self.touched))
    }
}
