//! Bodies of what concerns the node, seats and certificates.

use serde_json::{Value, json};

use super::schema::{
    closed, count, iec, instant, itn, list, needed, object, or_null, text, time, truth, up_to,
};
use crate::api::body::LARGEST;
use crate::licence::MAX_KEY_NO;

pub(in crate::api) fn root() -> Value {
    closed([("Version!", text()), ("Urns!", list(&text()))])
}

pub(in crate::api) fn period() -> Value {
    json!({ "type": "string", "enum": ["day", "week", "year"] })
}

pub(in crate::api) fn any_object() -> Value {
    json!({ "type": "object" })
}

pub(in crate::api) fn public_key() -> Value {
    let key = closed([
        ("PublicKey!", text()),
        ("Bits!", json!({ "type": ["integer", "null"] })),
        ("Provider!", text()),
        ("State!", text()),
        ("Usable!", json!({ "type": "boolean" })),
        ("Since!", or_null(time())),
        ("Retired!", or_null(time())),
    ]);
    closed([
        ("PublicKey!", text()),
        ("Algorithm!", text()),
        ("Bits!", count()),
        ("Keys!", list(&key)),
    ])
}

pub(in crate::api) fn rescanned() -> Value {
    closed([("Devices!", count()), ("Licences!", count()), ("Scans!", count())])
}

pub(in crate::api) fn activation() -> Value {
    let code = json!({
        "type": "string",
        "pattern": "^[0-9A-Za-z]{4}(-?[0-9A-Za-z]{4}){4}$",
    });
    object([
        ("ActivationCodeString!", code),
        ("ITN!", itn()),
        ("IEC", iec()),
        (
            "BlankKeyNo",
            json!({ "type": ["integer", "null"], "minimum": 1, "maximum": MAX_KEY_NO }),
        ),
    ])
}

/// A part of a session's identity.
pub(in crate::api) fn identity() -> Value {
    needed(128)
}

pub(in crate::api) fn session() -> Value {
    let id = json!({
        "type": ["string", "null"],
        "pattern": "^[0-9A-Fa-f]{32}$",
        "description": "As GET /api/connections has it; the form of a UUID, with dashes, is understood too.",
    });
    object([
        ("KeyID!", identity()),
        ("ClientSessionID!", identity()),
        ("AppName", up_to(1024)),
        ("UserName", up_to(1024)),
        ("ComputerName", up_to(1024)),
        ("SessionStarted", or_null(instant())),
        ("SessionNumber", up_to(1024)),
        ("InfoBaseConnectionStr", up_to(4096)),
        ("IsServer", truth()),
        ("AccessCode", up_to(128)),
        ("SessionConnection", id),
    ])
}

pub(in crate::api) fn connection() -> Value {
    object([
        ("OSVersion", up_to(1024)),
        ("ComputerName", up_to(1024)),
        ("LocalIP", up_to(1024)),
        ("Process", up_to(1024)),
        ("CPU", up_to(1024)),
        ("PID", up_to(1024)),
        ("IsServer", truth()),
        ("PlatformVersion", up_to(1024)),
        ("ModuleName", up_to(1024)),
        ("Version", up_to(1024)),
        ("KeyID", up_to(1024)),
    ])
}

fn base64() -> Value {
    json!({ "type": "string", "format": "byte", "maxLength": LARGEST })
}

pub(in crate::api) fn to_sign() -> Value {
    object([
        ("Data!", base64()),
        ("Type", json!({ "enum": ["CAdES-BES", "CMS", null] })),
        ("Detached", truth()),
        ("Chain", truth()),
    ])
}

pub(in crate::api) fn signature() -> Value {
    closed([("Signature!", base64())])
}

pub(in crate::api) fn to_decrypt() -> Value {
    object([("Data!", base64())])
}

pub(in crate::api) fn decrypted() -> Value {
    closed([("Data!", base64())])
}

pub(in crate::api) fn error() -> Value {
    closed([
        ("Code!", count()),
        ("Text!", text()),
        ("Message!", text()),
        ("Exception!", text()),
    ])
}

/// Statuses in words, for the document.
pub(super) fn refusal(status: u16) -> &'static str {
    match status {
        400 => "The request is malformed; Message names the field or parameter.",
        401 => "No user, or a wrong password.",
        403 => "The role may not, no seat is free, or too many logins failed.",
        404 => "There is no such thing.",
        409 => "It is in a state in which this cannot be done.",
        500 => "The node could not; its log says more. Where it could not sign, the answer has no signature.",
        503 => "The API or the service is switched off, or what it needs cannot be reached.",
        _ => "An error.",
    }
}
