//! Which entries of the audit log are news: those about the operators' services, whoever made them. One that is taken back
//! with a failed commit is never told.

use crate::clock::SharedClock;
use crate::events::{Feed, News, Topic};
use crate::store::AuditEntry;

/// Entries about the operators' services, without the ending of those that failed.
const GATEWAY: [&str; 8] = [
    "crpt-connection",
    "ismp-responsible",
    "organization",
    "session-key",
    "support-account",
    "taxcom",
    "ticket",
    "ticket-check",
];

/// What is to be told of a journal's entries.
#[derive(Default)]
pub(super) struct JournalNews {
    /// Of the job at hand.
    fresh: Vec<News>,
    /// They hold only with the commit.
    held: Vec<News>,
    /// They can be told.
    ready: Vec<News>,
    /// An activation has gone on.
    activated: bool,
    /// Entries have got on disk.
    written: bool,
}

impl JournalNews {
    /// There is a new entry.
    pub(super) fn add(&mut self, entry: &AuditEntry) {
        let event = entry.event.as_str();
        if GATEWAY.contains(&event.strip_suffix("-failure").unwrap_or(event)) {
            self.fresh.push(News::Gateway {
                event: entry.event.clone(),
                object: entry.object.clone(),
                detail: entry.detail.clone(),
                by_node: entry.actor == "node",
            });
        }
        self.activated |= event == "activation";
    }

    /// A job is done; `relies`: what it did holds only with the commit.
    pub(super) fn close(&mut self, relies: bool) {
        let kept = if relies { &mut self.held } else { &mut self.ready };
        kept.append(&mut self.fresh);
    }

    /// The commit succeeded; `written`: there were entries.
    pub(super) fn saved(&mut self, written: bool) {
        self.ready.append(&mut self.held);
        self.written |= written;
    }

    /// The commit failed.
    pub(super) fn not_saved(&mut self) {
        self.held.clear();
    }

    /// Tells what can be told.
    pub(super) fn tell(&mut self, feed: &Feed, clock: &SharedClock) {
        if !self.ready.is_empty() {
            feed.tell_all(clock.now().wall, self.ready.drain(..));
        }
        for (happened, topic) in [
            (&mut self.activated, Topic::Activations),
            (&mut self.written, Topic::Audit),
        ] {
            if std::mem::take(happened) {
                feed.touch(topic);
            }
        }
    }
}
