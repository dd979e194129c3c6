//! JSON Schemas in few words.

use serde_json::{Map, Value, json};

use crate::api::operations::Columns;
use crate::api::record::{Holds, Kind};

/// An object with these properties; those whose name ends in `!` are always there.
pub(super) fn object<const N: usize>(properties: [(&str, Value); N]) -> Value {
    let mut required = Vec::new();
    let mut own = Map::new();
    for (name, schema) in properties {
        let bare = name.trim_end_matches('!');
        if bare != name {
            required.push(Value::from(bare));
        }
        own.insert(bare.into(), schema);
    }
    let mut schema = Map::from_iter([
        ("type".into(), "object".into()),
        ("properties".into(), own.into()),
    ]);
    if !required.is_empty() {
        schema.insert("required".into(), required.into());
    }
    schema.into()
}

/// The same with nothing else in it.
pub(super) fn closed<const N: usize>(properties: [(&str, Value); N]) -> Value {
    let mut schema = object(properties);
    schema["additionalProperties"] = false.into();
    schema
}

/// Any text.
pub(super) fn text() -> Value {
    json!({ "type": "string" })
}

/// A text of 1 to so many characters.
pub(super) fn needed(longest: usize) -> Value {
    json!({ "type": "string", "minLength": 1, "maxLength": longest })
}

/// A text of at most so many characters, or null.
pub(super) fn up_to(longest: usize) -> Value {
    json!({ "type": ["string", "null"], "maxLength": longest })
}

/// A text of one line, blanks around it apart.
const LINE: &str = "^[ \\t\\r\\n]*[^\\u0000-\\u001F\\u007F-\\u009F]*[ \\t\\r\\n]*$";

/// A text of one line that begins with no blank.
const NAME: &str = "^[^\\s\\u0000-\\u001F\\u007F-\\u009F][^\\u0000-\\u001F\\u007F-\\u009F]*$";

/// A text of one line and at most so many characters, or null.
pub(super) fn line(longest: usize) -> Value {
    json!({ "type": ["string", "null"], "maxLength": longest, "pattern": LINE })
}

/// A text of one line and 1 to so many characters.
pub(super) fn name(longest: usize) -> Value {
    json!({ "type": "string", "minLength": 1, "maxLength": longest, "pattern": NAME })
}

/// A certificate by its thumbprint: 40 hexadecimal digits, with colons and blanks between them or without; or Base64.
pub(super) fn thumbprint() -> Value {
    json!({
        "type": "string",
        "maxLength": 128,
        "pattern": "^(([0-9A-Fa-f][: ]?){40}|[A-Za-z0-9+/]{26}[AEIMQUYcgkosw048]=)$",
    })
}

/// The same, where an empty text or null is none.
pub(super) fn any_thumbprint() -> Value {
    json!({ "anyOf": [thumbprint(), { "enum": ["", null] }] })
}

/// True, false or null, which is false.
pub(super) fn truth() -> Value {
    json!({ "type": ["boolean", "null"] })
}

/// One of these words.
pub(super) fn word(words: &[&str]) -> Value {
    json!({ "type": "string", "enum": words })
}

/// A list.
pub(super) fn list(of: &Value) -> Value {
    json!({ "type": "array", "items": of })
}

/// The same or null.
pub(super) fn or_null(mut schema: Value) -> Value {
    let kind = schema["type"].take();
    schema["type"] = json!([kind, "null"]);
    schema
}

/// A whole number from 0.
pub(super) fn count() -> Value {
    json!({ "type": "integer", "minimum": 0 })
}

/// A time as the node writes it.
pub(super) fn time() -> Value {
    json!({ "type": "string", "format": "date-time" })
}

/// A time as requests tell it: the most common form of those that the node reads.
pub(super) fn instant() -> Value {
    json!({
        "type": "string",
        "pattern": "^[12][0-9]{3}-(0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]Z?$",
        "description": "ISO 8601; offsets and fractions of a second are understood too, and a time without a zone is UTC.",
    })
}

/// A taxpayer's number: 10 or 12 digits, the last ones being check digits; it may begin with 0.
pub(super) fn itn() -> Value {
    json!({
        "anyOf": [
            { "type": "string", "pattern": "^([0-9]{10}|[0-9]{12})$", "format": "itn" },
            { "type": "integer", "minimum": 1_000_000_000_u64, "maximum": 9_999_999_999_u64 },
            { "type": "integer", "minimum": 100_000_000_000_u64, "maximum": 999_999_999_999_u64 },
        ],
        "description": "10 or 12 digits with their check digits.",
    })
}

/// The reason for a registration at a tax office, or null: 9 characters, of which a number loses a 0 at the beginning.
pub(super) fn iec() -> Value {
    json!({
        "anyOf": [
            { "type": "string", "pattern": "^[0-9]{4}[0-9A-Z]{2}[0-9]{3}$" },
            { "type": "integer", "minimum": 10_000_000, "maximum": 999_999_999 },
            { "type": "null" },
        ],
    })
}

/// What a field holds.
fn value(holds: Holds) -> Value {
    let schema = match holds.kind {
        Kind::Bool => json!({ "type": "boolean" }),
        Kind::Number => json!({ "type": "integer" }),
        Kind::Text => text(),
        Kind::Id => json!({ "type": "string", "pattern": "^[0-9A-F]{32}$" }),
        Kind::Time => time(),
        Kind::Itn => json!({ "type": ["integer", "string"] }),
        Kind::Word => word(&["True", "False"]),
    };
    match (holds.or_null, &schema["type"]) {
        (false, _) => schema,
        (true, Value::Array(kinds)) => {
            let mut kinds = kinds.clone();
            kinds.push("null".into());
            let mut schema = schema;
            schema["type"] = kinds.into();
            schema
        }
        (true, _) => or_null(schema),
    }
}

/// An object of a kind. None of its fields is said to be always there, for `_fields` leaves some out.
pub(super) fn record(columns: Columns) -> Value {
    let fields = columns.names.iter().zip(columns.hold);
    let properties: Map<String, Value> = fields
        .map(|(name, holds)| ((*name).into(), value(*holds)))
        .collect();
    json!({ "type": "object", "properties": properties, "additionalProperties": false })
}
