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
    #[serde(rename = "PowerOfAttorneyITN")]
    pub power_of_attorney_itn: Option<String>,
    /// The operator's number of the order management station.
    pub oms_id: Option<String>,
    /// The connection of the organisation itself.
    pub oms_connection: Option<String>,
    /// Its places of production.
    pub facilities: Vec<Facility>,
    /// Its subscriber's number with 1C-Taxcom.
    #[serde(rename = "SubscriberID")]
    pub subscriber_id: Option<String>,
    /// Data of registration with 1C-Taxcom, by the seed's names.
    pub registration_data: BTreeMap<String, String>,
}

impl Kept for Organization {
    const KIND: &'static str = "organization";
}

impl Organization {
    /// All its connections, in lower case.
    pub fn connections(&self) -> Vec<String> {
        let facilities = self.facilities.iter().map(|facility| &facility.oms_connection);
        let all = [&self.oms_connection].into_iter().chain(facilities);
        let named = all.flatten().filter(|name| !name.is_empty());
        named.map(|name| name.to_ascii_lowercase()).collect()
    }

    /// The certificate's thumbprint, where one is set that can be read.
    pub fn thumbprint(&self) -> Option<Thumbprint> {
        self.certificate.as_deref()?.parse().ok()
    }
}

/// A UUID in lower case; none: the text is no UUID.
pub fn uuid(text: &str) -> Option<String> {
    let text = text.trim();
    let fits = |(place, c): (usize, char)| match place {
        8 | 13 | 18 | 23 => c == '-',
        _ => c.is_ascii_hexdigit(),
    };
    (text.len() == 36 && text.chars().enumerate().all(fits)).then(|| text.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_have_the_names_of_the_api() {
        let whole = r#"{"Name":"А","Certificate":"A9993E364706816ABA3E25717850C26C9CD0D89D",
            "PowerOfAttorneyITN":"7707083893","OmsId":"u","OmsConnection":"v",
            "Facilities":[{"Name":"Цех","OmsConnection":"w"}],"SubscriberID":"2AL-1","RegistrationData":{"КПП":"770701001"}}"#;
        let organization: Organization = serde_json::from_str(whole).unwrap();
        assert_eq!(organization.subscriber_id.as_deref(), Some("2AL-1"));
        assert!(organization.thumbprint().is_some());
        let told = serde_json::to_value(&organization).unwrap();
        assert_eq!(told, serde_json::from_str::<serde_json::Value>(whole).unwrap());
    }

    #[test]
    fn a_uuid_has_its_form() {
        let good = "A63FF582-0000-4000-8000-00000000000a";
        assert_eq!(
            uuid(good).as_deref(),
            Some("a63ff582-0000-4000-8000-00000000000a")
        );
        for bad in [
            "",
            "a63ff58200004000800000000000000a",
            "a63ff582-0000-4000-8000-00000000000g",
            "a63ff582-0000-4000-8000-00000000000ä",
        ] {
            assert_eq!(uuid(bad), None, "{bad}");
        }
    }
}
