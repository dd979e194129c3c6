//! Fields of the API's objects, whatever they turn out to be.

use serde_json::Value;

/// Reads fields of a JSON object.
pub(super) trait Row {
    /// A text, a number or a truth as text; "" for null and for what is not there.
    fn text(&self, field: &str) -> String;

    /// A number; 0 for everything else.
    fn number(&self, field: &str) -> i64;

    /// True or "True".
    fn truth(&self, field: &str) -> bool;
}

impl Row for Value {
    fn text(&self, field: &str) -> String {
        match self.get(field) {
            None | Some(Value::Null) => String::new(),
            Some(Value::String(text)) => text.clone(),
            Some(other) => other.to_string(),
        }
    }

    fn number(&self, field: &str) -> i64 {
        self.get(field).and_then(Self::as_i64).unwrap_or_default()
    }

    fn truth(&self, field: &str) -> bool {
        match self.get(field) {
            Some(Self::Bool(truth)) => *truth,
            Some(Self::String(text)) => text == "True",
            _ => false,
        }
    }
}
