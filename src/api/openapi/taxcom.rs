//! Bodies of 1C-Taxcom.

use serde_json::{Value, json};

use super::schema::{itn, list, object, or_null, text, time, up_to, word};
use super::services::outcome;
use crate::gateway::Action;

pub(in crate::api) fn configuration() -> Value {
    // Blanks around it are left out.
    json!({ "type": "string", "maxLength": 128, "pattern": "^\\s*[^\\u0000-\\u001F\\u007F-\\u009F]*\\s*$" })
}

/// The organisation or the certificate: one of the two.
pub(in crate::api) fn parties() -> Value {
    let itn = json!({ "anyOf": [itn(), { "enum": ["", null] }] });
    let mut schema = object([("ITN", itn), ("Certificate", up_to(128))]);
    schema["anyOf"] = json!([{ "required": ["ITN"] }, { "required": ["Certificate"] }]);
    schema
}

pub(in crate::api) fn order() -> Value {
    let mut schema = parties();
    let callback = json!({ "type": ["boolean", "string", "null"], "maxLength": 1000 });
    schema["properties"]["Kind"] = word(&["SubscriberID", "AddCertificate"]);
    schema["properties"]["SubscriberID"] = up_to(64);
    schema["properties"]["Configuration"] = up_to(128);
    schema["properties"]["OnStatus"] = callback.clone();
    schema["properties"]["OnCreate"] = callback;
    schema["required"] = json!(["Kind"]);
    schema
}

pub(in crate::api) fn action() -> Value {
    object([
        ("Action!", word(&Action::ALL.map(Action::word))),
        (
            "RequestData",
            json!({ "type": ["object", "null"], "additionalProperties": { "type": ["string", "number", "null"] } }),
        ),
    ])
}

/// A process; only how it ended where it was not even begun.
pub(in crate::api) fn process() -> Value {
    outcome([
        ("ID", text()),
        ("Kind", text()),
        ("ITN", text()),
        ("Certificate", text()),
        ("Configuration", text()),
        ("Created", time()),
        ("Stage", text()),
        ("RequestStatus", text()),
        ("RequestNumber", text()),
        ("RequestDate", text()),
        ("RequestErrorCode", text()),
        ("ErrorDescription", text()),
        ("Message", text()),
        (
            "RequestData",
            json!({ "type": "object", "additionalProperties": text() }),
        ),
        ("SubscriberID", text()),
        ("Registered", json!({ "type": "boolean" })),
        ("AllowedActions", list(&text())),
        ("NextAttempt", or_null(time())),
    ])
}

pub(in crate::api) fn cabinet() -> Value {
    outcome([
        ("Url!", text()),
        (
            "Fields!",
            json!({ "type": "object", "additionalProperties": text() }),
        ),
    ])
}

pub(in crate::api) fn registered() -> Value {
    let boolean = || json!({ "type": "boolean" });
    outcome([("Registered!", boolean()), ("ServiceError!", boolean())])
}
