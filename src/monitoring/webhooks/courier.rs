//! Brings one webhook its messages, one after the other: a message that is not taken is tried again, up to a day, before
//! the next one; one that the receiver refuses holds up the others for an hour only.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;

use crate::events::Topic;
use crate::licence::DAY;
use crate::outbound::Way;

use super::Shared;
use super::queue::Waiting;
use super::rules::Hook;
use super::send::{Post, Untaken, send};

/// Before the second try, in milliseconds; twice as long before each further one …
const FIRST: i64 = 10_000;

/// … up to this.
const LONGEST: i64 = 60 * 60 * 1000;

/// For so long it is tried to bring a message that the receiver refuses: whoever has set up something wrong may see it.
const REFUSED: i64 = 60 * 60 * 1000;

/// Where the state file cannot be read it is tried again after this time.
const UNREAD: Duration = Duration::from_mins(1);

pub(super) struct Courier {
    pub(super) hook: Hook,
    pub(super) way: Way,
    pub(super) shared: Arc<Shared>,
    /// There is something new for it.
    pub(super) bell: Arc<Notify>,
}

impl Courier {
    /// Runs until it is aborted.
    pub(super) async fn run(self) {
        loop {
            let first = self.shared.queue().first(&self.hook.name);
            let now = self.shared.clock.now().wall;
            match first {
                Ok(None) => {
                    self.shared.faults.clear(&self.hook.name);
                    self.bell.notified().await;
                }
                Ok(Some(waiting)) => {
                    // Nothing waits for longer, unless the clock was set back meanwhile: that holds up no message.
                    let pause = waiting.due.millis() - now.millis();
                    let pause = u64::try_from(pause)
                        .ok()
                        .filter(|_| (1..=LONGEST).contains(&pause));
                    if let Some(pause) = pause {
                        let rung = tokio::time::timeout(Duration::from_millis(pause), self.bell.notified());
                        if rung.await.is_ok() {
                            continue;
                        }
                    }
                    self.deliver(&waiting).await;
                }
                Err(error) => {
                    tracing::error!(%error, webhook = self.hook.name, "messages for a webhook cannot be read");
                    tokio::time::sleep(UNREAD).await;
                }
            }
        }
    }

    async fn deliver(&self, waiting: &Waiting) {
        let post = Post {
            event: &waiting.event,
            body: &waiting.body,
            time: self.shared.clock.now().wall,
        };
        let sent = send(&self.way, &self.hook, post).await;
        let name = &self.hook.name;
        let now = self.shared.clock.now().wall;
        let noted = match sent {
            Ok(()) => {
                tracing::info!(webhook = name, event = waiting.event, "a webhook was told");
                if self.shared.faults.clear(name) {
                    self.shared.feed.touch(Topic::Health);
                }
                self.shared.queue().remove(waiting.id)
            }
            Err(Untaken { why, refused }) => {
                self.shared.faults.set(name, waiting.made.min(now), &why);
                self.shared.feed.touch(Topic::Health);
                let patience = if refused { REFUSED } else { DAY };
                if now.millis() - waiting.made.millis() >= patience {
                    tracing::error!(
                        webhook = name,
                        event = waiting.event,
                        why,
                        "a webhook was not told"
                    );
                    self.shared.note(
                        "webhook-failure",
                        name,
                        &format!("{} given up: {why}", waiting.event),
                    );
                    self.shared.queue().remove(waiting.id)
                } else {
                    tracing::warn!(
                        webhook = name,
                        event = waiting.event,
                        why,
                        "a webhook is told later"
                    );
                    let due = now.plus(pause(waiting.tries));
                    let tries = waiting.tries.saturating_add(1);
                    self.shared.queue().later(waiting.id, due, tries, now)
                }
            }
        };
        self.shared.count();
        if let Err(error) = noted {
            // What was delivered may be so again: better than in a circle without a pause.
            tracing::error!(%error, webhook = name, "what became of a message cannot be kept");
            tokio::time::sleep(UNREAD).await;
        }
    }
}

/// How long to wait after so many tries before.
fn pause(tries: u32) -> i64 {
    FIRST.saturating_mul(1 << tries.min(16)).min(LONGEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_an_hour() {
        let pauses: Vec<_> = (0..10).map(|tries| pause(tries) / 1000).collect();
        assert_eq!(pauses, [10, 20, 40, 80, 160, 320, 640, 1280, 2560, 3600]);
        assert_eq!(pause(u32::MAX), LONGEST);
    }
}
