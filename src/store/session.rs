//! A session as it is kept, in memory and on disk. At a million sessions its size matters: texts are boxed,
//! series and identifiers are in place.

use crate::clock::Millis;
use crate::licence::{KeyId, KeyNo, Timestamp};

use super::Id;

/// A session that holds, or held, a seat.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// Its row: grows by one with each session, never used again.
    pub seq: u64,
    /// Its identifier in the API.
    pub id: Id,
    /// The key that its seat is on.
    pub key_no: KeyNo,
    /// When its life runs out, in the ledger's time.
    pub expires: Millis,
    /// When the node made it.
    pub created: Timestamp,
    /// It has given its seat back and is only listed for a while.
    pub ended: bool,
    /// The user who took it.
    pub owner: Box<str>,
    /// What the client said of it.
    pub fields: SessionFields,
}

/// What a client says of its session (spec, section 7 and rows 23 and 30).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionFields {
    /// Series.
    pub key_id: KeyId,
    /// The caller's own name for the session; with the series it is the session's identity.
    pub client_session_id: Box<str>,
    /// Start of the session.
    pub started: Timestamp,
    /// The connection that made it.
    pub connection: Option<Id>,
    /// A server's session.
    pub is_server: bool,
    /// Session number.
    pub session_number: Option<Box<str>>,
    /// Infobase connection string.
    pub infobase: Option<Box<str>>,
    /// Application.
    pub app_name: Option<Box<str>>,
    /// Computer or device.
    pub computer_name: Option<Box<str>>,
    /// User of the application.
    pub user_name: Option<Box<str>>,
    /// Access code.
    pub access_code: Option<Box<str>>,
}
