//! Tables: which column they are sorted by, which part of them is shown, and the links for both.

use super::params::Params;

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

/// The heading of a column that is sorted by a field of the API; "": it is not.
pub(super) fn column(path: &str, query: &Params, title: &str, field: &str) -> Column {
    let sort = query.get("sort");
    let (sorted, next) = match sort.strip_prefix('-') {
        Some(down) if down == field => ("descending", field.to_owned()),
        None if sort == field && !field.is_empty() => ("ascending", format!("-{field}")),
        _ => ("", field.to_owned()),
    };
    let link = if field.is_empty() {
        String::new()
    } else {
        format!("{path}{}", query.with("page", "").with("sort", &next).query())
    };
    Column {
        title: title.to_owned(),
        field: field.to_owned(),
        link,
        sorted: if field.is_empty() { "" } else { sorted },
    }
}

/// The `_sort` of a query, where it is one of these fields.
pub(super) fn sort_of<'q>(query: &'q Params, fields: &[&str]) -> Option<&'q str> {
    let sort = query.get("sort");
    fields
        .contains(&sort.strip_prefix('-').unwrap_or(sort))
        .then_some(sort)
}

/// The page of a query, from 0.
pub(super) fn page_of(query: &Params) -> usize {
    query
        .get("page")
        .parse::<usize>()
        .unwrap_or(1)
        .clamp(1, 1_000_000)
        - 1
}

/// The part that holds `shown` rows, with more behind it or not.
pub(super) fn part(path: &str, query: &Params, shown: usize, more: bool) -> Part {
    let page = page_of(query);
    let link = |page: usize| {
        let number = if page == 0 {
            String::new()
        } else {
            (page + 1).to_string()
        };
        format!("{path}{}", query.with("page", &number).query())
    };
    Part {
        from: page * ROWS + usize::from(shown > 0),
        to: page * ROWS + shown,
        before: if page > 0 { link(page - 1) } else { String::new() },
        behind: if more { link(page + 1) } else { String::new() },
    }
}
