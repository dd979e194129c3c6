//! The driver `hid`: challenge and response over HID feature reports (docs/hid-carrier.md).

mod exchange;
mod frame;
mod identity;
mod memory;
mod proof;

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::CarrierError;
use super::hidraw::Hidraw;
use super::known::Known;
use super::prove::{Driver, Proof};
use super::random::random;
use super::weak_key::is_weak;
use crate::devices::device::{Device, HidNode};
use exchange::Exchange;
use identity::Identity;

/// Usage page of a carrier's HID interface.
const USAGE_PAGE: u16 = 0xff4b;
/// Usage on that page.
const USAGE: u16 = 1;
/// Time to tell who it is and to sign the challenge.
const PROVING: Duration = Duration::from_secs(1);

/// What is remembered of a carrier from proof to proof.
#[derive(Debug, Default)]
pub(super) struct Past {
    earlier: proof::Earlier,
    memory: memory::Remembered,
}

pub(super) struct HidDriver;

impl Driver for HidDriver {
    fn prove(&self, device: &Device, known: &mut Known) -> Result<Proof, CarrierError> {
        let (mut exchange, identity) = begin(device)?;
        proof::prove(&mut exchange, &identity, &mut known.hid.earlier)?;
        let memory = identity
            .memory
            .map(|memory| {
                let answered = &mut |_| known.progress.answered();
                known.hid.memory.licence(&mut exchange, &memory, answered)
            })
            .transpose()?;
        let public_key = Some(URL_SAFE_NO_PAD.encode(identity.public_key));
        Ok(Proof {
            memory,
            capacity: identity.memory.map_or(0, |memory| memory.capacity),
            ..Proof::of(identity.serial, public_key)
        })
    }

    fn attest(
        &self,
        device: &Device,
        known: &mut Known,
        challenge: &[u8; 32],
        _credential: Option<&[u8]>,
    ) -> Result<Vec<u8>, CarrierError> {
        let (mut exchange, identity) = begin(device)?;
        proof::sign(&mut exchange, &identity, &mut known.hid.earlier, *challenge)
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

/// Whether the device of this serial number and public key, as bindings write them, signed this challenge.
pub(in crate::devices) fn attests(
    serial: &str,
    public_key: &str,
    challenge: &[u8; 32],
    signature: &[u8],
) -> bool {
    let key = URL_SAFE_NO_PAD.decode(public_key).ok();
    let key = key.and_then(|key| <[u8; 32]>::try_from(key).ok());
    identity::is_serial(serial.as_bytes())
        && key.is_some_and(|key| !is_weak(&key) && proof::signs(serial, &key, challenge, signature))
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
    let sequence = u16::from_le_bytes(random()?);
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::exchange::Transport;
    use super::frame::FRAME;
    use super::*;

    /// A device that answers what was asked for, but with any data.
    struct Hostile {
        answers: Vec<(u8, Vec<u8>)>,
        asked: usize,
        request: [u8; FRAME],
    }

    impl Transport for Hostile {
        fn set_feature(&mut self, frame: &[u8; FRAME]) -> Result<(), CarrierError> {
            (self.request, self.asked) = (*frame, self.asked + 1);
            Ok(())
        }

        fn get_feature(&mut self, frame: &mut [u8; FRAME]) -> Result<usize, CarrierError> {
            let (status, data) = &self.answers[self.asked % self.answers.len()];
            *frame = self.request;
            frame[0] = 0x6b;
            frame[6] = u8::try_from(data.len()).unwrap();
            frame[7] = *status;
            frame[8..8 + data.len()].copy_from_slice(data);
            Ok(FRAME)
        }
    }

    fn answer() -> impl Strategy<Value = (u8, Vec<u8>)> {
        let data = proptest::collection::vec(any::<u8>(), 0..=56);
        // Often one that looks like an identity: version 1, with memory, a short serial number, small lengths.
        let identity =
            (1..56u8, 1..9u8, 0..200u8, any::<[u8; 32]>()).prop_map(|(page, serial, length, key)| {
                let mut data = vec![1, 1, page, serial, 0, 1, 0, 0, length, 0, 0, 0, 1, 0, 0, 0];
                data.extend(key);
                data.extend(b"LK-00001");
                data
            });
        (
            prop_oneof![9 => Just(0u8), 1 => 2..=255u8],
            prop_oneof![data, identity],
        )
    }

    proptest! {
        #[test]
        fn whatever_a_device_answers_the_conversation_ends(answers in proptest::collection::vec(answer(), 1..8)) {
            let mut exchange = Exchange::new(Hostile { answers, asked: 0, request: [0; FRAME] }, 0);
            exchange.allow(Duration::from_secs(10));
            if let Ok(identity) = identity::identify(&mut exchange) {
                let proven = proof::prove(&mut exchange, &identity, &mut proof::Earlier::default());
                prop_assert!(proven.is_err(), "a proof by noise");
                if let Some(memory) = identity.memory {
                    let read = memory::Remembered::default().licence(&mut exchange, &memory, &mut |_| ());
                    prop_assert!(read.is_err() || read.is_ok_and(|licence| licence.len() == memory.length));
                    let _ = memory::replace(&mut exchange, &memory, b"licence", &mut |_, _| ());
                }
            }
        }
    }
}
