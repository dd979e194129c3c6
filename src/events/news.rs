//! The kinds of things that happen, each with what a listener wants to know of it. No secret is ever part of one.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::licence::{KeyId, KeyNo};
use crate::store::Session;

use super::feed::Topic;

/// What became of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SessionNews {
    /// It was given a seat.
    Granted,
    /// It gave its seat back.
    Released,
    /// Its life or its key's grace ran out.
    Ended,
    /// It has a seat of another key now.
    Moved,
}

impl SessionNews {
    /// As events name it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Granted => "granted",
            Self::Released => "released",
            Self::Ended => "ended",
            Self::Moved => "moved",
        }
    }
}

/// What became of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyNews {
    /// It was not listed before.
    Came,
    /// It is listed no more.
    Went,
}

impl KeyNews {
    /// As events name it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Came => "came",
            Self::Went => "went",
        }
    }
}

/// Something that happened.
#[derive(Clone, Debug)]
pub enum News {
    /// A key came or went.
    Key {
        /// What became of it.
        what: KeyNews,
        /// Serial number.
        key_no: KeyNo,
        /// Series, where it is known.
        key_id: Option<KeyId>,
        /// The file's full path, or the device's stable name.
        file_name: String,
    },
    /// A key gives seats now and did not, or the other way round, or for another reason.
    Verdict {
        /// Serial number.
        key_no: KeyNo,
        /// Series, where it is known.
        key_id: Option<KeyId>,
        /// The file's full path, or the device's stable name.
        file_name: String,
        /// Why it gives no seats now; `None` where it gives some.
        cause: Option<String>,
    },
    /// A session got, changed or lost its seat. Told once that is durable.
    Session {
        /// What became of it.
        what: SessionNews,
        /// The session as it is now.
        session: Arc<Session>,
    },
    /// A device was plugged in or pulled, or can be used now and could not, or the other way round.
    Device {
        /// `plugged`, `unplugged` or `changed`.
        what: &'static str,
        /// The device as the API shows it, in JSON. As a tree it would be several times as large, and a thousand events are kept.
        device: Box<str>,
    },
    /// Somebody wanted a seat and got none.
    Refusal {
        /// Series.
        key_id: KeyId,
        /// The API's word for the reason.
        reason: &'static str,
        /// The client's name for the session.
        client: Box<str>,
    },
    /// Something of the operators' services: the row of the audit log about it.
    Gateway {
        /// Event of the row: `ticket`, `session-key-failure`, …
        event: String,
        /// To what.
        object: String,
        /// The rest, in words.
        detail: String,
        /// The node did it by itself, at nobody's request.
        by_node: bool,
    },
}

impl News {
    /// All kinds of events, as [`News::kind`] names them.
    pub const KINDS: [&'static str; 6] = ["key", "verdict", "session", "device", "refusal", "gateway"];

    /// As the event stream names it: `key`, `verdict`, `session`, `device`, `refusal`, `gateway`.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Key { .. } => "key",
            Self::Verdict { .. } => "verdict",
            Self::Session { .. } => "session",
            Self::Device { .. } => "device",
            Self::Refusal { .. } => "refusal",
            Self::Gateway { .. } => "gateway",
        }
    }

    /// What a page that shows it has to draw anew.
    pub(super) fn topic(&self) -> Topic {
        match self {
            Self::Key { .. } | Self::Verdict { .. } => Topic::Keys,
            Self::Session { .. } | Self::Refusal { .. } => Topic::Sessions,
            Self::Device { .. } => Topic::Devices,
            Self::Gateway { .. } => Topic::Gateway,
        }
    }

    /// Its fields, named as in the API.
    pub(super) fn fields(&self) -> Value {
        match self {
            Self::Key {
                what,
                key_no,
                key_id,
                file_name,
            } => json!({
                "What": what.name(),
                "KeyNo": key_no,
                "KeyID": key_id.map(|id| id.to_string()),
                "FileName": file_name,
            }),
            Self::Verdict {
                key_no,
                key_id,
                file_name,
                cause,
            } => json!({
                "KeyNo": key_no,
                "KeyID": key_id.map(|id| id.to_string()),
                "FileName": file_name,
                "Enabled": cause.is_none(),
                "Cause": cause,
            }),
            Self::Session { what, session } => json!({
                "What": what.name(),
                "ID": session.id.to_string(),
                "KeyID": session.fields.key_id.to_string(),
                "UsedLicence": session.key_no,
                "ClientSessionID": session.fields.client_session_id,
                "AppName": session.fields.app_name,
                "ComputerName": session.fields.computer_name,
                "UserName": session.fields.user_name,
                "SessionConnection": session.fields.connection.map(|id| id.to_string()),
            }),
            Self::Device { what, device } => {
                let device: Value = serde_json::from_str(device).unwrap_or_default();
                json!({ "What": what, "Device": device })
            }
            Self::Refusal {
                key_id,
                reason,
                client,
            } => json!({ "KeyID": key_id.to_string(), "Reason": reason, "ClientSessionID": client }),
            Self::Gateway {
                event,
                object,
                detail,
                ..
            } => json!({ "Event": event, "Object": object, "Detail": detail }),
        }
    }
}
