//! What security keys are to be asked for: the credentials that licences are bound to.

use crate::devices::DriverKind;
use crate::devices::fido2::Credential;
use crate::licence::binding::Binding;

use super::key::Found;

/// The credentials of all authentic licences, each once. A binding that no security key can fulfil is left out.
pub fn credentials<'f>(found: impl IntoIterator<Item = &'f Found>) -> Vec<Credential> {
    let licences = found.into_iter().filter_map(|one| one.opened.as_ref().ok());
    let mut named: Vec<(&str, &str)> = licences
        .filter_map(|licence| match &licence.binding {
            Binding::Carrier(carrier) if carrier.driver == DriverKind::Fido2.name() => {
                Some((&*carrier.serial, carrier.public_key.as_deref()?))
            }
            _ => None,
        })
        .collect();
    named.sort_unstable();
    named.dedup();
    let parse = |(serial, public_key)| Credential::parse(serial, public_key);
    named.into_iter().filter_map(parse).collect()
}
