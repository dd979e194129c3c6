//! The keys of one series in the order of their use, and which of them have a free seat for whom. Nothing
//! here grows with the number of sessions, and no search walks over the keys.

use std::collections::{BTreeSet, HashMap};

use crate::licence::KeyNo;

/// Place of a key in the order of use.
pub(super) type Place = u32;

/// One series.
#[derive(Default)]
pub(super) struct Series {
    keys: Vec<KeyNo>,
    /// Places of usable keys that are open to all and have a free seat; `None`: no usable key is open.
    open: Option<BTreeSet<Place>>,
    /// The same for usable keys that are reserved, by access code (spec, row 40).
    reserved: HashMap<Box<str>, BTreeSet<Place>>,
}

impl Series {
    /// Enters a key behind the others; without a free seat for now. `codes` is `None` where the key may not
    /// be used.
    pub(super) fn enter(&mut self, key_no: KeyNo, codes: Option<&[String]>) -> Place {
        match codes {
            None => {}
            Some([]) => {
                self.open.get_or_insert_default();
            }
            Some(codes) => {
                for code in codes {
                    self.reserved.entry(code.as_str().into()).or_default();
                }
            }
        }
        self.keys.push(key_no);
        Place::try_from(self.keys.len() - 1).expect("keys are fewer than seats, which are counted in 32 bits")
    }

    /// Notes whether a usable key has a free seat.
    pub(super) fn set_room(&mut self, place: Place, codes: &[String], room: bool) {
        let mut note = |places: &mut BTreeSet<Place>| {
            if room {
                places.insert(place);
            } else {
                places.remove(&place);
            }
        };
        if codes.is_empty() {
            self.open.iter_mut().for_each(note);
        } else {
            for code in codes {
                self.reserved.get_mut(code.as_str()).map(&mut note);
            }
        }
    }

    /// The first key with a free seat for a session with this access code: those reserved to it, then the
    /// open ones.
    pub(super) fn first_free(&self, code: Option<&str>) -> Option<KeyNo> {
        let reserved = code.and_then(|code| self.reserved.get(code)?.first());
        let place = reserved.or_else(|| self.open.as_ref()?.first())?;
        self.keys.get(*place as usize).copied()
    }

    /// There is a free seat for somebody.
    pub(super) fn has_room(&self) -> bool {
        self.open
            .iter()
            .chain(self.reserved.values())
            .any(|free| !free.is_empty())
    }

    /// Some key can be used, be it full.
    pub(super) fn is_usable(&self) -> bool {
        self.open.is_some() || !self.reserved.is_empty()
    }

    /// Some key can be used by a session with this access code, be it full.
    pub(super) fn is_usable_with(&self, code: Option<&str>) -> bool {
        self.open.is_some() || code.is_some_and(|code| self.reserved.contains_key(code))
    }

    /// All keys in the order of their use.
    pub(super) fn keys(&self) -> &[KeyNo] {
        &self.keys
    }
}
