//! What is to go into the audit log with the next commit. An entry of something that the commit failed to
//! make durable, and that was therefore taken back, goes with it.

use crate::store::AuditEntry;

use super::journal_news::JournalNews;

/// Entries that wait while nothing can be saved; beyond it the oldest are dropped, and that is noted.
const MOST: usize = 10_000;

/// Entries since the last commit.
#[derive(Default)]
pub struct Journal {
    entries: Vec<AuditEntry>,
    /// For each entry that a job was finished with: whether it holds only with the commit.
    relying: Vec<bool>,
    /// The job at hand holds only with the commit.
    relies: bool,
    dropped: u64,
    news: JournalNews,
}

impl Journal {
    /// Adds an entry.
    pub fn note(&mut self, entry: AuditEntry) {
        self.news.add(&entry);
        self.entries.push(entry);
    }

    /// Adds an entry of something that holds only with it: the job's result is given out once it is durable.
    pub fn record(&mut self, entry: AuditEntry) {
        self.note(entry);
        self.relies = true;
    }

    /// Whether the job at hand recorded something.
    pub(super) fn take_reliance(&mut self) -> bool {
        std::mem::take(&mut self.relies)
    }

    /// What is to be told of the entries.
    pub(super) fn news(&mut self) -> &mut JournalNews {
        &mut self.news
    }

    /// A job is done; `relies`: what it did holds only with the commit.
    pub(super) fn close(&mut self, relies: bool) {
        self.news.close(relies);
        self.relying.resize(self.entries.len(), relies);
    }

    /// Nothing waits.
    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// What waits, in its order.
    pub(super) fn entries(&self) -> &[AuditEntry] {
        &self.entries
    }

    /// It is durable.
    pub(super) fn saved(&mut self) {
        if self.dropped > 0 {
            tracing::error!(
                entries = self.dropped,
                "audit entries were lost while the state could not be saved"
            );
        }
        let mut news = std::mem::take(&mut self.news);
        news.saved(!self.entries.is_empty());
        *self = Self {
            news,
            ..Self::default()
        };
    }

    /// It could not be written.
    pub(super) fn not_saved(&mut self) {
        self.news.not_saved();
        let mut relying = std::mem::take(&mut self.relying).into_iter();
        self.entries.retain(|_| !relying.next().unwrap_or(false));
        let surplus = self.entries.len().saturating_sub(MOST);
        self.entries.drain(..surplus);
        self.dropped += surplus as u64;
        self.close(false);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::licence::Timestamp;

    fn entry(object: usize) -> AuditEntry {
        AuditEntry {
            time: Timestamp::default(),
            actor: "admin".into(),
            event: "grant".into(),
            object: object.to_string(),
            detail: String::new(),
        }
    }

    #[test]
    fn what_was_taken_back_leaves_no_entry() {
        let mut journal = Journal::default();
        for (object, relies) in [(1, true), (2, false), (3, true)] {
            journal.note(entry(object));
            journal.close(relies);
        }
        journal.not_saved();
        assert_eq!(journal.entries(), [entry(2)]);
        journal.not_saved();
        assert_eq!(journal.entries(), [entry(2)]);
        journal.saved();
        assert!(journal.is_empty());
    }

    #[test]
    fn what_waits_is_bounded() {
        let mut journal = Journal::default();
        for object in 0..MOST + 5 {
            journal.note(entry(object));
        }
        journal.close(false);
        journal.not_saved();
        assert_eq!(
            (journal.entries().len(), journal.entries()[0].object.as_str()),
            (MOST, "5")
        );
    }
}
