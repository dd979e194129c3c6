//! Lists as people look through them: a text that occurs anywhere, an order, a part. Inside the process only; a list may have
//! hundreds of thousands of objects, so matching and sorting have a thread that may take its time, one after the other.

use std::sync::Arc;

use actix_web::web;
use serde_json::Value;
use tokio::sync::Semaphore;

use super::Api;
use super::auth::Caller;
use super::connections::ConnectionView;
use super::error::ApiError;
use super::inside::Answer;
use super::record::{Record, Scalar};
use super::route::Action;
use super::sessions::SessionView;

/// Objects that are taken from the desk at once: few enough that nobody waits behind it.
const PAGE: usize = 4096;

/// Objects that one search looks at, at most.
const MOST: usize = 500_000;

/// One search at a time: the others wait.
static TURN: Semaphore = Semaphore::const_new(1);

/// What somebody looks for.
#[derive(Clone, Debug, Default)]
pub struct Wish {
    /// Occurs in some field, in any case; "": everything.
    pub text: String,
    /// Field to sort by, with - before it downwards; "": the order of creation.
    pub sort: String,
    /// Objects to pass over.
    pub offset: usize,
    /// Objects wanted.
    pub limit: usize,
}

/// What was found.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// The objects, as the API shows them.
    pub rows: Vec<Value>,
    /// There are more behind them.
    pub more: bool,
    /// How many match, where all of them were looked at.
    pub count: Option<usize>,
}

/// Objects that match so far.
struct Search {
    wish: Wish,
    text: String,
    /// Place of the field to sort by, and whether downwards.
    sort: Option<(usize, bool)>,
}

impl Search {
    fn new<R: Record>(wish: Wish) -> Result<Self, ApiError> {
        let name = wish.sort.trim_start_matches('-');
        let place = R::FIELDS.iter().position(|field| *field == name);
        if place.is_none() && !name.is_empty() {
            return Err(ApiError::bad_request(format!(
                "There is no field \"{name}\" here."
            )));
        }
        Ok(Self {
            text: wish.text.trim().to_lowercase(),
            sort: place.map(|place| (place, wish.sort.starts_with('-'))),
            wish,
        })
    }

    fn matches(&self, record: &impl Record) -> bool {
        if self.text.is_empty() {
            return true;
        }
        let mut found = false;
        record.visit(&mut |name, value| {
            // Nobody guesses a code by looking for it.
            let looked_at = !found && name != "AccessCode";
            found = found || looked_at && value.plain().to_lowercase().contains(&self.text);
        });
        found
    }

    /// So many matches are enough, where their order is that of the list.
    fn enough(&self) -> usize {
        match self.sort {
            None => self.wish.offset.saturating_add(self.wish.limit).saturating_add(1),
            Some(_) => usize::MAX,
        }
    }

    /// The wanted part of the matches. `whole`: there are no others.
    fn finish<R: Record>(&self, mut matches: Vec<R>, whole: bool) -> Found {
        if let Some((place, down)) = self.sort {
            matches = sorted(matches, place, down);
        }
        let last = self.wish.offset.saturating_add(self.wish.limit);
        let part = matches.iter().skip(self.wish.offset).take(self.wish.limit);
        let row = |record: &R| {
            let mut json = Vec::new();
            record.write(None, &mut json);
            serde_json::from_slice(&json).unwrap_or(Value::Null)
        };
        Found {
            rows: part.map(row).collect(),
            more: matches.len() > last,
            count: whole.then_some(matches.len()),
        }
    }
}

/// Each value is made once, not at each comparison; equal ones stay in their order.
fn sorted<R: Record>(records: Vec<R>, place: usize, down: bool) -> Vec<R> {
    let values: Vec<Scalar<'_>> = records.iter().map(|record| record.value(place)).collect();
    let mut order: Vec<usize> = (0..records.len()).collect();
    order.sort_by(|a, b| {
        let order = values[*a].order(&values[*b]);
        if down { order.reverse() } else { order }
    });
    drop(values);
    let mut records: Vec<Option<R>> = records.into_iter().map(Some).collect();
    order.into_iter().filter_map(|at| records[at].take()).collect()
}

impl Api {
    /// Looks through the sessions. Takes a fraction of a second where there are very many, but no thread that serves.
    ///
    /// # Errors
    /// What to answer instead.
    pub async fn search_sessions(&self, caller: &Caller, wish: Wish) -> Result<Found, Answer> {
        allowed(caller, &Action::ListSessions)?;
        Ok(self.find_sessions(wish).await?)
    }

    async fn find_sessions(&self, wish: Wish) -> Result<Found, ApiError> {
        let mut search = Arc::new(Search::new::<SessionView>(wish)?);
        let _turn = TURN.acquire().await;
        let (now, time) = self.times();
        let (mut matches, mut after, mut looked) = (Vec::new(), None, 0);
        let enough = search.enough();
        let whole = loop {
            let size = if search.text.is_empty() {
                PAGE.min(enough)
            } else {
                PAGE
            };
            let page = self
                .desk
                .ask(move |desk, _, _| desk.ledger.page(after, size))
                .await?;
            let full = page.len() == size;
            (after, looked) = (
                page.last().map(|session| (session.created, session.id)),
                looked + page.len(),
            );
            let views = page
                .into_iter()
                .map(move |session| SessionView { session, time, now });
            let found;
            (search, found) = aside(move || {
                let found: Vec<_> = views.filter(|view| search.matches(view)).collect();
                (search, found)
            })
            .await?;
            matches.extend(found);
            if matches.len() >= enough || !full || looked >= MOST {
                break !full;
            }
        };
        aside(move || search.finish(matches, whole)).await
    }

    /// Looks through the connections.
    ///
    /// # Errors
    /// What to answer instead.
    pub async fn search_connections(&self, caller: &Caller, wish: Wish) -> Result<Found, Answer> {
        allowed(caller, &Action::ListConnections)?;
        Ok(self.find_connections(wish).await?)
    }

    async fn find_connections(&self, wish: Wish) -> Result<Found, ApiError> {
        let search = Search::new::<ConnectionView>(wish)?;
        let _turn = TURN.acquire().await;
        let list = self.desk.ask(|desk, _, time| {
            desk.connections.advance(time);
            desk.connections.list()
        });
        let (now, time) = self.times();
        let list = list.await?;
        aside(move || {
            let views = list.into_iter().map(|connection| ConnectionView {
                connection,
                time,
                now,
            });
            let matches = views.filter(|view| search.matches(view)).collect();
            search.finish(matches, true)
        })
        .await
    }
}

fn allowed(caller: &Caller, action: &Action) -> Result<(), ApiError> {
    if action.allows(caller.role) {
        return Ok(());
    }
    Err(ApiError::forbidden(format!(
        "The role {} may not look at that.",
        caller.role
    )))
}

/// On a thread that may take its time.
async fn aside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, ApiError> {
    web::block(work)
        .await
        .map_err(|_| ApiError::internal("The node is stopping."))
}
