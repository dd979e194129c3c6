//! GET /events: what happens, as server-sent events. Endless, so unlike the API's answers it is not signed.

use std::fmt::Write;
use std::sync::Arc;
use std::time::Duration;

use actix_web::http::Method;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER};
use actix_web::web::{Bytes, Data};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder};
use futures_util::{Stream, stream};
use percent_encoding::percent_decode_str;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

use crate::api::{Caller, looks};
use crate::events::{News, Next, Subscription};

use super::Monitoring;

/// Streams that are open at once.
const MOST: usize = 256;

/// After this time without an event there is a comment, so that nobody on the way takes the stream for dead.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// What happens within this time goes out together: while much happens, nobody is woken for each event.
const TOGETHER: Duration = Duration::from_millis(50);

/// Events that are ready go out together, up to about so many bytes.
const PIECE: usize = 64 * 1024;

/// What a stream begins with: a client comes back after so many milliseconds, and sees at once that it is listening.
const HELLO: &str = "retry: 3000\n: keynode\n\n";

/// The streams that may be open at once.
pub(super) struct Streams(Arc<Semaphore>);

impl Default for Streams {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(MOST)))
    }
}

/// What a client wants to hear.
struct Wish {
    /// None: all kinds.
    kinds: Option<Vec<&'static str>>,
    /// The last event that it saw.
    after: Option<u64>,
}

pub(super) async fn answer(request: HttpRequest, monitoring: Data<Monitoring>) -> HttpResponse {
    if let Err(refusal) = looks(&request) {
        return refusal;
    }
    let caller = match monitoring.api.admit_watcher(&request).await {
        Ok(caller) => caller,
        Err(refusal) => return refusal,
    };
    let wish = match Wish::of(&request) {
        Ok(wish) => wish,
        Err(error) => return told(HttpResponse::BadRequest(), &error),
    };
    let mut ok = HttpResponse::Ok();
    ok.insert_header((CONTENT_TYPE, "text/event-stream"))
        .insert_header((CACHE_CONTROL, "no-store"))
        .insert_header(("X-Accel-Buffering", "no"));
    if request.method() == Method::HEAD {
        return ok.finish();
    }
    let Ok(place) = monitoring.streams.0.clone().try_acquire_owned() else {
        let mut refusal = HttpResponse::ServiceUnavailable();
        refusal.insert_header((RETRY_AFTER, "30"));
        return told(refusal, "too many streams of events are open");
    };
    let subscription = monitoring.feed.subscribe(wish.after);
    ok.streaming(events(Open {
        named: wish.after.unwrap_or_default(),
        kinds: wish.kinds,
        sent: Instant::now(),
        subscription,
        caller,
        monitoring,
        _place: place,
    }))
}

fn told(mut status: HttpResponseBuilder, error: &str) -> HttpResponse {
    status.json(serde_json::json!({ "error": error }))
}

impl Wish {
    fn of(request: &HttpRequest) -> Result<Self, String> {
        let mut wish = Self {
            kinds: None,
            after: None,
        };
        // A browser that comes back names the last event in a header; what is no number is none of ours.
        let last = request.headers().get("last-event-id");
        wish.after = last.and_then(|last| last.to_str().ok()?.parse().ok());
        for pair in request.query_string().split('&') {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let value = percent_decode_str(value).decode_utf8_lossy();
            match name {
                "kinds" => wish.kinds = Some(kinds(&value)?),
                "after" if wish.after.is_none() => {
                    let number = value
                        .parse()
                        .map_err(|_| "after: expected the number of an event")?;
                    wish.after = Some(number);
                }
                _ => {}
            }
        }
        Ok(wish)
    }
}

fn kinds(value: &str) -> Result<Vec<&'static str>, String> {
    let named = value.split(',').map(str::trim).filter(|name| !name.is_empty());
    let known = |name: &str| News::KINDS.into_iter().find(|kind| *kind == name);
    let found = named.map(|name| known(name).ok_or(()));
    found
        .collect::<Result<_, _>>()
        .map_err(|()| format!("kinds: expected some of {}", News::KINDS.join(", ")))
}

/// The stream. While a client does not read, nothing is kept for it: it is told how much it missed.
fn events(open: Open) -> impl Stream<Item = Result<Bytes, std::convert::Infallible>> {
    let first = stream::once(async { Ok(Bytes::from_static(HELLO.as_bytes())) });
    let rest = stream::unfold(open, |mut open| async move {
        let piece = open.piece().await?;
        Some((Ok(piece), open))
    });
    stream::StreamExt::chain(first, rest)
}

/// A stream that is open.
struct Open {
    subscription: Subscription,
    kinds: Option<Vec<&'static str>>,
    /// The number that the client would name if it came back.
    named: u64,
    /// Who listens, where they said so.
    caller: Option<Caller>,
    /// When something was sent last.
    sent: Instant,
    monitoring: Data<Monitoring>,
    _place: OwnedSemaphorePermit,
}

impl Open {
    /// What to send next; none: the end.
    async fn piece(&mut self) -> Option<Bytes> {
        let mut piece = String::new();
        while piece.is_empty() {
            let waiting = tokio::time::timeout_at(self.sent + KEEP_ALIVE, self.subscription.next());
            match waiting.await {
                Ok(Next::End) => return None,
                Ok(next) => {
                    self.write(&next, &mut piece);
                    tokio::time::sleep(TOGETHER).await;
                }
                Err(_) => {}
            }
            while piece.len() < PIECE
                && let Some(next) = self.subscription.ready()
            {
                self.write(&next, &mut piece);
            }
            if piece.is_empty() && self.sent.elapsed() >= KEEP_ALIVE {
                self.write_alive(&mut piece);
            }
            if let Some(caller) = &self.caller
                && !self.monitoring.api.admits_still(caller).await
            {
                return None;
            }
        }
        self.sent = Instant::now();
        Some(piece.into())
    }

    /// A sign of life; and where the client is, if it was not sent all events up to there: no browser takes that for one.
    fn write_alive(&mut self, piece: &mut String) {
        let position = self.subscription.position();
        if self.named == position {
            piece.push_str(":\n\n");
        } else {
            self.named = position;
            // A text takes whatever is written.
            let _ = write!(piece, "id: {position}\n\n");
        }
    }

    fn write(&mut self, next: &Next, piece: &mut String) {
        let position = self.subscription.position();
        let lost = |lost: &str| format!("id: {position}\nevent: lost\ndata: {{\"Lost\":{lost}}}\n\n");
        match next {
            Next::Event(event) => {
                let kind = event.news.kind();
                if self.kinds.as_ref().is_some_and(|kinds| !kinds.contains(&kind)) {
                    return;
                }
                let json = event.json();
                let json = String::from_utf8_lossy(&json);
                // A text takes whatever is written.
                let _ = write!(piece, "id: {}\nevent: {kind}\ndata: {json}\n\n", event.number);
            }
            Next::Lost(number) => piece.push_str(&lost(&number.to_string())),
            Next::Restarted => piece.push_str(&lost("null")),
            Next::End => return,
        }
        self.named = position;
    }
}
