//! Why a token did not do what was asked of it.

/// Why a token did not do what was asked. Holds no secret.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum TokenError {
    /// The settings know no such token.
    #[error("no [tokens.{0}] in the settings")]
    Unknown(String),
    /// It is absent, locked, wants a PIN or is faulty.
    #[error("token {name} {state}")]
    NotUsable {
        /// NAME in the settings.
        name: String,
        /// Its state, in words.
        state: String,
    },
    /// The module's process ended.
    #[error("token {0}: its module crashed; it is started anew")]
    Crashed(String),
    /// No answer in time; the module's process was ended.
    #[error("token {0}: its module did not answer in time; it is started anew")]
    Late(String),
    /// More is asked of it at once than it can do in time.
    #[error("token {0}: too much is asked of it at once")]
    Busy(String),
    /// There is no such key on it.
    #[error("token {0}: it has no such key")]
    NoKey(String),
    /// The token has no room.
    #[error("token {0}: it has no room for this")]
    NoRoom(String),
    /// What the module answered makes no sense.
    #[error("token {name}: its module answers nonsense: {what}")]
    Nonsense {
        /// NAME in the settings.
        name: String,
        /// What.
        what: String,
    },
    /// The module's own word, such as `CKR_FUNCTION_FAILED`.
    #[error("token {name}: {code}")]
    Refused {
        /// NAME in the settings.
        name: String,
        /// Name of the return value.
        code: String,
    },
}
