//! Tables of one look for pages that only show: headings, and cells with a state, a time or a link in them.

use std::collections::HashMap;

use askama::Template;

use super::markup::Markup;
use super::params::encode;

/// The longest word that stays in one piece, in characters.
const LONGEST_WORD: usize = 24;

/// What a table shows.
#[derive(Template)]
#[template(path = "grid.html")]
pub(super) struct Grid<'a> {
    /// Tells it from others on its page: what is drawn anew keeps focus and scroll by the ids of its parts.
    pub(super) id: &'a str,
    /// Heading above it; "": none.
    pub(super) title: &'a str,
    /// What it is, for people who do not see it.
    pub(super) caption: &'a str,
    /// What is said in its place where it has no rows.
    pub(super) empty: &'a str,
    /// Headings of the columns.
    pub(super) heads: Vec<&'a str>,
    /// The rows; the first cell of each is its name.
    pub(super) rows: Vec<Vec<Cell>>,
}

impl Grid<'_> {
    /// As HTML.
    pub(super) fn markup(mut self) -> Markup {
        let mut times: HashMap<String, usize> = HashMap::new();
        for cell in self.rows.iter_mut().flatten().filter(|cell| cell.is_link()) {
            let time = times.entry(cell.link.clone()).or_default();
            *time += 1;
            cell.id = format!("{}-{time}-{}", self.id, encode(&cell.link));
        }
        Markup::of(&self)
    }

    /// Whether a column has numbers in it, as far as its first row tells.
    fn holds_numbers(&self, column: usize) -> bool {
        let row = self.rows.first();
        row.and_then(|row| row.get(column)).is_some_and(Cell::is_number)
    }
}

/// A cell.
#[derive(Default)]
pub(super) struct Cell {
    text: String,
    time: Markup,
    /// Class of the text.
    class: &'static str,
    link: String,
    /// Of the link.
    id: String,
    /// A second line, in the node's own words, which are English.
    detail: String,
    /// A second line in the reader's language.
    note: String,
}

impl Cell {
    /// A text, as it is.
    pub(super) fn text(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            ..Self::default()
        }
    }

    /// A number, to the right.
    pub(super) fn number(number: i64) -> Self {
        Self {
            text: number.to_string(),
            class: "number",
            ..Self::default()
        }
    }

    /// A point of time.
    pub(super) fn time(time: Markup) -> Self {
        Self {
            time,
            ..Self::default()
        }
    }

    /// A state: `good`, `warn`, `bad` or `faint`, and its words.
    pub(super) fn state(class: &'static str, text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            class,
            ..Self::default()
        }
    }

    /// The same with a link below the text, where the text says something.
    pub(super) fn link(mut self, to: impl Into<String>) -> Self {
        self.link = to.into();
        self
    }

    /// The same with a second line in the node's words.
    pub(super) fn detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = detail.into();
        self
    }

    /// The same with a second line in the reader's language.
    pub(super) fn note(mut self, note: impl Into<String>) -> Self {
        self.note = note.into();
        self
    }

    fn is_link(&self) -> bool {
        !self.link.is_empty() && !self.text.is_empty()
    }

    /// It has a word that may be broken anywhere, lest the table become wider than the window.
    fn is_long(&self) -> bool {
        let mut words = self.text.split_whitespace();
        words.any(|word| word.chars().count() > LONGEST_WORD)
    }

    fn is_number(&self) -> bool {
        self.class == "number"
    }
}
