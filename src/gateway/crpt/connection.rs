//! A connection as it is kept: what the operator named it, and whose it is.

use serde::{Deserialize, Serialize};

use crate::licence::Timestamp;

use super::super::state::Kept;

/// A connection that was registered through this node. Its name among the records is `oms_connection`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Connection {
    /// The operator's number of the order management station.
    pub oms_id: String,
    /// The operator's name of the connection.
    pub oms_connection: String,
    /// What it was called.
    pub name: Option<String>,
    /// Its address.
    pub address: Option<String>,
    /// Whose it is.
    #[serde(rename = "ITN")]
    pub itn: Option<String>,
    /// When it was registered.
    pub created: Timestamp,
    /// SHA-1 thumbprint of the certificate that signed for it.
    pub certificate: Option<String>,
}

impl Kept for Connection {
    const KIND: &'static str = "crpt-connection";
}
