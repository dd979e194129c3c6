//! /console/live: tells an open page which of its topics changed, at most twice a second. Nothing runs while no page is
//! open.

use actix_web::web::{Bytes, Data};
use actix_web::{HttpResponse, http::header};
use futures_util::stream::{self, Stream};
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::api::Caller;
use crate::clock::Millis;
use crate::events::{Generations, Topic};

use super::Console;
use super::logins::Login;

/// A stream that has nothing to tell says so this often, so that a connection that is gone is noticed, and a user too.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// What tells the page that its login is over.
const END: &str = "event: end\ndata: -\n\n";

/// A comment.
const ALIVE: &str = ":\n\n";

/// One open page.
struct Follower {
    console: Data<Console>,
    cookie: String,
    caller: Caller,
    topics: Vec<Topic>,
    generations: watch::Receiver<Generations>,
    ended: watch::Receiver<u64>,
    seen: Option<Generations>,
    /// Nothing is told before the next slot of [`super::fragments`] begins: who is told earlier would be given a drawing
    /// of this one.
    quiet_until: Option<Instant>,
    /// Something is sent by then, though nothing changed.
    alive_at: Instant,
    over: bool,
    _page: Arc<()>,
}

/// The stream of a page that shows these topics.
pub(super) fn answer(console: Data<Console>, cookie: String, login: &Login, topics: &str) -> HttpResponse {
    let Some(page) = login.open_page() else {
        return HttpResponse::TooManyRequests().body("This login has too many pages open.");
    };
    let wanted = |topic: &Topic| topics.split(',').any(|name| name == topic.name());
    console.fragments.join();
    let follower = Follower {
        topics: Topic::ALL.into_iter().filter(wanted).collect(),
        generations: console.feed.generations(),
        ended: console.logins.ended(),
        seen: None,
        quiet_until: Some(Instant::now() + console.fragments.rest_of_slot()),
        alive_at: Instant::now() + KEEP_ALIVE,
        over: false,
        console,
        cookie,
        caller: login.caller.clone(),
        _page: page,
    };
    HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, "text/event-stream"))
        .streaming(follower.stream())
}

/// The stream of a page that nobody is logged in for.
pub(super) fn end() -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, "text/event-stream"))
        .body(END)
}

impl Drop for Follower {
    fn drop(&mut self) {
        self.console.fragments.leave();
    }
}

impl Follower {
    fn stream(self) -> impl Stream<Item = Result<Bytes, Infallible>> {
        stream::unfold(self, |mut follower| async move {
            if follower.over {
                return None;
            }
            let text = follower.next().await;
            follower.alive_at = Instant::now() + KEEP_ALIVE;
            Some((Ok(Bytes::from(text)), follower))
        })
    }

    /// Waits for something to tell.
    async fn next(&mut self) -> String {
        loop {
            let Some(left) = self.left().await else {
                self.over = true;
                return END.into();
            };
            if self.quiet_until.is_none() {
                let news = self.news();
                if !news.is_empty() {
                    return news;
                }
            }
            // Also where it wakes again and again for what this page does not show.
            if Instant::now() >= self.alive_at {
                return ALIVE.into();
            }
            let patience = self.alive_at.min(Instant::now() + Duration::from_millis(left));
            let feed = &self.console.feed;
            tokio::select! {
                // What else changes in this slot is told with it.
                _ = self.generations.changed(), if self.quiet_until.is_none() => {
                    self.quiet_until = Some(Instant::now() + self.console.fragments.rest_of_slot());
                }
                () = tokio::time::sleep_until(self.quiet_until.unwrap_or(patience)) => self.quiet_until = None,
                _ = self.ended.changed() => {}
                () = feed.ended() => {
                    // The page comes back once the node runs again.
                    self.over = true;
                    return ALIVE.into();
                }
            }
        }
    }

    /// How long the login lasts if nobody uses it, in milliseconds; `None`: it is over.
    async fn left(&self) -> Option<Millis> {
        let console = &self.console;
        console.api.look_at_users().await;
        console.api.auth.standing(&self.caller)?;
        let (now, idle) = (console.now(), console.idle());
        let login = console.logins.find(&self.cookie, now, idle, false)?;
        Some(login.ends(idle).saturating_sub(now))
    }

    /// An event for each topic that changed. A new stream tells all of them: what happened between the page and its
    /// stream is not lost, and a page that shows it already is told so when it asks.
    fn news(&mut self) -> String {
        let now = *self.generations.borrow_and_update();
        let changed = |topic: &&Topic| self.seen.is_none_or(|seen| seen.of(**topic) != now.of(**topic));
        let events = self.topics.iter().filter(changed);
        let text = events.map(|topic| format!("event: {}\ndata: -\n\n", topic.name()));
        let text = text.collect();
        self.seen = Some(now);
        text
    }
}
