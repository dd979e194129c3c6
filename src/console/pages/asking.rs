//! What several pages have in common: a form to search with, and the question before something is ended.

use askama::Template;
use serde_json::Value;

use crate::console::markup::Markup;
use crate::console::params::Params;
use crate::console::row::Row;
use crate::console::visit::{Shown, View, Visit};
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

/// A question before objects are ended.
pub(super) struct Question {
    /// Name of the page's heading in the words.
    pub(super) title: &'static str,
    pub(super) text: &'static str,
    pub(super) button: &'static str,
    /// Where the form goes.
    pub(super) action: &'static str,
    /// Where one goes who thinks better of it.
    pub(super) back: &'static str,
    /// Fields that tell which object it is.
    pub(super) fields: &'static [&'static str],
}

#[derive(Template)]
#[template(path = "asking.html")]
struct Asking<'a> {
    w: Words,
    token: &'a str,
    question: &'a Question,
    /// Identifier of each, and what tells it from others.
    chosen: Vec<(String, Vec<String>)>,
}

impl Question {
    /// Asks it of these objects.
    pub(super) fn ask(&self, visit: &Visit, rows: &[Value]) -> Shown {
        let told = |row: &Value| {
            let said = self.fields.iter().map(|field| row.text(field));
            (row.text("ID"), said.filter(|text| !text.is_empty()).collect())
        };
        let asking = Asking {
            w: visit.words,
            token: &visit.token,
            question: self,
            chosen: rows.iter().map(told).collect(),
        };
        View {
            title: visit.words.t(self.title).to_owned(),
            fixed: Markup::of(&asking),
            ..View::default()
        }
        .into()
    }
}
