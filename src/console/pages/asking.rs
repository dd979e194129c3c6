//! What several pages have in common: a form to search with, and the question before something is ended.

use askama::Template;

use crate::console::markup::Markup;
use crate::console::params::Params;
use crate::console::words::Words;

/// A form that searches a list for a text. Its order stays.
#[derive(Template)]
#[template(path = "search.html")]
pub(super) struct SearchForm<'a> {
    w: Words,
    action: &'a str,
    text: &'a str,
    sort: &'a str,
}

impl SearchForm<'_> {
    /// The form, with what is searched for in it.
    pub(super) fn of(w: Words, action: &str, query: &Params) -> Markup {
        Markup::of(&SearchForm {
            w,
            action,
            text: query.get("q"),
            sort: query.get("sort"),
        })
    }
}

/// Asks whether these objects are really to be ended.
#[derive(Template)]
#[template(path = "asking.html")]
pub(super) struct Asking<'a> {
    pub(super) w: Words,
    pub(super) token: &'a str,
    /// Where the form goes.
    pub(super) action: &'a str,
    pub(super) question: &'a str,
    pub(super) button: &'a str,
    /// Where one goes who thinks better of it.
    pub(super) back: &'a str,
    /// Identifier and description of each.
    pub(super) chosen: &'a [(String, String)],
}
