//! The driver `hid`: challenge and response over HID feature reports (docs/hid-carrier.md).

mod exchange;
mod frame;
mod hidraw;
mod identity;
mod lock;
mod memory;
mod proof;

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::CarrierError;
use super::prove::{Driver, Proof};
use crate::devices::device::{Device, HidNode};
use exchange::Exchange;
use hidraw::Hidraw;
use identity::Identity;

/// Usage page of a carrier's HID interface.
const USAGE_PAGE: u16 = 0xff4b;
/// Usage on that page.
const USAGE: u16 = 1;
/// Time to tell who it is and to sign the challenge.
const PROVING: Duration = Duration::from_secs(1);

/// What is remembered of one carrier from proof to proof. Belongs to one plug: begin with a new one when the device
/// comes back.
#[derive(Debug, Default)]
pub struct Known {
    earlier: proof::Earlier,
    memory: memory::Remembered,
}

pub(super) struct HidDriver;

impl Driver for HidDriver {
    fn prove(&self, device: &Device, known: &mut Known) -> Result<Proof, CarrierError> {
        let (mut exchange, identity) = begin(device)?;
        proof::prove(&mut exchange, &identity, &mut known.earlier)?;
        let memory = identity
            .memory
            .map(|memory| known.memory.licence(&mut exchange, &memory))
            .transpose()?;
        Ok(Proof {
            serial: identity.serial,
            public_key: Some(URL_SAFE_NO_PAD.encode(identity.public_key)),
            memory,
            capacity: identity.memory.map_or(0, |memory| memory.capacity),
        })
    }

    fn provision(
        &self,
        device: &Device,
        licence: &[u8],
        progress: &mut dyn FnMut(usize, usize),
    ) -> Result<(), CarrierError> {
        let (mut exchange, identity) = begin(device)?;
        let memory = identity
            .memory
            .ok_or_else(|| CarrierError::Memory("it has none".into()))?;
        memory::replace(&mut exchange, &memory, licence, progress)
    }
}

/// Opens a device and asks who it is.
fn begin(device: &Device) -> Result<(Exchange<Hidraw<'_>>, Identity), CarrierError> {
    let serial = device.serial.as_deref().filter(|serial| !serial.is_empty());
    let serial = serial.ok_or(CarrierError::NoSerial)?;
    let ours = |node: &&HidNode| {
        node.usage_page == Some(USAGE_PAGE) && node.usage.is_none_or(|usage| usage == USAGE)
    };
    let node = device.hid.iter().find(ours).ok_or_else(|| {
        CarrierError::Protocol(format!(
            "it has no HID interface with usage page {USAGE_PAGE:04X}"
        ))
    })?;
    let sequence = u16::from_le_bytes(proof::random()?);
    let mut exchange = Exchange::new(Hidraw::open(device, node)?, sequence);
    exchange.allow(PROVING);
    let identity = identity::identify(&mut exchange)?;
    if identity.serial != serial {
        return Err(CarrierError::Protocol(format!(
            "it calls itself {}, but its USB serial number is {serial}",
            identity.serial
        )));
    }
    Ok((exchange, identity))
}
