//! All that an object of the API says of itself, one line per field.

use askama::Template;
use serde_json::Value;

use super::markup::Markup;
use super::row::plain;
use super::words::Words;

/// A value that a page shows.
pub(super) enum Fact {
    /// As it is.
    Text(String),
    /// A time.
    Time(Markup),
}

/// A name and what it stands for.
pub(super) type Facts = Vec<(String, Fact)>;

#[derive(Template)]
#[template(path = "facts.html")]
struct List<'a> {
    facts: &'a [(String, Fact)],
}

/// A list of them; nothing where there are none.
pub(super) fn list(facts: &[(String, Fact)]) -> Markup {
    if facts.is_empty() {
        Markup::default()
    } else {
        Markup::of(&List { facts })
    }
}

/// The fields of an object that say something, under the words `section.FIELD`, or under their own names.
pub(super) fn all(w: Words, row: &Value, section: &str, hidden: &[&str]) -> Facts {
    let fields = row.as_object().into_iter().flatten();
    let shown = fields.filter(|(name, _)| !hidden.contains(&name.as_str()));
    shown
        .filter_map(|(name, value)| fact(w, section, name, value))
        .collect()
}

/// These fields of an object, as far as they say something.
pub(super) fn some(w: Words, row: &Value, section: &str, fields: &[&str]) -> Facts {
    let told = fields
        .iter()
        .filter_map(|name| fact(w, section, name, row.get(*name)?));
    told.collect()
}

fn fact(w: Words, section: &str, name: &str, value: &Value) -> Option<(String, Fact)> {
    let text = match value {
        Value::String(text) => plain(text),
        other => other.to_string(),
    };
    let fact = match value {
        Value::Null => return None,
        Value::String(text) if text.is_empty() => return None,
        Value::Bool(truth) => Fact::Text(w.truth(*truth).to_owned()),
        Value::String(word) if word == "True" || word == "False" => {
            Fact::Text(w.truth(word == "True").to_owned())
        }
        Value::String(text) if is_time(text) => Fact::Time(w.time(text)),
        _ => Fact::Text(text),
    };
    Some((w.or_same(section, name).to_owned(), fact))
}

/// A time in the API's form: `2026-11-22T14:46:00.000Z`.
fn is_time(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.len() == 24
        && bytes[10] == b'T'
        && bytes[23] == b'Z'
        && bytes[..4].iter().all(u8::is_ascii_digit)
        && bytes[4] == b'-'
}
