//! Which devices are meant by a name, and attestations for programs that do not stay.

use std::sync::Arc;

use crate::devices::carrier::{self, CarrierError, DriverKind, Known, fido2};
use crate::devices::device::Device;
use crate::devices::service::Hardware;

/// A device that may be meant.
#[derive(Clone, Debug)]
pub(in crate::devices) struct Named {
    pub(in crate::devices) device: Arc<Device>,
    pub(in crate::devices) driver: DriverKind,
    /// Id of the credential that is meant.
    pub(in crate::devices) credential: Option<Vec<u8>>,
}

/// The devices that may be meant by a name: the one of this stable name; or, where it is the id of a credential, all
/// security keys, for nothing tells from outside which of them has it.
///
/// # Errors
/// [`CarrierError::Absent`]; Unfit where a security key is named that has none or several of the credentials that are
/// known here.
pub(in crate::devices) fn named(hardware: &Hardware, name: &str) -> Result<Vec<Named>, CarrierError> {
    let devices = hardware.inventory.devices.iter();
    let mut carriers = devices.filter_map(|device| Some((device, device.driver()?)));
    let credential = match carriers.clone().find(|(device, _)| device.id == name) {
        Some((device, DriverKind::Fido2)) => only_credential(hardware, device)?,
        Some((device, driver)) => {
            return Ok(vec![Named {
                device: Arc::clone(device),
                driver,
                credential: None,
            }]);
        }
        None => fido2::credential_id(name).ok_or(CarrierError::Absent)?,
    };
    let keys = carriers
        .by_ref()
        .filter(|(_, driver)| *driver == DriverKind::Fido2);
    let keys = keys.map(|(device, driver)| Named {
        device: Arc::clone(device),
        driver,
        credential: Some(credential.clone()),
    });
    Ok(keys.collect())
}

fn only_credential(hardware: &Hardware, key: &Device) -> Result<Vec<u8>, CarrierError> {
    let its = hardware
        .carriers
        .iter()
        .filter(|carrier| carrier.device.id == key.id);
    let serials: Vec<&str> = its.filter_map(|carrier| carrier.serial.as_deref()).collect();
    match serials[..] {
        [serial] => fido2::credential_id(serial).ok_or(CarrierError::Absent),
        _ => Err(CarrierError::Unfit(format!(
            "{} credentials of this security key are known here: name the one that is meant, by its id",
            serials.len()
        ))),
    }
}

/// The attestation of the first of these that gives one; else why the one failed that may have been meant.
pub(in crate::devices) fn first(
    named: Vec<Named>,
    mut attest: impl FnMut(Named) -> Result<Vec<u8>, CarrierError>,
) -> Result<Vec<u8>, CarrierError> {
    let mut failure = CarrierError::Absent;
    for one in named {
        match attest(one) {
            Err(CarrierError::Absent) => {}
            Err(error) => failure = error,
            proof => return proof,
        }
    }
    Err(failure)
}

/// Has a USB carrier sign this challenge, for programs that looked at the hardware once and have no thread for it. The
/// name is its stable name, or the id of a security key's credential in base64url, as bindings write it. Blocks for as
/// long as a device hangs.
///
/// # Errors
/// Why it did not.
pub fn attest_once(hardware: &Hardware, name: &str, challenge: &[u8; 32]) -> Result<Vec<u8>, CarrierError> {
    first(named(hardware, name)?, |one| {
        let credential = one.credential.as_deref();
        carrier::attest(
            &one.device,
            one.driver,
            &mut Known::default(),
            challenge,
            credential,
        )
    })
}
