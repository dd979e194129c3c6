//! A registration that somebody wants: what is to be sent, byte for byte, and by which way.

use aws_lc_rs::digest::{Context, SHA256};
use serde::{Deserialize, Serialize};

use crate::cms::Thumbprint;
use crate::settings::CrptRoute;
use crate::text::hex;

/// The header that carries the signature.
pub(super) const SIGNATURE: &str = "X-Signature";

/// Who signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignAs {
    /// The organisation of the order, with its certificate.
    Organization,
    /// This certificate.
    Certificate(Thumbprint),
}

/// A registration that somebody wants. Kept sealed: its headers are the sender's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConnectionOrder {
    /// The operator's number of the order management station.
    pub oms_id: String,
    /// The operator's JSON, exactly as it is signed and sent.
    pub body: String,
    /// Headers for the operator.
    pub headers: Vec<(String, String)>,
    /// Parameters of the operator's address, `omsId` among them.
    pub parameters: Vec<(String, String)>,
    /// The library on whose behalf it is asked, and its version.
    pub library: (String, String),
    /// Name of the program (`programNick`).
    pub program: String,
    /// The way.
    pub route: CrptRoute,
    /// For whom.
    pub itn: Option<String>,
    /// The area of data whose support account is used where it has one.
    pub area: Option<i64>,
    /// The caller knows that the same was sent before and that its outcome is unknown, and wants it sent again.
    #[serde(skip)]
    pub again: bool,
    /// Who signs what is not signed.
    #[serde(skip)]
    pub sign_as: Option<SignAs>,
    /// SHA-1 thumbprint of the certificate that signed here.
    pub(super) certificate: Option<String>,
}

impl ConnectionOrder {
    /// An order with nothing but the operator's words.
    pub fn new(oms_id: String, body: String, route: CrptRoute) -> Self {
        Self {
            oms_id,
            body,
            headers: Vec::new(),
            parameters: Vec::new(),
            library: (String::new(), String::new()),
            program: String::new(),
            route,
            itn: None,
            area: None,
            again: false,
            sign_as: None,
            certificate: None,
        }
    }

    /// Whether it has a signature already; an empty one is none.
    pub fn is_signed(&self) -> bool {
        let mut headers = self.headers.iter();
        headers.any(|(name, value)| name.eq_ignore_ascii_case(SIGNATURE) && !value.trim().is_empty())
    }

    /// What tells it from all others: the station and the exact bytes. The way is no part of it: the operator gets the same.
    /// Nor is the case of the station's number.
    pub(super) fn name(&self) -> String {
        let mut both = Context::new(&SHA256);
        let station = self.oms_id.to_ascii_lowercase();
        for part in [station.as_bytes(), b"\0", self.body.as_bytes()] {
            both.update(part);
        }
        hex(both.finish().as_ref())
    }

    /// A field of the operator's JSON.
    pub(super) fn field(&self, name: &str) -> Option<String> {
        let body: serde_json::Value = serde_json::from_str(&self.body).ok()?;
        crate::text::clean_up_to(512, body[name].as_str()?.as_bytes())
    }
}
