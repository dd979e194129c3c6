//! Live parts of pages that were drawn a moment ago, for the other consoles that show the same.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::events::{Generations, Topic};
use crate::store::Role;

use super::words::Language;

/// Changes are told to consoles at the beginning of slots of this length, so one slot's drawings serve all of them.
pub(super) const SLOT: Duration = Duration::from_millis(500);

/// Drawings that are kept.
const MOST: usize = 256;

/// What makes two live parts the same.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct Subject {
    /// Path and query.
    pub(super) target: String,
    /// Language.
    pub(super) language: Language,
    /// A role decides what is shown; the user does not.
    pub(super) role: Role,
}

/// A live part with its summary.
#[derive(Clone)]
pub(super) struct Drawing {
    /// As it is sent.
    pub(super) html: Arc<str>,
    /// Short hash of it.
    pub(super) hash: Arc<str>,
}

#[derive(Clone)]
struct Kept {
    drawing: Drawing,
    generations: Generations,
    slot: u64,
}

type Place = Arc<tokio::sync::Mutex<Option<Kept>>>;

/// Drawings by what they show.
pub(super) struct Fragments {
    began: Instant,
    places: Mutex<HashMap<Subject, Place>>,
}

impl Default for Fragments {
    fn default() -> Self {
        Self {
            began: Instant::now(),
            places: Mutex::default(),
        }
    }
}

impl Fragments {
    /// The slot that runs.
    fn slot(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis() / SLOT.as_millis()).unwrap_or(u64::MAX)
    }

    /// How long the running slot still lasts.
    pub(super) fn rest_of_slot(&self) -> Duration {
        let slots = u32::try_from(self.slot() + 1).unwrap_or(u32::MAX);
        (SLOT * slots).saturating_sub(self.began.elapsed())
    }

    /// The drawing of a subject: one of the running slot, or one since which nothing changed, or a new one. A change is
    /// told when the next slot begins, so nobody who was told of it gets one from before. Whoever asks while one is
    /// being drawn gets that.
    pub(super) async fn draw<E>(
        &self,
        subject: Subject,
        topics: &[Topic],
        now: impl Fn() -> Generations,
        draw: impl Future<Output = Result<Drawing, E>>,
    ) -> Result<Drawing, E> {
        let place = self.place(subject);
        let mut kept = place.lock().await;
        let (generations, slot) = (now(), self.slot());
        if let Some(kept) = &*kept {
            let same = topics
                .iter()
                .all(|topic| kept.generations.of(*topic) == generations.of(*topic));
            if same || kept.slot == slot {
                return Ok(kept.drawing.clone());
            }
        }
        let drawing = draw.await?;
        *kept = Some(Kept {
            drawing: drawing.clone(),
            generations,
            slot,
        });
        Ok(drawing)
    }

    fn place(&self, subject: Subject) -> Place {
        let mut places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        if places.len() >= MOST && !places.contains_key(&subject) {
            places.clear();
        }
        places.entry(subject).or_default().clone()
    }
}
