//! What webhooks tell: the message and its fields, named as in the API.

use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::keyring::{Ending, Key};
use crate::licence::{KeyId, Timestamp};

/// Why a key is lost of which only the memory is left.
const VANISHED: &str = "the key has not been found since the node started";

/// What a message is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A key that gave seats gives none.
    KeyLost,
    /// A key that gave none gives some.
    KeyBack,
    /// Somebody got no seat, for all are taken.
    NoFreeSeat,
    /// The period of a licence ends soon.
    DaysLeft,
    /// A job of the operators' services failed.
    GatewayFailure,
}

impl Kind {
    const ALL: [Self; 5] = [
        Self::KeyLost,
        Self::KeyBack,
        Self::NoFreeSeat,
        Self::DaysLeft,
        Self::GatewayFailure,
    ];

    /// As settings and messages name it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::KeyLost => "key-lost",
            Self::KeyBack => "key-back",
            Self::NoFreeSeat => "no-free-seat",
            Self::DaysLeft => "days-left",
            Self::GatewayFailure => "gateway-failure",
        }
    }

    /// The one of this name.
    pub(super) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// Something that webhooks are to tell.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Alert {
    pub(super) kind: Kind,
    fields: Value,
}

impl Alert {
    fn of_key(kind: Kind, key: &Key) -> Self {
        let seats = key.licence.as_ref().map(|licence| licence.licence_count);
        let fields = json!({
            "KeyNo": key.key_no,
            "KeyID": key.key_id.map(|id| id.to_string()),
            "FileName": key.file_name,
            "LicenceCount": seats,
            "Cause": key.verdict.cause,
        });
        Self { kind, fields }
    }

    /// A key gives no seats any more.
    pub(super) fn lost(key: &Key) -> Self {
        Self::of_key(Kind::KeyLost, key)
    }

    /// A key that gave seats before the node started did not come back since. Also what is remembered of a key that gives
    /// seats: after a restart nothing else may be known of it.
    pub(super) fn vanished(key: &Key) -> Self {
        let mut alert = Self::of_key(Kind::KeyLost, key);
        alert.fields["Cause"] = VANISHED.into();
        alert
    }

    /// The fields, for [`Alert::remembered`].
    pub(super) fn fields(&self) -> String {
        self.fields.to_string()
    }

    /// A lost key of these fields.
    pub(super) fn remembered(fields: &str) -> Self {
        Self {
            kind: Kind::KeyLost,
            fields: serde_json::from_str(fields).unwrap_or_default(),
        }
    }

    /// A key gives seats again.
    pub(super) fn back(key: &Key) -> Self {
        Self::of_key(Kind::KeyBack, key)
    }

    /// All seats of a series are taken.
    pub(super) fn full(key_id: KeyId, client: &str) -> Self {
        Self {
            kind: Kind::NoFreeSeat,
            fields: json!({ "KeyID": key_id.to_string(), "ClientSessionID": client }),
        }
    }

    /// A licence ends soon.
    pub(super) fn ending(one: &Ending) -> Self {
        let fields = json!({
            "KeyNo": one.key_no,
            "KeyID": one.key_id.to_string(),
            "DaysLeft": one.days_left,
            "ExpireDate": one.end,
        });
        Self {
            kind: Kind::DaysLeft,
            fields,
        }
    }

    /// A job of the services failed: the audit row about it.
    pub(super) fn failure(event: &str, object: &str, detail: &str) -> Self {
        Self {
            kind: Kind::GatewayFailure,
            fields: json!({ "What": event, "Object": object, "Detail": detail }),
        }
    }

    /// The message of this node, with a name of its own for each webhook that it goes to.
    pub(super) fn message(&self, node: &str, time: Timestamp) -> String {
        message(self.kind.name(), node, time, &self.fields)
    }
}

/// The message that tries a webhook out.
pub(super) fn trial(node: &str, time: Timestamp) -> String {
    message("test", node, time, &json!({}))
}

fn message(event: &str, node: &str, time: Timestamp, fields: &Value) -> String {
    let mut message = Map::from_iter([
        ("Event".into(), event.into()),
        ("Delivery".into(), Uuid::new_v4().to_string().into()),
        ("Time".into(), time.to_string().into()),
        ("Node".into(), node.into()),
    ]);
    if let Value::Object(own) = fields {
        message.extend(own.clone());
    }
    Value::Object(message).to_string()
}
