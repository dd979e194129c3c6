//! Figures of the hardware: USB devices, carriers, what the devices' thread counted, tokens and certificates.

use std::collections::BTreeMap;

use crate::devices::{Access, CarrierState};
use crate::tokens::{KeyPlace, PinWanted, TokenState};

use super::super::Monitoring;
use super::text::Page;
use super::{MOST, seconds_left};

/// Devices of no family of the catalogue.
const NO_FAMILY: &str = "other";

pub(super) fn devices(page: &mut Page, monitoring: &Monitoring) {
    let plugged = monitoring.api.keys.devices();
    let (hardware, counters) = (plugged.hardware(), plugged.counters());
    let mut devices = BTreeMap::<(&str, &str), usize>::new();
    for device in &hardware.inventory.devices {
        let family = device.family.as_ref().map_or(NO_FAMILY, |family| &*family.name);
        // Of a family that is here each state has its number: what is well again is told as 0.
        for state in ACCESSES {
            *devices.entry((family, state)).or_default() += usize::from(state == access(&device.access));
        }
    }
    let mut family = page.gauge(
        "keynode_devices",
        "USB devices that are plugged in, by family of the catalogue and by whether the node may use them.",
    );
    for ((name, access), count) in devices {
        family.sample(&[("family", name), ("access", access)], count);
    }
    // A port has a name that the kernel gives it: unlike the device's own, nobody else can choose it.
    let families = hardware.inventory.devices.iter().filter_map(|device| {
        let family = device.family.as_ref()?;
        Some(((&*family.name, &*device.port), access(&device.access)))
    });
    let known: BTreeMap<(&str, &str), &str> = families.collect();
    let mut family = page.gauge(
        "keynode_device_access",
        "1 for whether the node may use a device of a family of the catalogue, 0 for the other words.",
    );
    for ((name, port), own) in known.into_iter().take(MOST) {
        for state in ACCESSES {
            let labels = [("family", name), ("port", port), ("access", state)];
            family.flag(&labels, state == own);
        }
    }
    let mut carriers = BTreeMap::<(&str, &str), usize>::new();
    for carrier in hardware.all_carriers() {
        let state = match carrier.state {
            CarrierState::Pending => "pending",
            CarrierState::Proven => "proven",
            CarrierState::Failed(_) => "failed",
        };
        *carriers.entry((carrier.driver, state)).or_default() += 1;
    }
    let mut family = page.gauge(
        "keynode_carriers",
        "Carriers of licences, by driver and by whether they proved themselves.",
    );
    for ((driver, state), count) in carriers {
        family.sample(&[("driver", driver), ("state", state)], count);
    }
    for (name, help, count) in [
        (
            "keynode_device_scans_total",
            "Scans of the USB devices.",
            counters.scans,
        ),
        (
            "keynode_device_events_total",
            "Events from udev.",
            counters.events,
        ),
        (
            "keynode_device_event_overflows_total",
            "Times that the kernel dropped events, and everything was looked at anew.",
            counters.overflows,
        ),
        (
            "keynode_device_reconnects_total",
            "Times that the connection to udev died and was made anew.",
            counters.reconnects,
        ),
        (
            "keynode_carrier_proofs_total",
            "Proofs that carriers were asked for.",
            counters.proofs,
        ),
        (
            "keynode_carrier_proof_failures_total",
            "Proofs that failed.",
            counters.failed_proofs,
        ),
    ] {
        page.counter(name, help).is(count);
    }
    page.times(
        "keynode_device_scan_seconds",
        "Time that a scan of the USB devices takes.",
    )
    .noted(&[], &counters.scan_times);
}

/// Whether the node may use a device, as labels have it.
const ACCESSES: [&str; 4] = ["ok", "no_permission", "busy", "faulty"];

fn access(access: &Access) -> &'static str {
    match access {
        Access::Ok => "ok",
        Access::NoPermission { .. } => "no_permission",
        Access::Busy { .. } => "busy",
        Access::Faulty { .. } => "faulty",
    }
}

/// States of a token.
const TOKEN_STATES: [&str; 6] = [
    "usable",
    "absent",
    "pin_missing",
    "pin_refused",
    "locked",
    "faulty",
];

fn token_state(state: &TokenState) -> &'static str {
    match state {
        TokenState::Usable => "usable",
        TokenState::Absent => "absent",
        TokenState::NeedsPin(PinWanted::Missing(_)) => "pin_missing",
        TokenState::NeedsPin(PinWanted::Refused(_)) => "pin_refused",
        TokenState::Locked => "locked",
        TokenState::Faulty(_) => "faulty",
    }
}

pub(super) fn tokens(page: &mut Page, monitoring: &Monitoring) {
    let mut family = page.gauge(
        "keynode_token_state",
        "1 for the state that the token is in, 0 for the others.",
    );
    for token in monitoring.api.tokens.tokens().iter() {
        let own = token_state(&token.state);
        for state in TOKEN_STATES {
            family.flag(&[("token", &token.name), ("state", state)], state == own);
        }
    }

    let now = monitoring.health.clock.now().wall;
    let inventory = monitoring.api.certificates.inventory();
    // Without a private key it is an authority's, or of no use.
    let own = inventory.certificates.iter().filter_map(|listed| {
        let place = match listed.key.as_ref()? {
            KeyPlace::Token { token, .. } => format!("token {token}"),
            KeyPlace::File { name, .. } => format!("file {name}"),
        };
        let end = listed.certificate.as_ref()?.not_after;
        Some((
            listed.thumbprint?.to_string(),
            place,
            end,
            listed.obstacle(now).is_none(),
        ))
    });
    let mut own: Vec<_> = own.collect();
    own.sort_by(|a, b| (a.2, &a.0, &a.1).cmp(&(b.2, &b.0, &b.1)));
    own.dedup_by(|a, b| (&a.0, &a.1) == (&b.0, &b.1));
    own.truncate(MOST);
    let mut family = page.gauge(
        "keynode_certificate_left_seconds",
        "Time until a certificate with a private key ends, below 0 after that.",
    );
    for (thumbprint, place, end, _) in &own {
        let labels = [("thumbprint", &**thumbprint), ("place", place)];
        family.sample(&labels, seconds_left(*end, now));
    }
    let mut family = page.gauge(
        "keynode_certificate_usable",
        "1: the certificate can be signed with now.",
    );
    for (thumbprint, place, _, usable) in &own {
        family.flag(&[("thumbprint", thumbprint), ("place", place)], *usable);
    }
}
