//! Hardware keys, on USB and on tokens: carriers with the licence in their memory, blank carriers, and keys that were
//! pulled.

use std::collections::HashMap;
use std::sync::Arc;

use crate::devices::{CarrierView, DriverKind, Hardware, Place};
use crate::licence::binding::{Binding, Carriers, SeenCarrier};
use crate::licence::{Licence, OpenFailure, Timestamp, VendorKeys};
use crate::tokens::{Token, TokenState};

use super::key::{Found, KeyKind, opened};
use super::plugged::{carriers, seen};

/// So many pulled keys are remembered; those that went first are forgotten first.
const REMEMBERED: usize = 256;

/// The provider of hardware keys. It is told what is plugged in and remembers what was.
#[derive(Default)]
pub struct UsbKeys {
    known: HashMap<String, Known>,
    vendors: VendorKeys,
    pulls: u64,
}

/// What is known of a carrier, by its stable name.
#[derive(Clone)]
struct Known {
    memory: Option<Arc<[u8]>>,
    /// `at port 1-1.4`, `in token NAME`.
    place: String,
    found: Found,
    /// Which pull it was, counted; none: it is plugged in.
    pulled: Option<u64>,
}

impl UsbKeys {
    /// What the hardware offers now: one entry for each carrier, and one for each licence that was pulled out with
    /// its carrier.
    pub fn look(
        &mut self,
        hardware: &Hardware,
        vendors: &VendorKeys,
        now: Timestamp,
    ) -> (Vec<Found>, Carriers) {
        let same_vendors = *vendors == self.vendors;
        if !same_vendors {
            self.vendors = vendors.clone();
        }
        let mut before = std::mem::take(&mut self.known);
        // Security keys hold no licences; files are bound to them.
        let holds = |carrier: &CarrierView<'_>| carrier.driver != DriverKind::Fido2.name();
        for carrier in hardware.all_carriers().filter(holds) {
            let old = before.remove(carrier.id);
            let known = look_at(carrier, old, same_vendors, vendors, now);
            self.known.insert(carrier.id.to_owned(), known);
        }
        self.remember(before, hardware);
        let found = self.known.values().map(|known| known.found.clone());
        (found.collect(), carriers(hardware))
    }

    /// Keeps those that are gone and held a licence, unless it is here under another name.
    fn remember(&mut self, gone: HashMap<String, Known>, hardware: &Hardware) {
        let here: Vec<_> = self
            .known
            .values()
            .filter_map(|known| number(&known.found))
            .collect();
        for (id, mut known) in gone {
            let Ok(licence) = &known.found.opened else {
                continue;
            };
            if here.contains(&licence.key_no) {
                continue;
            }
            if known.pulled.is_none() {
                self.pulls += 1;
                known.pulled = Some(self.pulls);
            }
            known.found.obstacle = Some(absence(&id, &known.place, hardware));
            self.known.insert(id, known);
        }
        let mut pulled: Vec<_> = self
            .known
            .iter()
            .filter_map(|(id, known)| Some((known.pulled?, id.clone())))
            .collect();
        pulled.sort_unstable();
        for (_, id) in pulled.iter().rev().skip(REMEMBERED) {
            self.known.remove(id);
        }
    }
}

/// Why a carrier is none any more that was one.
fn absence(id: &str, place: &str, hardware: &Hardware) -> String {
    if let Some(device) = hardware.inventory.find(id) {
        let port = &device.port;
        return format!(
            "the device is connected at port {port} but its family has no driver: the settings took it away"
        );
    }
    let present = |token: &&Arc<Token>| {
        token.state == TokenState::Usable && Place::Token(&token.name).to_string() == place
    };
    match hardware.tokens.tokens.iter().find(present) {
        Some(token) => format!(
            "its carrier key is no longer on token {}, which is connected",
            token.name
        ),
        None => format!("unplugged; it was last {place}"),
    }
}

/// The number of a licence that lies where it belongs.
fn number(found: &Found) -> Option<u64> {
    let licence = found.opened.as_ref().ok()?;
    found.obstacle.is_none().then_some(licence.key_no)
}

fn look_at(
    carrier: CarrierView<'_>,
    old: Option<Known>,
    same_vendors: bool,
    vendors: &VendorKeys,
    now: Timestamp,
) -> Known {
    let as_seen = seen(carrier);
    let unproven = unproven(carrier, &as_seen);
    let told = carrier.memory.cloned();
    // As long as it does not let itself be read, what it held before is the best guess.
    let memory = told.or_else(|| old.as_ref()?.memory.clone().filter(|_| unproven.is_some()));
    let old = old.filter(|old| old.memory == memory).map(|old| old.found);
    let updated = old.as_ref().map_or(now, |old| old.updated);
    let (opened, vendor) = match (&memory, old) {
        (Some(_), Some(old)) if same_vendors => (old.opened, old.vendor),
        (Some(memory), _) if !memory.is_empty() => opened(memory, vendors),
        // A memory that was never read may hold something.
        (None, _) if carrier.keeps_licences && unproven.is_some() => {
            let why = unproven.clone().unwrap_or_default();
            (Err(OpenFailure::Carrier(why)), None)
        }
        _ => (Err(OpenFailure::Blank), None),
    };
    let misplaced = opened
        .as_ref()
        .ok()
        .and_then(|licence| misplaced(licence, &as_seen));
    Known {
        memory,
        place: carrier.place.to_string(),
        found: Found {
            kind: KeyKind::Usb,
            file_name: carrier.id.to_owned(),
            named: Some((None, as_seen.number)),
            opened,
            vendor,
            obstacle: misplaced.or(unproven),
            updated,
        },
        pulled: None,
    }
}

fn unproven(carrier: CarrierView<'_>, as_seen: &SeenCarrier) -> Option<String> {
    let why = as_seen.proof.as_ref().err()?;
    Some(format!("the {} is connected but {why}", carrier.place.noun()))
}

/// Why a licence does not belong on the carrier that it was found on. A copy is no rival of the licence it was
/// copied from.
fn misplaced(licence: &Licence, carrier: &SeenCarrier) -> Option<String> {
    if let Binding::Carrier(binding) = &licence.binding {
        if !carrier.has_name_of(binding) {
            return Some(format!(
                "the licence is bound to another device, {} {}: this one holds a copy",
                binding.driver, binding.serial
            ));
        }
        return carrier
            .vouches(Some(binding), licence.blank_key_no)
            .err()
            .filter(|_| carrier.proof.is_ok())
            .map(|miss| miss.to_string());
    }
    let number = licence.blank_key_no.filter(|number| *number != carrier.number)?;
    Some(format!(
        "the licence belongs on the carrier that its BlankKeyNo {number} names; the number of this one is {}",
        carrier.number
    ))
}
