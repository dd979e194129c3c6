//! An index of sessions by hash. The hash lies beside the slot, so that neither growing the index nor a search
//! that meets another session's hash touches a session: among a million each touch is a wait for memory.

use hashbrown::HashTable;

use super::roll::Slot;

/// Slots by hash.
#[derive(Default)]
pub(super) struct Index(HashTable<(u32, Slot)>);

impl Index {
    /// Makes room for so many more.
    pub(super) fn reserve(&mut self, more: usize) {
        self.0.reserve(more, |(hash, _)| spread(*hash));
    }

    /// The slot with this hash that fits.
    pub(super) fn find(&self, hash: u32, fits: impl Fn(Slot) -> bool) -> Option<Slot> {
        self.0
            .find(spread(hash), |(other, slot)| *other == hash && fits(*slot))
            .map(|(_, slot)| *slot)
    }

    /// Adds a slot that is not there yet.
    pub(super) fn insert(&mut self, hash: u32, slot: Slot) {
        self.0
            .insert_unique(spread(hash), (hash, slot), |(hash, _)| spread(*hash));
    }

    /// Removes a slot, if it is there.
    pub(super) fn remove(&mut self, hash: u32, slot: Slot) {
        if let Ok(found) = self.0.find_entry(spread(hash), |(_, other)| *other == slot) {
            found.remove();
        }
    }

    /// How many slots there are.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}

/// The table takes the place from the lower bits and a mark from the upper ones.
fn spread(hash: u32) -> u64 {
    u64::from(hash) << 32 | u64::from(hash)
}
