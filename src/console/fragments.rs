//! Live parts of pages that were drawn a moment ago, for the other consoles that show the same.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::events::{Generations, Topic};
use crate::store::Role;

use super::words::Language;

/// Changes are told to consoles at the beginning of slots of this length, so one slot's drawings serve all of them.
pub(super) const SLOT: Duration = Duration::from_millis(500);

/// Drawing what was searched or sorted again waits for so many times as long as drawing it took: an open page costs a
/// twentieth of a core at most, however much it has to look at.
const REST: u32 = 20;

/// But no longer than this.
const LONGEST_REST: Duration = Duration::from_secs(5);

/// A drawing that nobody has asked for during this time goes when something else is drawn.
const KEPT: Duration = Duration::from_mins(1);

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
    /// Not drawn again before.
    rests_until: Instant,
}

type Place = Arc<tokio::sync::Mutex<Option<Kept>>>;

/// Drawings by what they show.
pub(super) struct Fragments {
    began: Instant,
    /// With the time at which they were last asked for.
    places: Mutex<HashMap<Subject, (Place, Instant)>>,
    /// Open pages.
    followers: AtomicUsize,
}

impl Default for Fragments {
    fn default() -> Self {
        Self {
            began: Instant::now(),
            places: Mutex::default(),
            followers: AtomicUsize::default(),
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
    /// being drawn gets that. What is slow to find is drawn later, and then with what changed meanwhile.
    pub(super) async fn draw<E>(
        &self,
        subject: Subject,
        topics: &[Topic],
        now: impl Fn() -> Generations,
        draw: impl Future<Output = Result<Drawing, E>>,
    ) -> Result<Drawing, E> {
        let searches = subject.target.contains('?');
        let place = self.place(subject);
        let mut kept = place.lock().await;
        if let Some(kept) = &*kept {
            let generations = now();
            let same = topics
                .iter()
                .all(|topic| kept.generations.of(*topic) == generations.of(*topic));
            if same || kept.slot == self.slot() {
                return Ok(kept.drawing.clone());
            }
            tokio::time::sleep_until(kept.rests_until.into()).await;
        }
        let (generations, slot, began) = (now(), self.slot(), Instant::now());
        let drawing = draw.await?;
        let rest = if searches {
            (began.elapsed() * REST).min(LONGEST_REST)
        } else {
            Duration::ZERO
        };
        *kept = Some(Kept {
            drawing: drawing.clone(),
            generations,
            slot,
            rests_until: Instant::now() + rest,
        });
        Ok(drawing)
    }

    /// A page was opened.
    pub(super) fn join(&self) {
        self.followers.fetch_add(1, Ordering::Relaxed);
    }

    /// It was left. Nothing is kept for nobody.
    pub(super) fn leave(&self) {
        if self.followers.fetch_sub(1, Ordering::Relaxed) == 1 {
            *self.places() = HashMap::new();
        }
    }

    fn place(&self, subject: Subject) -> Place {
        let mut places = self.places();
        if !places.contains_key(&subject) {
            places.retain(|_, (_, asked)| asked.elapsed() < KEPT);
            if places.len() >= MOST {
                places.clear();
            }
        }
        let now = Instant::now();
        let (place, asked) = places.entry(subject).or_insert_with(|| (Place::default(), now));
        *asked = now;
        place.clone()
    }

    fn places(&self) -> MutexGuard<'_, HashMap<Subject, (Place, Instant)>> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::events::Feed;

    fn subject() -> Subject {
        Subject {
            target: "/console/sessions?q=x".into(),
            language: Language::English,
            role: Role::Admin,
        }
    }

    #[tokio::test]
    async fn nothing_is_kept_when_the_last_page_is_closed() {
        let (fragments, feed) = (Fragments::default(), Feed::default());
        let now = || *feed.generations().borrow();
        let drawing = async {
            let (html, hash) = ("drawn".into(), "drawn".into());
            Ok::<_, ()>(Drawing { html, hash })
        };
        fragments.join();
        fragments.join();
        fragments
            .draw(subject(), &[Topic::Sessions], now, drawing)
            .await
            .unwrap();
        fragments.leave();
        assert_eq!(fragments.places().len(), 1);
        fragments.leave();
        assert_eq!(fragments.places().capacity(), 0);
    }

    #[tokio::test]
    async fn what_is_slow_to_draw_is_drawn_less_often_and_never_from_before_the_change() {
        let (fragments, feed) = (Fragments::default(), Feed::default());
        let now = || *feed.generations().borrow();
        let slow = async |text: &str| {
            tokio::time::sleep(Duration::from_millis(60)).await;
            let (html, hash) = (text.into(), text.into());
            Ok::<_, ()>(Drawing { html, hash })
        };
        let topics = [Topic::Sessions];
        fragments
            .draw(subject(), &topics, now, slow("old"))
            .await
            .unwrap();
        let drawn = Instant::now();
        tokio::time::sleep(fragments.rest_of_slot()).await;
        feed.touch(Topic::Sessions);
        let drawing = fragments
            .draw(subject(), &topics, now, slow("new"))
            .await
            .unwrap();
        assert_eq!(&*drawing.html, "new");
        assert!(
            drawn.elapsed() >= Duration::from_millis(60) * REST,
            "{:?}",
            drawn.elapsed()
        );
    }
}
