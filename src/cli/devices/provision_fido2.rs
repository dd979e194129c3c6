//! `keynode devices provision --driver fido2`: makes what a licence can be bound to on a security key.

use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;

use crate::devices::fido2::{Step, make};
use crate::devices::{Access, Device, DriverKind, Inventory, scan_once};
use crate::node::device_rules;
use crate::settings::Settings;

use super::super::carrier_request::CarrierRequest;
use super::super::licence::write_whole;
use super::Failure;

/// Makes a credential on the security key of this name, or on the only one that is plugged in; the request for a licence
/// is written into a file, or printed.
pub(super) fn run(
    settings: &Settings,
    name: Option<&str>,
    resident: bool,
    file: Option<&Path>,
    out: &mut impl Write,
) -> Result<(), Failure> {
    let inventory = scan_once(&device_rules(&settings.devices).catalogue);
    let key = security_key(&inventory, name)?;
    if let Access::NoPermission { .. } | Access::Faulty { .. } = key.access {
        let why = key.access.detail().unwrap_or_default();
        return Err(Failure::Failed(format!("{}: {why}", key.id)));
    }
    let tell = &mut |step| {
        let text = match step {
            Step::Touch => "touch the security key now",
            Step::Test => "the credential is made; the key is asked for it without a touch",
        };
        // Nobody may be there to read it.
        let _ = writeln!(io::stderr(), "{text}");
    };
    let credential =
        make(key, resident, tell).map_err(|error| Failure::Failed(format!("{}: {error}", key.id)))?;
    let request = CarrierRequest::of_credential(&credential).text()?;
    let Some(file) = file else {
        out.write_all(request.as_bytes())?;
        return Ok(());
    };
    write_whole(file, request.as_bytes())
        .map_err(|error| Failure::of(format!("{}: {error}", file.display())))?;
    writeln!(
        out,
        "{} is a carrier now: {} is for the vendor, who issues a licence for it with: keynode vendor issue \
         --carrier-request FILE",
        key.id,
        file.display()
    )?;
    Ok(())
}

fn security_key<'i>(inventory: &'i Inventory, name: Option<&str>) -> Result<&'i Arc<Device>, Failure> {
    let is_named = |device: &&Arc<Device>| {
        name.is_none_or(|name| device.id == name || device.serial.as_deref() == Some(name))
    };
    let keys = inventory.devices.iter().filter(is_named);
    let keys: Vec<_> = keys
        .filter(|device| device.driver() == Some(DriverKind::Fido2))
        .collect();
    match (&keys[..], name) {
        ([key], _) => Ok(key),
        ([], Some(name)) => Err(Failure::NotFound(format!(
            "no security key has the ID or serial number {name}: `keynode devices list` shows what is plugged in"
        ))),
        ([], None) => Err(Failure::NotFound("no security key (FIDO2) is plugged in".into())),
        (several, _) => Err(Failure::Usage(format!(
            "several security keys are plugged in: name one by its ID: {}",
            several
                .iter()
                .map(|device| device.id.as_str())
                .collect::<Vec<_>>()
                .join(", ")
        ))),
    }
}
