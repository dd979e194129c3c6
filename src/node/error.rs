//! Why a node does not start.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use crate::api::tls::TlsError;
use crate::gateway::GatewayError;
use crate::monitoring::webhooks::WebhookError;
use crate::signing::SigningError;
use crate::store::{StoreError, UserError};

/// Why a node does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The state directory cannot be used.
    #[error("the state directory {path}: {source}")]
    StateDir {
        /// The directory.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Another process has the state directory.
    #[error(
        "another keynode uses the state directory {0}: stop it first, or choose another with --state-dir"
    )]
    InUse(PathBuf),
    /// The gateway.
    #[error(transparent)]
    Gateway(GatewayError),
    /// The webhooks.
    #[error(transparent)]
    Webhooks(#[from] WebhookError),
    /// An address cannot be listened on.
    #[error("cannot listen on {address} (--{flag}): {source}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// The flag that sets it.
        flag: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// Others could log in with a password that everybody knows.
    #[error(
        "user \"{user}\" still has the initial password, and {address} (--{flag}) can be reached by others: change it with \
         `keynode user passwd {user}`, or listen on 127.0.0.1"
    )]
    InitialPassword {
        /// Who has it.
        user: String,
        /// The address.
        address: SocketAddr,
        /// The flag that sets it.
        flag: &'static str,
    },
    /// The certificate or its key.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The signing key.
    #[error("the signing key: {0}")]
    Key(#[from] SigningError),
    /// The state file.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The users.
    #[error(transparent)]
    User(#[from] UserError),
    /// The state file, told by `SQLite`.
    #[error("the state file: {0}")]
    Sqlite(#[from] rusqlite::Error),
    /// A server cannot be made.
    #[error("the server: {0}")]
    Server(io::Error),
}

impl StartError {
    /// Settings that cannot work, rather than a world that does not cooperate at the moment.
    pub fn is_about_settings(&self) -> bool {
        matches!(
            self,
            Self::InitialPassword { .. }
                | Self::Tls(_)
                | Self::Key(SigningError::NoKey(_) | SigningError::NoToken)
        )
    }
}
