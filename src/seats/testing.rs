//! What the tests of this layer share: keys, sessions and times in few words.

use crate::clock::{Millis, Moment};
use crate::licence::{KeyId, KeyNo, KeyType, Timestamp};
use crate::store::SessionFields;

use super::Offer;

pub(super) const MINUTE: Millis = 60_000;
pub(super) const LIFE: Millis = 15 * MINUTE;
pub(super) const GRACE: Millis = 10 * MINUTE;

pub(super) fn series(text: &str) -> KeyId {
    KeyId::parse(text).unwrap()
}

/// An enabled key of series 672B without an end.
pub(super) fn key(key_no: KeyNo, key_type: KeyType, seats: u32) -> Offer {
    Offer {
        key_no,
        key_id: series("672B"),
        key_type,
        expires: None,
        seats,
        enabled: Ok(()),
        codes: Vec::new(),
    }
}

pub(super) fn main_key(key_no: KeyNo, seats: u32) -> Offer {
    key(key_no, KeyType::Main, seats)
}

/// The same key, not Enabled.
pub(super) fn missing(offer: &Offer) -> Offer {
    Offer {
        enabled: Err("the device is not plugged in".into()),
        ..offer.clone()
    }
}

/// A session of series 672B.
pub(super) fn session(client: &str) -> SessionFields {
    SessionFields {
        key_id: series("672B"),
        client_session_id: client.into(),
        started: Timestamp::from_millis(0),
        connection: None,
        is_server: false,
        session_number: None,
        infobase: None,
        app_name: None,
        computer_name: None,
        user_name: None,
        access_code: None,
    }
}

/// The same wish, with an access code.
pub(super) fn with_code(client: &str, code: &str) -> SessionFields {
    SessionFields {
        access_code: Some(code.into()),
        ..session(client)
    }
}

/// Both clocks at a time of the ledger, the wall clock ahead by a while.
pub(super) fn at(time: Millis) -> Moment {
    Moment {
        mono: time,
        wall: Timestamp::from_millis(1_700_000_000_000 + i64::try_from(time).unwrap()),
    }
}
