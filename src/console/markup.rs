//! Text that is HTML already. It is only ever made from a template, which escapes what it is given.

use std::fmt;

use askama::Template;
use askama::filters::HtmlSafe;

/// A rendered template; other templates take it as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Markup(String);

impl Markup {
    /// Renders a template.
    pub(super) fn of(template: &impl Template) -> Self {
        // Writing to memory does not fail, and none of our values does.
        Self(template.render().unwrap_or_default())
    }

    /// Both, one after the other.
    #[must_use]
    pub(super) fn and(mut self, other: &Self) -> Self {
        self.0.push_str(&other.0);
        self
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// There is nothing in it.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn into_string(self) -> String {
        self.0
    }
}

impl fmt::Display for Markup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl HtmlSafe for Markup {}
