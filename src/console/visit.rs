//! What a page is asked, and what it says.

use std::net::IpAddr;
use std::sync::Arc;

use actix_web::http::Method;
use actix_web::web::Data;
use serde_json::Value;

use crate::api::{Answer, Caller};
use crate::store::Role;

use super::Console;
use super::markup::Markup;
use super::params::{Params, encode};
use super::words::Words;

/// A request of somebody who is logged in and may make it.
pub(super) struct Visit {
    /// The node.
    pub(super) console: Data<Console>,
    /// Who asks.
    pub(super) caller: Caller,
    /// From where.
    pub(super) peer: IpAddr,
    /// The reader's language.
    pub(super) words: Words,
    /// The names in the path after the page's own: of /console/keys/42 it is `["42"]`.
    pub(super) rest: Vec<String>,
    /// Only the live part is asked for: the page is open.
    pub(super) live_only: bool,
    /// Behind the question mark.
    pub(super) query: Params,
    /// The form, of a POST.
    pub(super) form: Params,
    /// What forms have to send along: `<input type="hidden" name="token" value="{{ token }}">`.
    pub(super) token: Arc<str>,
}

impl Visit {
    /// Asks the API for this caller. `target` is path and query.
    ///
    /// # Errors
    /// [`Trouble::Api`] for every answer that is no success.
    pub(super) async fn call(&self, verb: Method, target: &str, body: &Value) -> Result<Value, Trouble> {
        let api = &self.console.api;
        let answer = api.call(&self.caller, self.peer, &verb, target, body).await;
        match answer.status {
            200..=299 => Ok(answer.body),
            _ => Err(Trouble::Api(answer)),
        }
    }

    /// The object of this identifier in a list of the API.
    ///
    /// # Errors
    /// As [`Visit::call`].
    pub(super) async fn one(&self, list: &str, id: &str) -> Result<Value, Trouble> {
        let target = format!("{list}/{}", encode(id));
        self.call(Method::GET, &target, &Value::Null).await
    }

    /// Ends the object of this identifier. What is gone already is no failure.
    ///
    /// # Errors
    /// As [`Visit::call`].
    pub(super) async fn end(&self, list: &str, id: &str) -> Result<(), Trouble> {
        let target = format!("{list}/{}", encode(id));
        match self.call(Method::DELETE, &target, &Value::Null).await {
            Err(Trouble::Api(answer)) if answer.status == 404 => Ok(()),
            outcome => outcome.map(drop),
        }
    }

    /// The objects of a list of the API.
    ///
    /// # Errors
    /// As [`Visit::call`].
    pub(super) async fn list(&self, target: &str) -> Result<Vec<Value>, Trouble> {
        let mut body = self.call(Method::GET, target, &Value::Null).await?;
        let list = body.as_object_mut().and_then(|body| body.values_mut().next());
        Ok(match list {
            Some(Value::Array(rows)) => std::mem::take(rows),
            _ => Vec::new(),
        })
    }

    /// Whether buttons are for this caller: only administrators change anything.
    pub(super) fn may_change(&self) -> bool {
        self.caller.role() == Role::Admin
    }

    /// The names after the page's own, as texts.
    pub(super) fn names(&self) -> Vec<&str> {
        self.rest.iter().map(String::as_str).collect()
    }
}

/// What a page shows.
#[derive(Default)]
pub(super) struct View {
    /// Heading, and title of the window.
    pub(super) title: String,
    /// One sentence that says how it stands; it is read out when it changes.
    pub(super) summary: String,
    /// It has a plot (assets/uplot.js).
    pub(super) plot: bool,
    /// What stays as it is: a form to search with.
    pub(super) fixed: Markup,
    /// What is drawn anew whenever one of the page's topics changes; without forms of its own, for it is the same for
    /// all readers. Buttons are links to a page that asks again.
    pub(super) live: Markup,
    /// What stays as it is, below that: a plot.
    pub(super) below: Markup,
}

/// What a page answers.
pub(super) enum Shown {
    /// This.
    View(View),
    /// What a script draws.
    Data(Value),
    /// Look there; the notice (a name of words) is shown there.
    Go {
        /// Path below /console/, with query.
        to: String,
        /// Name of the words.
        notice: &'static str,
    },
}

/// Why a page shows something else.
#[derive(Debug)]
pub(super) enum Trouble {
    /// There is no such page or object.
    NotFound,
    /// The role may not.
    Forbidden,
    /// Nothing can be done at this address with a POST.
    NoForm,
    /// What the API said.
    Api(Answer),
}

impl Trouble {
    /// What the API said, in its own words; "" where it was not asked.
    pub(super) fn said(&self) -> &str {
        match self {
            Self::Api(answer) => answer
                .body
                .get("Message")
                .and_then(Value::as_str)
                .unwrap_or_default(),
            Self::NotFound | Self::Forbidden | Self::NoForm => "",
        }
    }
}

pub(super) type Outcome = Result<Shown, Trouble>;

impl From<View> for Shown {
    fn from(view: View) -> Self {
        Self::View(view)
    }
}
