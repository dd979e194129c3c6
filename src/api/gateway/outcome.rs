//! Outcomes of the seeds' functions: 200 with the seed's own words, which a 1C program copies one to one.

use serde_json::{Map, Value};

use crate::gateway::Trouble;

use crate::api::query::Query;
use crate::api::reply::Reply;

/// The fields that say how it ended: none of it is null, for 1C compares strings.
pub(super) fn ended(fields: &mut Map<String, Value>, trouble: Option<&Trouble>) {
    let text = |text: &str| Value::from(text);
    let word = trouble.map_or("", |trouble| trouble.code.word());
    let detail = trouble.and_then(|trouble| trouble.detail);
    fields.insert("ErrorCode".into(), text(word));
    fields.insert(
        "ErrorMessage".into(),
        text(trouble.map_or("", |trouble| &trouble.message)),
    );
    fields.insert(
        "ErrorInfo".into(),
        text(trouble.map_or("", |trouble| &trouble.info)),
    );
    fields.insert(
        "Detail".into(),
        text(detail.map_or("", crate::gateway::Detail::word)),
    );
}

/// An answer of these fields that ended well, or with this trouble.
pub(super) fn outcome(mut fields: Map<String, Value>, trouble: Option<&Trouble>, query: &Query) -> Reply {
    ended(&mut fields, trouble);
    Reply::json(Value::Object(fields).to_string().into_bytes(), query)
}
