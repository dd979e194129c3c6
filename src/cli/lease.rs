//! What sessions and connections have in common here: an ID that the API knows, and a time when they end.

use serde_json::Value;

use crate::store::Id;

use super::failure::Failure;
use super::table::Cell;

/// Where the API has one of `noun`, such as "session".
pub(super) fn path(noun: &str, id: &str) -> Result<String, Failure> {
    let unknown = |_| Failure::NotFound(format!("{id}: no {noun} has such an ID (keynode {noun}s list)"));
    Ok(format!("/api/{noun}s/{}", Id::parse(id).map_err(unknown)?))
}

/// When it ends.
pub(super) fn until(row: &Value) -> Cell {
    if row["Expired"] == "True" {
        Cell::new("expired").judged(false)
    } else {
        second(&row["ExpireTime"])
    }
}

/// A time to the second: nobody reads more of it.
pub(super) fn second(time: &Value) -> Cell {
    let text: String = time.as_str().unwrap_or_default().chars().take(19).collect();
    Cell::new(&text.replace('T', " "))
}
