//! What is printed as JSON or for people: objects in a table, or one with all its fields, a line each.

use std::io::Write;

use serde_json::Value;

use super::failure::Failure;
use super::table::{Cell, Table};

/// Prints the fields of an object, or the object as JSON.
pub(super) fn print(object: &Value, as_json: bool, out: &mut impl Write) -> Result<(), Failure> {
    if as_json {
        writeln!(out, "{object}")?;
        return Ok(());
    }
    let fields = object.as_object();
    let width = fields
        .into_iter()
        .flatten()
        .map(|(name, _)| name.chars().count())
        .max();
    let width = width.unwrap_or(0);
    for (name, value) in fields.into_iter().flatten() {
        writeln!(out, "{name:<width$}  {}", Cell::of(value).text())?;
    }
    Ok(())
}

/// Prints rows as JSON, or in a table.
pub(super) fn list(
    rows: Vec<Value>,
    as_json: bool,
    table: impl FnOnce(&[Value]) -> Table,
    out: &mut impl Write,
) -> Result<(), Failure> {
    if as_json {
        writeln!(out, "{}", Value::from(rows))?;
    } else {
        table(&rows).print(out)?;
    }
    Ok(())
}
