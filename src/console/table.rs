//! Tables: which column they are sorted by, which part of them is shown, and the links for both.

use crate::api::Wish;

use super::params::Params;
use super::words::Words;

/// The longest text that is searched for, in characters.
const LONGEST_TEXT: usize = 200;

/// Rows on one page.
pub(super) const ROWS: usize = 100;

/// A column's heading.
pub(super) struct Column {
    /// What it says.
    pub(super) title: String,
    /// The field of the API that it shows; "" where it cannot sort.
    pub(super) field: String,
    /// Where it sorts by this column; "" where it cannot.
    pub(super) link: String,
    /// `ascending`, `descending` or "", as `aria-sort` says it.
    pub(super) sorted: &'static str,
}

/// Which part of a list is shown.
pub(super) struct Part {
    /// Number of its first row, and of its last.
    pub(super) from: usize,
    /// See `from`.
    pub(super) to: usize,
    /// Link to the part before; "" where there is none.
    pub(super) before: String,
    /// Link to the part behind.
    pub(super) behind: String,
}

/// A list of the API as a page shows it.
pub(super) struct Listing {
    /// Where the page is.
    pub(super) path: &'static str,
    /// For each column the words of its heading, and the field that it sorts by; "": it does not.
    pub(super) heads: &'static [(&'static str, &'static str)],
}

impl Listing {
    /// The `_sort` of a query, where it is one of the fields.
    pub(super) fn sort<'q>(&self, query: &'q Params) -> Option<&'q str> {
        let sort = query.get("sort");
        let field = sort.strip_prefix('-').unwrap_or(sort);
        let known = !field.is_empty() && self.heads.iter().any(|(_, own)| *own == field);
        known.then_some(sort)
    }

    /// What a query looks for.
    pub(super) fn wish(&self, query: &Params) -> Wish {
        Wish {
            text: query.get("q").chars().take(LONGEST_TEXT).collect(),
            sort: self.sort(query).unwrap_or_default().to_owned(),
            offset: page_of(query) * ROWS,
            limit: ROWS,
        }
    }

    /// The headings.
    pub(super) fn columns(&self, w: Words, query: &Params) -> Vec<Column> {
        let heads = self.heads.iter();
        heads
            .map(|(title, field)| self.column(query, w.t(title), field))
            .collect()
    }

    fn column(&self, query: &Params, title: &str, field: &str) -> Column {
        let sort = query.get("sort");
        let (sorted, next) = match sort.strip_prefix('-') {
            Some(down) if down == field => ("descending", field.to_owned()),
            None if sort == field && !field.is_empty() => ("ascending", format!("-{field}")),
            _ => ("", field.to_owned()),
        };
        let link = if field.is_empty() {
            String::new()
        } else {
            self.link(&query.with("page", "").with("sort", &next))
        };
        Column {
            title: title.to_owned(),
            field: field.to_owned(),
            link,
            sorted: if field.is_empty() { "" } else { sorted },
        }
    }

    /// The part that holds `shown` rows, with more behind it or not.
    pub(super) fn part(&self, query: &Params, shown: usize, more: bool) -> Part {
        let page = page_of(query);
        let link = |page: usize| {
            let number = if page == 0 {
                String::new()
            } else {
                (page + 1).to_string()
            };
            self.link(&query.with("page", &number))
        };
        Part {
            from: page * ROWS + usize::from(shown > 0),
            to: page * ROWS + shown,
            before: if page > 0 { link(page - 1) } else { String::new() },
            behind: if more { link(page + 1) } else { String::new() },
        }
    }

    fn link(&self, query: &Params) -> String {
        format!("{}{}", self.path, query.query())
    }
}

/// The page of a query, from 0.
fn page_of(query: &Params) -> usize {
    query
        .get("page")
        .parse::<usize>()
        .unwrap_or(1)
        .clamp(1, 1_000_000)
        - 1
}
