//! Carrier requests: what a vendor needs to know of a carrier to issue a licence for it without having it at hand.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::devices::fido2::Credential;
use crate::devices::{Carrier, DriverKind};
use crate::licence::KeyNo;
use crate::licence::binding::CarrierBinding;

use super::failure::Failure;
use super::offline::read_licence;

/// A carrier request, as its file holds it in JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CarrierRequest {
    /// What the licence is to be bound to.
    driver: String,
    serial: String,
    public_key: String,
    /// The licence's `BlankKeyNo`.
    number: KeyNo,
}

impl CarrierRequest {
    /// Of a security key.
    pub(super) fn of_credential(credential: &Credential) -> Self {
        Self {
            driver: DriverKind::Fido2.name().into(),
            serial: credential.serial(),
            public_key: credential.public_key(),
            number: Carrier::number_of_credential(&credential.serial()),
        }
    }

    /// As text: one line for each field.
    pub(super) fn text(&self) -> Result<String, Failure> {
        let text = serde_json::to_string_pretty(self).map_err(Failure::of)?;
        Ok(text + "\n")
    }

    /// Reads a request; whatever it says is checked as far as that can be without the carrier.
    pub(super) fn read(path: &Path) -> Result<Self, Failure> {
        let failed = |why: String| Failure::of(format!("{}: {why}", path.display()));
        let bytes = read_licence(path)?;
        let request: Self = serde_json::from_slice(&bytes).map_err(|error| failed(error.to_string()))?;
        if request.driver != DriverKind::Fido2.name() {
            return Err(failed(format!(
                "requests are for security keys (fido2), not for {}: `keynode vendor issue --carrier` is for carriers \
                 that are plugged in",
                request.driver.escape_debug()
            )));
        }
        match Credential::parse(&request.serial, &request.public_key) {
            Some(credential) if request == Self::of_credential(&credential) => Ok(request),
            Some(_) => Err(failed("its number is not that of its credential".into())),
            None => Err(failed(
                "its serial and public_key are no credential of a security key".into(),
            )),
        }
    }

    /// The binding of the licence, and its `BlankKeyNo`.
    pub(super) fn binding(self) -> (CarrierBinding, KeyNo) {
        let binding = CarrierBinding {
            driver: self.driver,
            serial: self.serial,
            public_key: Some(self.public_key),
        };
        (binding, self.number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REQUEST: &str = r#"{"driver":"fido2","serial":"AQID","public_key":"pQECAyYgASFYIAEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBIlggAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI","number":265377698062305}"#;

    fn read(text: &str) -> Result<CarrierRequest, String> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        CarrierRequest::read(file.path()).map_err(|failure| failure.to_string())
    }

    #[test]
    fn a_request_is_read_back_and_one_that_does_not_fit_together_is_refused() {
        let request = read(REQUEST).unwrap();
        assert_eq!(read(&request.text().unwrap()).unwrap(), request);
        assert_eq!(request.binding().1, 265_377_698_062_305);
        for (from, to, why) in [
            ("fido2", "hid", "not for hid"),
            ("AQID", "AQIE", "number"),
            ("pQEC", "pQEB", "no credential"),
            ("\"number\"", "\"count\"", "unknown field"),
        ] {
            let error = read(&REQUEST.replace(from, to)).unwrap_err();
            assert!(error.contains(why), "{error}");
        }
    }
}
