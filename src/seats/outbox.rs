//! What has happened at the desk and is not told yet. Sessions are told once that is durable; what a failed commit takes
//! back is never told.

use std::collections::HashSet;
use std::sync::Arc;

use crate::events::{News, SessionNews};
use crate::store::Session;

/// What happened since it was told last.
#[derive(Default)]
pub(super) struct Outbox {
    /// In the order in which it happened.
    news: Vec<News>,
    /// Sessions were renewed, or are listed no more: no news, yet lists look different.
    touched: bool,
}

impl Outbox {
    /// Something became of a session.
    pub(super) fn put(&mut self, what: SessionNews, session: Arc<Session>) {
        self.news.push(News::Session { what, session });
    }

    /// Somebody got no seat.
    pub(super) fn refused(&mut self, refusal: News) {
        self.news.push(refusal);
    }

    /// The lists of sessions look different by something that is no news.
    pub(super) fn touch(&mut self) {
        self.touched = true;
    }

    /// Takes back what became of the sessions of these rows.
    pub(super) fn forget(&mut self, rows: &HashSet<u64>) {
        self.news
            .retain(|news| !matches!(news, News::Session { session, .. } if rows.contains(&session.seq)));
    }

    /// What can be told now, and whether lists look different by something that is no news; `durable`: everything is on
    /// disk.
    pub(super) fn take(&mut self, durable: bool) -> (Vec<News>, bool) {
        let can = |news: &mut News| durable || !matches!(news, News::Session { .. });
        let news = self.news.extract_if(.., can).collect();
        (news, std::mem::take(&mut self.touched))
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing;
    use super::*;
    use crate::licence::Timestamp;
    use crate::store::Id;

    #[test]
    fn what_waits_for_the_disk_keeps_its_place() {
        let refusal = |object: &str| News::Gateway {
            event: "any".into(),
            object: object.into(),
            detail: String::new(),
            by_node: false,
        };
        let session = Arc::new(Session {
            seq: 1,
            id: Id::random(),
            key_no: 1,
            expires: 0,
            created: Timestamp::default(),
            ended: false,
            owner: "shop".into(),
            fields: testing::session("a"),
        });
        let mut outbox = Outbox::default();
        outbox.put(SessionNews::Granted, session);
        outbox.refused(refusal("a"));
        let kinds = |news: Vec<News>| news.iter().map(News::kind).collect::<Vec<_>>();
        assert_eq!(kinds(outbox.take(false).0), ["gateway"]);
        outbox.refused(refusal("b"));
        assert_eq!(kinds(outbox.take(true).0), ["session", "gateway"]);
    }
}
