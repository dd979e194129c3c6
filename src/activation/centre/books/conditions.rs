//! The conditions of a query that shows some of the rows.

use rusqlite::ToSql;

/// Conditions that must all hold, with their values.
#[derive(Default)]
pub(super) struct Conditions {
    sql: Vec<&'static str>,
    values: Vec<Box<dyn ToSql>>,
}

impl Conditions {
    /// One without a value.
    pub(super) fn require(&mut self, sql: &'static str) {
        self.sql.push(sql);
    }

    /// One with a value, where there is one.
    pub(super) fn add(&mut self, sql: &'static str, value: Option<impl ToSql + 'static>) {
        if let Some(value) = value {
            self.sql.push(sql);
            self.values.push(Box::new(value));
        }
    }

    /// The end of the query, in the order of a column, and the values in their order.
    pub(super) fn ordered(mut self, column: &str, limit: Option<u64>) -> (String, Vec<Box<dyn ToSql>>) {
        self.sql.push("TRUE");
        let limit = limit.map_or(-1, |limit| i64::try_from(limit).unwrap_or(i64::MAX));
        self.values.push(Box::new(limit));
        let all = self.sql.join(" AND ");
        (format!("WHERE {all} ORDER BY {column} LIMIT ?"), self.values)
    }
}
