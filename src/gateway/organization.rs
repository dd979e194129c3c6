//! The organisations that this node acts for: which certificate, which data of registration, which devices of the operator.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::cms::Thumbprint;

use super::state::Kept;

/// A place of production of an organisation.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default, deny_unknown_fields)]
pub struct Facility {
    /// What callers name it by (`ПроизводственныйОбъект`).
    pub name: String,
    /// The operator's name of the connection that orders codes for it.
    pub oms_connection: Option<String>,
}

/// An organisation. Its name among the records is its ITN.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default, deny_unknown_fields)]
pub struct Organization {
    /// What people call it.
    pub name: Option<String>,
    /// SHA-1 thumbprint of the certificate that signs for it; none: the valid one here that bears its ITN.
    pub certificate: Option<String>,
    /// The ITN that the operator is told where the certificate is that of somebody with a power of attorney (МЧД).
    pub power_of_attorney_itn: Option<String>,
    /// The operator's number of the order management station.
    pub oms_id: Option<String>,
    /// The connection of the organisation itself.
    pub oms_connection: Option<String>,
    /// Its places of production.
    pub facilities: Vec<Facility>,
    /// Its subscriber's number with 1C-Taxcom.
    pub subscriber_id: Option<String>,
    /// Data of registration with 1C-Taxcom, by the seed's names.
    pub registration_data: BTreeMap<String, String>,
}

impl Kept for Organization {
    const KIND: &'static str = "organization";
}

impl Organization {
    /// The certificate's thumbprint, where one is set that can be read.
    pub fn thumbprint(&self) -> Option<Thumbprint> {
        self.certificate.as_deref()?.parse().ok()
    }
}
