//! Bodies of the operators' services but those of 1C-Taxcom. Where an outcome is told, `ErrorCode` is empty where all went well.

use serde_json::{Value, json};

use super::schema::{
    any_thumbprint, closed, count, instant, itn, line, list, name, needed, object, or_null, text, thumbprint,
    time, truth, up_to, word,
};
use crate::api::body::LARGEST;
use crate::gateway::TokenType;

/// The fields by which an outcome is told, and these before them.
pub(super) fn outcome<const N: usize>(properties: [(&str, Value); N]) -> Value {
    let mut schema = object(properties);
    for name in ["ErrorCode", "ErrorMessage", "ErrorInfo", "Detail"] {
        schema["properties"][name] = text();
        if schema["required"].is_null() {
            schema["required"] = json!([]);
        }
        if let Value::Array(required) = &mut schema["required"] {
            required.push(name.into());
        }
    }
    schema
}

fn boolean() -> Value {
    json!({ "type": "boolean" })
}

pub(in crate::api) fn open_object() -> Value {
    json!({ "type": "object" })
}

pub(in crate::api) fn itn_text() -> Value {
    json!({ "type": "string", "pattern": "^([0-9]{10}|[0-9]{12})$", "format": "itn" })
}

/// By the seed's word or the English one.
pub(in crate::api) fn token_type() -> Value {
    let words = TokenType::ALL.map(TokenType::word);
    word(&[["ISMP", "SUZ", "Retail"], words].concat())
}

pub(in crate::api) fn facility() -> Value {
    json!({ "type": "string", "maxLength": 256 })
}

pub(in crate::api) fn word_of_truth() -> Value {
    word(&["true", "false", "1", "0"])
}

pub(in crate::api) fn source() -> Value {
    word(&["Node", "Operator"])
}

/// What a list is searched for: who seeks what cannot be there finds nothing.
pub(in crate::api) fn sought() -> Value {
    text()
}

pub(in crate::api) fn named() -> Value {
    needed(256)
}

/// A UUID; an empty text or null is none.
fn uuid() -> Value {
    json!({ "anyOf": [{ "type": "string", "format": "uuid" }, { "enum": ["", null] }] })
}

fn organization_fields() -> [(&'static str, Value); 8] {
    let facility = closed([("Name!", name(256)), ("OmsConnection", uuid())]);
    [
        ("Name", line(256)),
        ("Certificate", any_thumbprint()),
        (
            "PowerOfAttorneyITN",
            json!({ "anyOf": [itn(), { "type": "null" }] }),
        ),
        ("OmsId", uuid()),
        ("OmsConnection", uuid()),
        ("Facilities", list(&facility)),
        ("SubscriberID", line(64)),
        (
            "RegistrationData",
            json!({ "type": "object", "additionalProperties": { "type": ["string", "number", "null"] } }),
        ),
    ]
}

pub(in crate::api) fn organization_wanted() -> Value {
    let mut schema = closed(organization_fields());
    schema["properties"]["ITN"] = itn();
    schema["properties"]["Signer"] = json!({ "description": "As it was told; ignored." });
    schema
}

pub(in crate::api) fn organization() -> Value {
    let signer = closed([
        ("Thumbprint!", or_null(text())),
        ("Usable!", boolean()),
        ("Reason!", or_null(text())),
    ]);
    let mut schema = object(organization_fields());
    schema["properties"]["ITN"] = text();
    schema["properties"]["Signer"] = signer;
    schema["required"] = json!(["ITN", "Signer"]);
    schema
}

pub(in crate::api) fn account() -> Value {
    closed([
        ("Login!", name(256)),
        ("Password!", needed(1024)),
        ("DataArea", or_null(count())),
        ("Domain", domain()),
    ])
}

fn domain() -> Value {
    json!({ "enum": [0, 1, null], "description": "0: login.1c.ru, 1: login.1c.eu." })
}

pub(in crate::api) fn account_kept() -> Value {
    outcome([
        ("Login!", text()),
        ("DataArea!", or_null(count())),
        ("Kept!", boolean()),
        ("Checked!", boolean()),
    ])
}

pub(in crate::api) fn ticket_wanted() -> Value {
    object([
        ("TicketOwner!", owner()),
        (
            "DataArea",
            json!({ "type": ["integer", "string", "null"], "minimum": 0, "pattern": "^[0-9]{1,9}$" }),
        ),
        ("Domain", domain()),
    ])
}

fn owner() -> Value {
    json!({ "type": "string", "minLength": 1, "maxLength": 1024, "pattern": "[^\\s]" })
}

pub(in crate::api) fn ticket() -> Value {
    outcome([("Ticket!", text())])
}

pub(in crate::api) fn ticket_shown() -> Value {
    object([
        ("Ticket!", needed(8 * 1024)),
        ("TicketOwner!", owner()),
        ("Domain", domain()),
    ])
}

pub(in crate::api) fn ticket_checked() -> Value {
    outcome([("Valid!", boolean()), ("Login!", text())])
}

pub(in crate::api) fn parameter() -> Value {
    closed([
        ("Name!", text()),
        ("Value!", json!({ "type": ["object", "array"] })),
    ])
}

pub(in crate::api) fn session_key() -> Value {
    closed([("Token!", text()), ("ValidUntil!", time())])
}

/// What a session key is wanted for.
fn place() -> Value {
    object([
        ("TokenType", token_type()),
        ("ITN!", itn()),
        ("ProductionFacility", up_to(256)),
    ])
}

pub(in crate::api) fn session_keys_wanted() -> Value {
    let several = json!({ "type": "array", "items": place(), "minItems": 1, "maxItems": 100 });
    json!({
        "anyOf": [
            place(),
            object([("RequestParameters!", json!({ "anyOf": [place(), several] }))]),
        ],
    })
}

pub(in crate::api) fn by_product() -> Value {
    let scan = object([
        ("Operation", up_to(256)),
        ("KKTCheckRequired", truth()),
        ("ITN!", itn()),
        ("ProductionFacility", up_to(256)),
    ]);
    object([("ScanParameters!", scan), ("ProductKind", up_to(256))])
}

pub(in crate::api) fn had() -> Value {
    outcome([
        (
            "Results!",
            json!({ "type": "object", "additionalProperties": { "type": ["boolean", "string"] } }),
        ),
        ("ValidUntil!", or_null(time())),
        ("TokenType", text()),
    ])
}

pub(in crate::api) fn rule() -> Value {
    closed([
        ("ID!", text()),
        ("TokenType!", text()),
        ("ITN!", text()),
        ("ProductionFacility!", text()),
        ("NotifyBefore!", count()),
    ])
}

pub(in crate::api) fn rules() -> Value {
    closed([("Responsible!", list(&rule()))])
}

pub(in crate::api) fn rule_wanted() -> Value {
    let mut schema = place();
    schema["properties"]["NotifyBefore"] =
        json!({ "type": ["integer", "null"], "minimum": 0, "maximum": 86_400 });
    schema
}

pub(in crate::api) fn rule_gone() -> Value {
    closed([("ID!", text())])
}

pub(in crate::api) fn initialized() -> Value {
    closed([("Enabled!", boolean()), ("NextSettingsRefresh!", open())])
}

/// A value of any type.
fn open() -> Value {
    json!({})
}

pub(in crate::api) fn refresh() -> Value {
    object([("ForView", truth())])
}

pub(in crate::api) fn refreshed() -> Value {
    closed([
        ("Settings!", list(&open_object())),
        ("NextSettingsRefresh!", open()),
    ])
}

pub(in crate::api) fn reminders() -> Value {
    closed([
        ("Reminders!", list(&open_object())),
        ("Required!", boolean()),
        ("NextCheck!", open()),
    ])
}

pub(in crate::api) fn snooze() -> Value {
    object([("Until!", instant())])
}

pub(in crate::api) fn snoozed() -> Value {
    closed([("Until!", time())])
}

pub(in crate::api) fn tokens() -> Value {
    closed([("Tokens!", list(&open_object()))])
}

pub(in crate::api) fn renewals_wanted() -> Value {
    let mut row = place();
    row["properties"]["ValidUntil"] = or_null(instant());
    object([(
        "Rows",
        json!({ "type": ["array", "null"], "items": row, "maxItems": 100 }),
    )])
}

pub(in crate::api) fn renewals() -> Value {
    outcome([("Results!", list(&open_object()))])
}

pub(in crate::api) fn parameter_names() -> Value {
    closed([("Settings!", text()), ("Reminders!", text())])
}

pub(in crate::api) fn crpt_connections() -> Value {
    object([("Connections!", list(&open_object())), ("Total", count())])
}

/// Names and texts of an address or of headers.
fn pairs() -> Value {
    json!({
        "type": ["object", "null"],
        "maxProperties": 50,
        "propertyNames": { "pattern": "^[!-~]{1,256}$" },
        "additionalProperties": { "type": ["string", "number", "boolean"] },
    })
}

/// The operator's JSON, or an address in its place.
pub(in crate::api) fn crpt_order() -> Value {
    let body = json!({ "type": "string", "minLength": 2, "maxLength": LARGEST, "format": "json-object" });
    let (mut long, mut short) = (crpt_fields(), crpt_fields());
    long["properties"]["RequestJSON"] = body;
    long["required"] = json!(["RequestJSON"]);
    short["properties"]["RequestJSON"] = json!({ "type": "null" });
    short["properties"]["Address"] = needed(1024);
    short["required"] = json!(["Address"]);
    json!({ "anyOf": [long, short] })
}

fn crpt_fields() -> Value {
    object([
        ("OmsId", up_to(256)),
        ("ITN", json!({ "anyOf": [itn(), { "type": "null" }] })),
        (
            "Certificate",
            json!({ "anyOf": [thumbprint(), { "type": "null" }] }),
        ),
        ("Address", up_to(1024)),
        ("Name", up_to(256)),
        ("URLParameters", pairs()),
        ("Headers", pairs()),
        (
            "Library",
            json!({ "type": ["object", "null"], "properties": { "ID": up_to(256), "Version": up_to(256) } }),
        ),
        ("ProgramNick", up_to(256)),
        ("Route", json!({ "enum": ["Gateway", "Direct", "", null] })),
        ("Repeat", truth()),
        ("DataArea", json!({ "type": ["integer", "null"] })),
    ])
}

pub(in crate::api) fn crpt_answer() -> Value {
    outcome([("ResponseData!", open()), ("ResponseHeaders!", open())])
}

pub(in crate::api) fn crpt_gone() -> Value {
    outcome([("OmsConnection!", text())])
}
