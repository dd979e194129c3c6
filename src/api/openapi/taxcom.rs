//! Bodies of 1C-Taxcom.

use serde_json::{Value, json};

use super::schema::{any_thumbprint, itn, line, list, name, object, or_null, text, thumbprint, time, word};
use super::services::outcome;
use crate::gateway::Action;

pub(in crate::api) fn configuration() -> Value {
    // Blanks around it are left out.
    json!({ "type": "string", "maxLength": 128, "pattern": "^\\s*[^\\u0000-\\u001F\\u007F-\\u009F]*\\s*$" })
}

/// The organisation or the certificate: one of the two, or both.
fn either() -> [Value; 2] {
    let any_itn = json!({ "anyOf": [itn(), { "enum": ["", null] }] });
    [
        object([("ITN!", itn()), ("Certificate", any_thumbprint())]),
        object([("ITN", any_itn), ("Certificate!", thumbprint())]),
    ]
}

pub(in crate::api) fn parties() -> Value {
    json!({ "anyOf": either() })
}

/// A subscriber's number is asked for, or told where a certificate is added to it.
pub(in crate::api) fn order() -> Value {
    let callback = json!({ "type": ["boolean", "string", "null"], "maxLength": 1000 });
    let kinds = [
        ("SubscriberID", json!({ "enum": ["", null] })),
        ("AddCertificate", name(64)),
    ];
    let of_kind = |(kind, number): &(&str, Value)| {
        let told = number["type"] == "string";
        either().map(|mut schema| {
            let properties = &mut schema["properties"];
            properties["Kind"] = json!({ "const": kind });
            properties["SubscriberID"] = number.clone();
            properties["Configuration"] = line(128);
            properties["OnStatus"] = callback.clone();
            properties["OnCreate"] = callback.clone();
            if let Value::Array(required) = &mut schema["required"] {
                required.push("Kind".into());
                required.extend(told.then(|| "SubscriberID".into()));
            }
            schema
        })
    };
    json!({ "anyOf": kinds.iter().flat_map(of_kind).collect::<Vec<_>>() })
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
