//! What of the ledger is not on disk yet, and what was promised on the strength of it.

use std::collections::HashSet;
use std::sync::Arc;

use crate::events::{News, SessionNews};
use crate::store::{Session, Write};

use super::outbox::Outbox;
use super::roll::{Roll, Slot};

/// A row on disk, and the place in the roll where its session is or was.
type RowAt = (u64, Slot);

/// Changes since the last commit.
#[derive(Default)]
pub(super) struct Unsaved {
    /// Rows to write before the next answer that promises durability.
    rows: Vec<RowAt>,
    /// Rows of renewals: written within a while.
    renewed: Vec<RowAt>,
    /// Sessions taken; their rows grow.
    taken: Vec<RowAt>,
    /// Something was promised that holds only when it is committed.
    relied_on: bool,
    /// What is to be told of it once it is on disk.
    outbox: Outbox,
}

impl Unsaved {
    /// A session was given a seat.
    pub(super) fn took(&mut self, session: &Arc<Session>, slot: Slot) {
        self.rows.push((session.seq, slot));
        self.taken.push((session.seq, slot));
        self.relied_on = true;
        self.outbox.put(SessionNews::Granted, session.clone());
    }

    /// A session was released; one that had ended is but listed no more.
    pub(super) fn released(&mut self, session: &Arc<Session>, slot: Slot) {
        if session.ended {
            return self.unlisted();
        }
        self.rows.push((session.seq, slot));
        self.relied_on = true;
        self.outbox.put(SessionNews::Released, session.clone());
    }

    /// A session ended or moved by itself: nobody waits to hear of it.
    pub(super) fn changed(&mut self, what: SessionNews, session: &Arc<Session>, slot: Slot) {
        self.rows.push((session.seq, slot));
        self.outbox.put(what, session.clone());
    }

    /// Somebody got no seat: nothing of that is kept.
    pub(super) fn refused(&mut self, refusal: News) {
        self.outbox.refused(refusal);
    }

    /// A session that had ended is listed no more.
    pub(super) fn unlisted(&mut self) {
        self.outbox.touch();
    }

    /// What can be told now, and whether lists look different by something that is no news.
    pub(super) fn take_news(&mut self) -> (Vec<News>, bool) {
        let durable = self.rows.is_empty();
        self.outbox.take(durable)
    }

    /// A session was renewed; `first` since it was last written.
    pub(super) fn renewed(&mut self, seq: u64, slot: Slot, first: bool) {
        self.relied_on |= self.taken.first().is_some_and(|(taken, _)| *taken <= seq);
        if first {
            self.renewed.push((seq, slot));
        }
        self.outbox.touch();
    }

    /// Somebody waits to hear whether a commit succeeds.
    pub(super) fn rely(&mut self) {
        self.relied_on = true;
    }

    /// Whether anything was promised since the last question.
    pub(super) fn take_reliance(&mut self) -> bool {
        std::mem::take(&mut self.relied_on)
    }

    /// There is more to write than renewals.
    pub(super) fn has_rows(&self) -> bool {
        !self.rows.is_empty()
    }

    /// There are renewals to write.
    pub(super) fn has_renewed(&self) -> bool {
        !self.renewed.is_empty()
    }

    /// All changes, each row once.
    pub(super) fn writes(&self, roll: &Roll) -> Vec<Write> {
        let mut seen = HashSet::with_capacity(self.rows.len() + self.renewed.len());
        let rows = self.rows.iter().chain(&self.renewed);
        rows.filter(|(seq, _)| seen.insert(*seq))
            .map(|&(seq, slot)| match roll.live(slot, seq) {
                Some(session) => Write::Put(session.clone()),
                None => Write::Delete(seq),
            })
            .collect()
    }

    /// They are durable.
    pub(super) fn saved(&mut self, roll: &mut Roll) {
        for (_, slot) in self.renewed.drain(..) {
            roll.clear_stale(slot);
        }
        self.rows.clear();
        self.taken.clear();
    }

    /// They could not be written: forgets the sessions that were taken and returns those that hold a seat.
    pub(super) fn take_back(&mut self, roll: &Roll) -> Vec<Slot> {
        let taken = std::mem::take(&mut self.taken);
        let rows: HashSet<u64> = taken.iter().map(|(seq, _)| *seq).collect();
        self.rows.retain(|(seq, _)| !rows.contains(seq));
        self.renewed.retain(|(seq, _)| !rows.contains(seq));
        self.outbox.forget(&rows);
        let live = |&(seq, slot): &RowAt| roll.live(slot, seq).map(|_| slot);
        taken.iter().filter_map(live).collect()
    }
}
