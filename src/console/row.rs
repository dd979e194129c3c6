//! Fields of the API's objects, whatever they turn out to be, and whoever wrote what is in them.

use serde_json::Value;

/// Reads fields of a JSON object.
pub(super) trait Row {
    /// A text (see [`plain`]), a number or a truth as text; "" for null and for what is not there.
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
            Some(Value::String(text)) => plain(text),
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

/// What clients, devices and certificates say of themselves, without what would hide it or turn the text around.
pub(super) fn plain(text: &str) -> String {
    let shown = text.chars();
    shown
        .map(|c| if c.is_control() || turns(c) { ' ' } else { c })
        .collect()
}

/// Whether a character changes the direction of the text after it.
fn turns(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}' | '\u{61c}')
}
